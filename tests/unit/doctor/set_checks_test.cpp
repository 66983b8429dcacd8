#include "doctor/set_checks.hpp"

#include <gmock/gmock.h>

#include "doctor/examine.hpp"
#include "doctor/report.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

SourceItem item(const std::string& path, int label, std::optional<Role> role, const std::string& method = "",
                const std::string& level = "", std::vector<std::string> identities = {}) {
  SourceItem made;
  made.path = path;
  made.label = label;
  made.role = role;
  made.method = method;
  made.compression = level;
  made.identities = std::move(identities);
  return made;
}

TEST(SetChecks, CountsAreComparedPerLevelAndRole) {
  SourceList list;
  for (int i = 0; i < 1000; ++i) {
    const Role role = i < 720 ? Role::train : i < 860 ? Role::val : Role::test;
    list.items.push_back(item("r" + std::to_string(i), 0, role, "", "c23"));
    if (i > 0) list.items.push_back(item("f" + std::to_string(i), 1, role, "Deepfakes", "c23"));
  }
  std::vector<std::string> lines;
  for (const Finding& finding : count_findings(list, *layout_info("ffpp")))
    lines.push_back(finding.subject + ": " + finding.message);
  // A method that is absent is one line, not four.
  EXPECT_THAT(lines, testing::ElementsAre(
                         "Deepfakes, c23: 999 found, 1000 expected", "Deepfakes, train, c23: 719 found, 720 expected",
                         "Face2Face, c23: 0 found, 1000 expected", "FaceSwap, c23: 0 found, 1000 expected",
                         "NeuralTextures, c23: 0 found, 1000 expected", "FaceShifter, c23: 0 found, 1000 expected"));
}

TEST(SetChecks, RoundFiguresHaveATolerance) {
  SourceList list;
  for (int i = 0; i < 363; ++i) list.items.push_back(item("r" + std::to_string(i), 0, std::nullopt, "", "c23"));
  for (int i = 0; i < 3060; ++i)
    list.items.push_back(item("f" + std::to_string(i), 1, std::nullopt, "DeepFakeDetection", "c23"));
  EXPECT_TRUE(count_findings(list, *layout_info("dfd")).empty());
  list.items.resize(3000);
  EXPECT_EQ(count_findings(list, *layout_info("dfd")).size(), 1U);
}

TEST(SetChecks, YoutubeRealIsCountedInEitherSpelling) {
  SourceList list;
  for (int i = 0; i < 300; ++i) list.items.push_back(item("Youtube-real/" + std::to_string(i), 0, Role::train));
  for (const Finding& finding : count_findings(list, *layout_info("celebdf2")))
    EXPECT_NE(finding.subject, "YouTube-real");
}

TEST(SetChecks, AnIdentityInTwoRolesIsOneFinding) {
  SourceList list;
  list.items = {item("a", 0, Role::train, "", "", {"071"}), item("b", 1, Role::test, "M", "", {"003", "071"}),
                item("c", 1, Role::test, "M", "", {"003"}), item("d", 0, std::nullopt, "", "", {"003"})};
  const std::vector<Finding> findings = identity_findings(list);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].subject, "071");
  EXPECT_THAT(findings[0].message, HasSubstr("train (1 items: a) and test (1 items: b)"));
}

TEST(SetChecks, ClassesAtOtherLevelsThanTheReals) {
  SourceList list;
  list.items = {item("a", 0, std::nullopt, "", "c23"), item("b", 1, std::nullopt, "FaceSwap", "c23"),
                item("c", 1, std::nullopt, "Deepfakes", "c40")};
  const std::vector<Finding> findings = compression_findings(list);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].subject, "Deepfakes");
  list.items.pop_back();
  EXPECT_TRUE(compression_findings(list).empty());
}

TEST(Examine, DamageAndCopiesAreFoundOnce) {
  const test::TempDir dir;
  for (const char* folder : {"real", "fake"}) std::filesystem::create_directories(dir / folder);
  const auto sample = [](const char* name) { return test::source_path("samples") / name; };
  std::filesystem::copy_file(sample("rocket.jpg"), dir / "real/a.jpg");
  std::filesystem::copy_file(sample("rocket.jpg"), dir / "real/b.jpg");
  std::filesystem::copy_file(sample("grace_hopper.jpg"), dir / "fake/c.jpg");
  std::filesystem::resize_file(dir / "fake/c.jpg", 20000);
  test::write_bytes(dir / "fake/d.png", "no picture");
  ExamineOptions options;
  options.extent = Extent::part;
  const CancelFlag never;
  const auto examination = examine("folders", dir.path(), options, never);
  ASSERT_TRUE(examination) << examination.error().message;
  std::vector<std::string> lines;
  for (const Finding& finding : examination->findings)
    lines.push_back(std::string(finding_name(finding.kind)) + " " + finding.subject);
  EXPECT_THAT(lines, testing::ElementsAre("unreadable fake/d.png", "truncated fake/c.jpg", "duplicate real/a.jpg"));
  EXPECT_THAT(examination->findings[2].others, testing::ElementsAre("real/b.jpg"));
  const std::string sums = checksum_text(examination->hashes);
  EXPECT_THAT(sums, HasSubstr("  real/a.jpg\n"));
  EXPECT_EQ(examination->hashes.size(), 4U);
  EXPECT_THAT(examination_text(*examination, options), HasSubstr("3 findings"));
}

TEST(Examine, StopsWhenAsked) {
  const test::TempDir dir;
  std::filesystem::create_directories(dir / "real");
  test::write_bytes(dir / "real/a.png", "x");
  CancelFlag cancel;
  cancel.request(2);
  const auto stopped = examine("folders", dir.path(), {}, cancel);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

TEST(Explanation, EveryLayoutHasOne) {
  for (const LayoutInfo& info : layout_infos()) {
    const std::string text = explanation_text(info);
    EXPECT_THAT(text, HasSubstr(info.title));
    EXPECT_FALSE(info.tree.empty()) << info.name;
    EXPECT_FALSE(info.rules.empty()) << info.name;
  }
}

}  // namespace
}  // namespace dfa
