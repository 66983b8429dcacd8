// FFIW-10K: source/ holds real videos, target/ the forged ones, each with train, val and test.
#include <array>

#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

constexpr std::string_view kReals = "source", kFakes = "target";

// Some copies put a level videos/ below the split: source/val/videos/a.mp4.
std::string pair_key(std::string_view path) {
  std::string key;
  for (const std::string_view part : parts_of(path))
    if (part != kReals && part != kFakes && part != "videos") key = joined(key, part);
  return key;
}

bool has_split(const FileTree& tree, std::string_view top) {
  for (const std::string& name : tree.folders_in(top))
    if (role_of_word(name) && !media_items(tree, joined(top, name)).empty()) return true;
  return false;
}

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions&) {
  ReadingBuilder builder("ffiw", tree);
  builder.note("labels from source/ (real) and target/ (fake), roles from the folders below");
  std::map<std::string, std::string> reals;  // paths by pair_key
  for (const std::string_view top : {kReals, kFakes})
    for (const std::string& split : tree.folders_in(top)) {
      const std::optional<Role> role = role_of_word(split);
      if (!role) {
        builder.note("{}/{} is no split and is left out", top, split);
        continue;
      }
      for (SourceItem& item : media_items(tree, joined(top, split))) {
        item.label = top == kFakes ? 1 : 0;
        item.role = role;
        item.set = "ffiw";
        item.method = item.label == 1 ? "ffiw" : "";
        if (item.label == 0) reals.emplace(pair_key(item.path), item.path);
        if (const auto at = reals.find(pair_key(item.path)); item.label == 1 && at != reals.end())
          item.source = at->second;
        builder.add(std::move(item));
      }
    }
  return builder.finish();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  if (!has_split(tree, kReals) || !has_split(tree, kFakes)) return std::nullopt;
  return "source/ and target/ with splits below";
}

bool accepts(const FileTree& tree) {
  return has_split(tree, kReals) || has_split(tree, kFakes);
}

}  // namespace

const LayoutReader& ffiw_reader() {
  static constexpr LayoutReader reader = {"ffiw", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
