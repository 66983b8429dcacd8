// WildDeepfake: sequences of face pictures below real_train, real_test, fake_train, fake_test.
#include <array>

#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

struct Top {
  std::string_view folder;
  int label;
  Role role;
};
constexpr std::array<Top, 4> kTops = {{{"real_train", 0, Role::train},
                                       {"real_test", 0, Role::test},
                                       {"fake_train", 1, Role::train},
                                       {"fake_test", 1, Role::test}}};

std::size_t archives_in(const FileTree& tree, std::string_view folder) {
  std::size_t archives = 0;
  for (const std::string& name : tree.files_in(folder)) archives += name.ends_with(".tar.gz") || name.ends_with(".tar");
  return archives;
}

// The class that a folder below the top names, e.g. real_train/12/real/0.
std::optional<int> inner_class(std::string_view path) {
  for (const std::string_view part : parts_of(path))
    if (const auto label = class_of_folder(part)) return label;
  return std::nullopt;
}

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions&) {
  ReadingBuilder builder("wilddeepfake", tree);
  builder.note(
      "labels and roles from real_train, real_test, fake_train, fake_test; a folder of numbered pictures is one "
      "sequence");
  for (const Top& top : kTops) {
    if (const std::size_t archives = archives_in(tree, top.folder); archives > 0)
      builder.note("{}: {} archives lie beside the folders; what is in them is not read", top.folder, archives);
    for (SourceItem& item : media_items(tree, top.folder)) {
      const auto inner = inner_class(std::string_view(item.path).substr(top.folder.size()));
      if (inner && *inner != top.label)
        builder.find(LayoutFault::polarity, item.path, "{} says {}, a folder below it says {}", top.folder,
                     top.label == 1 ? "fake" : "real", *inner == 1 ? "fake" : "real");
      item.label = top.label;
      item.role = top.role;
      item.set = "wilddeepfake";
      item.method = top.label == 1 ? "wild" : "";
      builder.add(std::move(item));
    }
  }
  return builder.finish();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  std::size_t seen = 0;
  for (const Top& top : kTops) seen += tree.has_folder(top.folder);
  if (seen < 2) return std::nullopt;
  return fmt::format("{} of real_train, real_test, fake_train, fake_test", seen);
}

bool accepts(const FileTree& tree) {
  return std::any_of(kTops.begin(), kTops.end(), [&](const Top& top) { return tree.has_folder(top.folder); });
}

}  // namespace

const LayoutReader& wilddeepfake_reader() {
  static constexpr LayoutReader reader = {"wilddeepfake", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
