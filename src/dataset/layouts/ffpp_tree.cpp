#include "dataset/layouts/ffpp_tree.hpp"

#include <array>

#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

// In the order of preference: the videos are what the authors ship.
constexpr std::array<std::string_view, 3> kContainers = {"videos", "frames", "images"};

}  // namespace

std::vector<FfppLevel> ffpp_levels(const FileTree& tree, const std::string& class_folder, std::string_view only) {
  std::vector<FfppLevel> levels;
  for (const std::string& name : tree.folders_in(class_folder)) {
    FfppLevel level;
    level.compression = compression_of(name);
    if (level.compression.empty() || (!only.empty() && level.compression != only)) continue;
    for (const std::string_view container : kContainers) {
      level.folder = joined(joined(class_folder, name), container);
      for (SourceItem& item : media_items(tree, level.folder)) {
        if (item.kind == SourceKind::video) level.suffix = item.path.substr(item.path.rfind('.'));
        std::string key(item.kind == SourceKind::frames ? file_name(item.path) : stem_of(item.path));
        level.items.emplace(std::move(key), std::move(item));
      }
      if (!level.items.empty()) break;
    }
    for (auto& [key, item] : level.items) item.compression = level.compression;
    if (!level.items.empty()) levels.push_back(std::move(level));
  }
  return levels;
}

std::map<std::string, std::string> ffpp_masks(const FileTree& tree, const std::string& class_folder,
                                              std::string_view level) {
  std::map<std::string, std::string> masks;
  for (const std::string& folder :
       {class_folder + "/masks/videos", class_folder + "/masks", joined(joined(class_folder, level), "masks")}) {
    for (const std::string& name : tree.files_in(folder))
      if (has_video_suffix(name)) masks.emplace(stem_of(name), joined(folder, name));
    for (const std::string& name : tree.folders_in(folder))
      if (name != "videos") masks.emplace(name, joined(folder, name));
  }
  return masks;
}

void give_masks(const FileTree& tree, const std::string& class_folder, FfppLevel& level, ReadingBuilder& builder) {
  const auto masks = ffpp_masks(tree, class_folder, file_name(parent_of(level.folder)));
  if (masks.empty()) return;
  for (auto& [name, item] : level.items) {
    const auto at = masks.find(name);
    if (at != masks.end())
      item.mask = at->second;
    else
      builder.find(LayoutFault::mask_missing, item.path, "{} has {} masks, but none of this name", class_folder,
                   masks.size());
  }
}

}  // namespace dfa
