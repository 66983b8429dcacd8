#include <gmock/gmock.h>

#include "unit/perturb/test_pictures.hpp"

namespace dfa::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> code_names(PerturbKind kind) {
  std::vector<std::string> names;
  for (const CodeInfo* info : codes_of(kind)) names.push_back(info->code);
  return names;
}

TEST(PerturbRegistry, HasTheCodesOfEachKind) {
  EXPECT_THAT(code_names(PerturbKind::deeperforensics), ElementsAre("CS", "CC", "BW", "GNC", "GB", "JPEG", "VC"));
  EXPECT_THAT(code_names(PerturbKind::gend), ElementsAre("JPEG", "BLUR", "RESIZE", "NOISE"));
  EXPECT_THAT(code_names(PerturbKind::recompress), ElementsAre("JPEG", "WEBP", "H264", "H265"));
  EXPECT_THAT(code_names(PerturbKind::messenger), ElementsAre("PHOTO", "CLIP"));
}

TEST(PerturbRegistry, NamesLevelsByTheirParameter) {
  const auto levels = [](PerturbKind kind, const char* code) { return (*find_code(kind, code))->levels; };
  EXPECT_THAT(levels(PerturbKind::deeperforensics, "CS"),
              ElementsAre("p = 0.4", "p = 0.3", "p = 0.2", "p = 0.1", "p = 0"));
  EXPECT_THAT(levels(PerturbKind::deeperforensics, "VC"),
              ElementsAre("crf 30", "crf 32", "crf 35", "crf 38", "crf 40"));
  EXPECT_EQ(levels(PerturbKind::gend, "RESIZE").size(), 18U);
  EXPECT_EQ(levels(PerturbKind::gend, "BLUR").back(), "k = 19, sigma 3");
}

TEST(PerturbRegistry, TellsTheTruthAboutTheCodeJpeg) {
  EXPECT_THAT((*find_code(PerturbKind::deeperforensics, "JPEG"))->name, HasSubstr("pixelation"));
}

TEST(PerturbRegistry, RefusesWhatItDoesNotKnowAndSaysWhatItDoes) {
  EXPECT_THAT(perturb_kind_by_name("blur").error().message, HasSubstr("deeperforensics, gend, recompress, messenger"));
  EXPECT_EQ(*perturb_kind_by_name("gend"), PerturbKind::gend);
  EXPECT_THAT(find_code(PerturbKind::gend, "CS").error().message, HasSubstr("JPEG, BLUR, RESIZE, NOISE"));
  for (const int level : {0, 6, -1})
    EXPECT_THAT(check_perturbation({PerturbKind::gend, "BLUR", level}).error().message, HasSubstr("it has 1 to 5"));
  EXPECT_FALSE(perturb(noise(8, 8).view(), {PerturbKind::gend, "BLUR", 6}, RngStream(1, "t")));
}

}  // namespace
}  // namespace dfa::test
