#include "dataset/layouts/dfb_labels.hpp"

#include <algorithm>
#include <array>

#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

struct Method {
  std::string_view word, name;
};
constexpr std::array<Method, 6> kMethods = {{{"FF-DF", "Deepfakes"},
                                             {"FF-F2F", "Face2Face"},
                                             {"FF-FS", "FaceSwap"},
                                             {"FF-NT", "NeuralTextures"},
                                             {"FF-FH", "FaceShifter"},
                                             {"FF-SH", "FaceShifter"}}};
constexpr std::array<std::string_view, 9> kOtherFakes = {"DFD_fake",    "CelebDFv1_fake", "CelebDFv2_fake",
                                                         "DFDCP_FakeA", "DFDCP_FakeB",    "DFDC_Fake",
                                                         "DF_fake",     "UADFV_Fake",     "CelebDFv3_fake"};

struct Set {
  std::string_view top_key, layout, real, fake;
};
constexpr std::array<Set, 6> kSets = {{{"FaceForensics++", "ffpp", "FF-real", ""},
                                       {"DeepFakeDetection", "dfd", "DFD_real", "DFD_fake"},
                                       {"Celeb-DF-v1", "celebdf1", "CelebDFv1_real", "CelebDFv1_fake"},
                                       {"Celeb-DF-v2", "celebdf2", "CelebDFv2_real", "CelebDFv2_fake"},
                                       {"DFDC", "dfdc", "DFDC_Real", "DFDC_Fake"},
                                       {"DeeperForensics-1.0", "deeperforensics", "DF_real", "DF_fake"}}};

}  // namespace

std::optional<int> dfb_label(std::string_view word) {
  if (word == "FF-real" || word.ends_with("_real") || word.ends_with("_Real")) return 0;
  for (const Method& method : kMethods)
    if (method.word == word) return 1;
  if (std::find(kOtherFakes.begin(), kOtherFakes.end(), word) != kOtherFakes.end()) return 1;
  return std::nullopt;
}

std::string dfb_method(std::string_view word) {
  for (const Method& method : kMethods)
    if (method.word == word) return std::string(method.name);
  return dfb_label(word) == 1 ? std::string(word) : "";
}

bool dfb_has_compression(std::string_view top_key) {
  return top_key == "FaceForensics++" || top_key == "FaceShifter" || top_key == "DeepFakeDetection" ||
         top_key.starts_with("FF-");
}

std::string dfb_set(std::string_view top_key) {
  if (top_key == "FaceShifter" || top_key.starts_with("FF-")) return "ffpp";
  for (const Set& set : kSets)
    if (set.top_key == top_key) return std::string(set.layout);
  return lower_case(top_key);
}

std::optional<DfbPlace> dfb_place(std::string_view layout, const SourceItem& item) {
  if (layout == "dfdcp") {
    const std::string_view fake = item.method == "method_B" ? "DFDCP_FakeB" : "DFDCP_FakeA";
    return DfbPlace{"DFDCP", std::string(item.label == 0 ? "DFDCP_Real" : fake)};
  }
  for (const Set& set : kSets) {
    if (set.layout != layout) continue;
    if (item.label == 0) return DfbPlace{std::string(set.top_key), std::string(set.real)};
    if (!set.fake.empty()) return DfbPlace{std::string(set.top_key), std::string(set.fake)};
    for (const Method& method : kMethods)
      if (method.name == item.method) return DfbPlace{std::string(set.top_key), std::string(method.word)};
  }
  return std::nullopt;
}

}  // namespace dfa
