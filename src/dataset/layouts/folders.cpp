// Plain folders: real/ and fake/, above or below train/, val/, test/; or a 0/1 pair, once told which is which.
#include <algorithm>

#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

bool is_digit_class(std::string_view part) {
  return part == "0" || part == "1";
}

struct Place {
  std::optional<int> label;
  bool contradicts = false;  // two class folders above it disagree
  std::optional<Role> role;
  std::string method;  // the folder below class and split that is not the video itself
};

// Reads the folders above an item from the root down. Below the class a name like "real" may belong to anything, but a
// real below a fake is worth a finding.
Place place_of(const SourceItem& item, std::optional<int> fake_is) {
  Place place;
  for (const std::string_view part : parts_of(parent_of(item.path))) {
    std::optional<int> label = class_of_folder(part);
    if (!label && !place.label && fake_is && is_digit_class(part)) label = (part == "1") == (*fake_is == 1) ? 1 : 0;
    if (label) {
      place.contradicts = place.contradicts || (place.label && *place.label != *label);
      if (!place.label) place.label = label;
    } else if (const auto role = role_of_word(part); role && !place.role) {
      place.role = role;
    } else if (place.label && place.method.empty()) {
      place.method = part;
    }
  }
  return place;
}

std::string mask_of(const FileTree& tree, const SourceItem& item) {
  std::string path;
  bool turned = false;
  for (const std::string_view part : parts_of(item.path)) {
    const bool twin = part == "frames" || part == "images" || part == "videos";
    path = joined(path, twin && !turned ? "masks" : part);
    turned = turned || twin;
  }
  return turned && (tree.has_file(path) || tree.has_folder(path)) ? path : "";
}

bool has_digit_pair(const FileTree& tree) {
  for (const std::string& path : tree.files()) {
    const std::vector<std::string_view> parts = parts_of(parent_of(path));
    const auto at = std::find_if(parts.begin(), parts.end(), [](auto part) { return !role_of_word(part); });
    if (at != parts.end() && is_digit_class(*at)) return true;
  }
  return false;
}

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  ReadingBuilder builder("folders", tree);
  std::size_t frames = 0, pictures = 0, videos = 0, outside = 0;
  for (SourceItem& item : media_items(tree, "")) {
    Place place = place_of(item, options.fake_is);
    if (!place.label) {
      ++outside;
      continue;
    }
    if (place.contradicts)
      builder.find(LayoutFault::polarity, item.path, "its path names both classes; the outer folder counts");
    item.label = place.label;
    item.role = place.role;
    item.set = "folders";
    item.method = item.label == 1 ? place.method : "";
    item.mask = mask_of(tree, item);
    (item.kind == SourceKind::frames ? frames : item.kind == SourceKind::picture ? pictures : videos) += 1;
    builder.add(std::move(item));
  }
  if (builder.items().empty()) {
    if (has_digit_pair(tree))
      return fail(
          ErrorCode::usage,
          "{}: folders 0 and 1 do not say which is fake (sets of both kinds exist); say --fake-is 1 or --fake-is 0",
          tree.root().string());
    return fail(ErrorCode::manifest_invalid, "{}: no picture or video lies below a folder real or fake",
                tree.root().string());
  }
  builder.note(
      "labels from the class folders: {} videos, {} folders of numbered frames (each one video), {} pictures (each "
      "an item of its own)",
      videos, frames, pictures);
  if (outside > 0) builder.note("{} items lie in no class folder and are left out", outside);
  return builder.finish();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  std::set<int> classes;
  for (const std::string& path : tree.files()) {
    if (!has_video_suffix(path) && !has_picture_suffix(path)) continue;
    for (const std::string_view part : parts_of(parent_of(path)))
      if (const auto label = class_of_folder(part)) classes.insert(*label);
    if (classes.size() == 2) return "folders named after both classes";
  }
  if (has_digit_pair(tree)) return "folders 0 and 1";
  return std::nullopt;
}

bool accepts(const FileTree&) {
  return true;
}

}  // namespace

const LayoutReader& folders_reader() {
  static constexpr LayoutReader reader = {"folders", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
