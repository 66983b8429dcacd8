// DeepFakeDetection: recorded actors, delivered inside the tree of FaceForensics++ and without a split.
#include "dataset/layouts/ffpp_tree.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

constexpr std::string_view kFakes = "manipulated_sequences/DeepFakeDetection";
constexpr std::string_view kGap = "__";

struct DfdName {
  std::vector<std::string> actors;  // target first
  std::string original;             // <target>__<scene>
};

// "01__walking" or "01_03__walking__A1B2C3D4". No actors where the name is of another form.
DfdName read_name(const std::string& name, bool fake) {
  const std::size_t gap = name.find(kGap);
  if (gap == std::string::npos) return {};
  std::string scene = name.substr(gap + kGap.size());
  if (!fake) return {{name.substr(0, gap)}, name};
  const std::size_t bar = name.find('_');
  const std::size_t last = scene.rfind(kGap);
  if (bar >= gap || last == std::string::npos) return {};
  scene.resize(last);
  std::string target = name.substr(0, bar), source = name.substr(bar + 1, gap - bar - 1);
  return {{target, source}, target + std::string(kGap) + scene};
}

void take_class(const FileTree& tree, std::string_view folder, const LayoutOptions& options, ReadingBuilder& builder) {
  const bool fake = folder == kFakes;
  for (FfppLevel& level : ffpp_levels(tree, std::string(folder), options.compression)) {
    if (fake) give_masks(tree, std::string(folder), level, builder);
    for (auto& [name, item] : level.items) {
      DfdName read = read_name(name, fake);
      if (read.actors.empty())
        builder.find(LayoutFault::unlisted, item.path, "its name is not {}",
                     fake ? "<target>_<source>__<scene>__<id>" : "<actor>__<scene>");
      item.label = fake ? 1 : 0;
      item.set = "dfd";
      item.method = fake ? "DeepFakeDetection" : "";
      item.identities = std::move(read.actors);
      const std::string level_name(file_name(parent_of(level.folder)));
      const std::string source =
          fmt::format("{}/{}/{}/{}{}", kActorsFolder, level_name, file_name(level.folder), read.original, level.suffix);
      if (fake && (tree.has_file(source) || tree.has_folder(source))) item.source = source;
      builder.add(std::move(item));
    }
  }
}

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  ReadingBuilder builder("dfd", tree);
  builder.note("no official split: roles are unknown; used whole as a foreign test set");
  take_class(tree, kActorsFolder, options, builder);
  take_class(tree, kFakes, options, builder);
  return builder.finish();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  for (const std::string_view folder : {kActorsFolder, kFakes})
    if (!ffpp_levels(tree, std::string(folder), "").empty())
      return fmt::format("{} with levels of compression", folder);
  return std::nullopt;
}

}  // namespace

const LayoutReader& dfd_reader() {
  static constexpr LayoutReader reader = {"dfd", read, recognise};
  return reader;
}

}  // namespace dfa
