// DF40: a folder a forgery method, below it the domain (ff, cdf) and frames/<video>. Fakes only, but for the methods of
// unknown origin, which have real/ and fake/.
#include <algorithm>
#include <array>

#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

// As the methods are called in the set's own lists; compared without case, '_', '-', '.' and blanks.
constexpr std::array<std::string_view, 44> kMethods = {
    "fsgan",       "faceswap",   "simswap",         "inswap",      "blendface",    "uniface",
    "mobileswap",  "e4s",        "facedancer",      "deepfacelab", "fomm",         "facevid2vid",
    "wav2lip",     "mraa",       "oneshotfree",     "oneshot",     "pirender",     "tpsm",
    "lia",         "dagan",      "sadtalker",       "mcnet",       "hyperreenact", "heygen",
    "vqgan",       "stylegan2",  "stylegan3",       "styleganxl",  "sd21",         "ddim",
    "ddpm",        "rddm",       "pixart",          "dit",         "sit",          "midjourney",
    "whichisreal", "collabdiff", "whichfaceisreal", "e4e",         "stargan",      "starganv2",
    "styleclip",   "danet"};

std::string plain(std::string_view name) {
  std::string word = lower_case(name);
  std::erase_if(word, [](char c) { return c == '_' || c == '-' || c == '.' || c == ' '; });
  return word;
}

bool is_method(std::string_view name) {
  return std::find(kMethods.begin(), kMethods.end(), plain(name)) != kMethods.end();
}

bool is_domain(std::string_view part) {
  const std::string word = lower_case(part);
  return word == "ff" || word == "cdf";
}

std::vector<std::string_view> split_at_bars(std::string_view name) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t bar = name.find('_');
    parts.push_back(name.substr(0, bar));
    if (bar == std::string_view::npos) return parts;
    name.remove_prefix(bar + 1);
  }
}

// 071_054 of the domain ff: target and source, as in FaceForensics++; id1_id0_0007 of cdf, as in Celeb-DF.
std::vector<std::string> people_in(std::string_view name, bool ff) {
  if (const std::vector<std::string_view> parts = split_at_bars(name); parts.size() == 3 && parts[0].starts_with("id"))
    return {std::string(parts[0]), std::string(parts[1])};
  constexpr std::size_t kPair = 7, kBar = 3;
  if (!ff || name.size() != kPair || name[kBar] != '_') return {};
  if (!number_of(name.substr(0, kBar)) || !number_of(name.substr(kBar + 1))) return {};
  return {std::string(name.substr(0, kBar)), std::string(name.substr(kBar + 1))};
}

// The twin of .../frames/<video> under masks.
std::string mask_of(const FileTree& tree, const std::string& path) {
  const std::size_t at = path.find("/frames/");
  if (at == std::string::npos) return "";
  std::string twin = path;
  twin.replace(at, std::string_view("/frames/").size(), "/masks/");
  return tree.has_folder(twin) || tree.has_file(twin) ? twin : "";
}

void describe(const FileTree& tree, const std::string& method, SourceItem& item) {
  bool ff = false;
  item.label = 1;
  for (const std::string_view part : parts_of(parent_of(item.path))) {
    ff = ff || lower_case(part) == "ff";
    if (const auto label = class_of_folder(part)) item.label = label;
    if (const auto role = role_of_word(part)) item.role = role;
  }
  item.set = "df40";
  item.method = item.label == 1 ? method : "";
  item.identities = people_in(item.kind == SourceKind::frames ? file_name(item.path) : stem_of(item.path), ff);
  item.mask = mask_of(tree, item.path);
}

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions&) {
  ReadingBuilder builder("df40", tree);
  builder.note("everything is fake but what lies in a folder real; roles only where a folder train or test says so");
  for (const std::string& method : tree.folders_in("")) {
    if (!is_method(method)) {
      builder.note("{} is none of the methods of DF40 and is left out", method);
      continue;
    }
    for (SourceItem& item : media_items(tree, method)) {
      describe(tree, method, item);
      builder.add(std::move(item));
    }
  }
  return builder.finish();
}

// One method folder proves little (there are other sets with a FaceSwap); its inner shape has to fit as well.
bool is_shaped(const FileTree& tree, const std::string& method) {
  for (const std::string& inner : tree.folders_in(method))
    if (is_domain(inner) || inner == "frames" || class_of_folder(inner)) return true;
  return false;
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  std::vector<std::string> seen;
  for (const std::string& name : tree.folders_in(""))
    if (is_method(name) && is_shaped(tree, name)) seen.push_back(name);
  if (seen.empty()) return std::nullopt;
  return fmt::format("{} method folders such as {}", seen.size(), seen.front());
}

bool accepts(const FileTree& tree) {
  const std::vector<std::string> names = tree.folders_in("");
  return std::any_of(names.begin(), names.end(), is_method);
}

}  // namespace

const LayoutReader& df40_reader() {
  static constexpr LayoutReader reader = {"df40", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
