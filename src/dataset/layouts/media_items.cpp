#include "dataset/layouts/media_items.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

bool is_aside(std::string_view part) {
  const std::string word = lower_case(part);
  return word == "masks" || word == "mask" || word == "landmarks";
}

bool lies_aside(std::string_view path) {
  const std::vector<std::string_view> parts = parts_of(parent_of(path));
  return std::any_of(parts.begin(), parts.end(), is_aside);
}

struct Folder {
  std::vector<std::string> pictures;
  bool numbered = true;
};

bool can_be_video(const std::string& folder, std::string_view asked, const std::set<std::string, std::less<>>& inner) {
  const std::string_view name = file_name(folder);
  return folder != asked && !inner.contains(folder) && !class_of_folder(name) && !role_of_word(name);
}

SourceItem item(std::string path, SourceKind kind) {
  SourceItem made;
  made.path = std::move(path);
  made.kind = kind;
  return made;
}

}  // namespace

void sort_by_number(std::vector<std::string>& names) {
  const auto key = [](const std::string& name) {
    const auto number = number_of(stem_of(name));
    return std::tuple(!number.has_value(), number.value_or(0), std::string_view(name));
  };
  std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

std::vector<SourceItem> media_items(const FileTree& tree, std::string_view folder) {
  std::vector<SourceItem> items;
  std::map<std::string, Folder> folders;
  std::set<std::string, std::less<>> inner;  // folders that have folders
  for (const std::string& path : tree.below(folder)) {
    if (lies_aside(path.substr(folder.empty() ? 0 : folder.size() + 1))) continue;
    for (std::string_view up = parent_of(parent_of(path)); !up.empty() && inner.insert(std::string(up)).second;)
      up = parent_of(up);
    if (has_video_suffix(path)) items.push_back(item(path, SourceKind::video));
    if (!has_picture_suffix(path)) continue;
    Folder& parent = folders[std::string(parent_of(path))];
    parent.pictures.emplace_back(file_name(path));
    parent.numbered = parent.numbered && number_of(stem_of(path)).has_value();
  }
  for (auto& [path, content] : folders) {
    if (content.numbered && !path.empty() && can_be_video(path, folder, inner)) {
      SourceItem frames = item(path, SourceKind::frames);
      frames.frames = std::move(content.pictures);
      sort_by_number(frames.frames);
      items.push_back(std::move(frames));
      continue;
    }
    for (const std::string& name : content.pictures) items.push_back(item(joined(path, name), SourceKind::picture));
  }
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return items;
}

}  // namespace dfa
