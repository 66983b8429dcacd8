// DeeperForensics-1.0: lists of fakes; what is real follows one of two rules.
#include <fmt/ranges.h>

#include <array>

#include "base/file.hpp"
#include "dataset/layouts/ffpp_tree.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

constexpr std::string_view kFakes = "manipulated_videos", kActors = "source_videos", kSplits = "lists/splits";
constexpr std::array kSplitRoles = {Role::train, Role::val, Role::test};
constexpr std::size_t kTargetDigits = 3;
constexpr std::string_view kRealLevel = "c23";

struct Listed {
  std::set<Role> roles;
  std::string where;  // list and line, of the first
};

// "000" and "M101" of "000_M101"; empty for other names.
std::vector<std::string> ids_of(std::string_view name) {
  if (name.size() < kTargetDigits + 2 || name[kTargetDigits] != '_' || !number_of(name.substr(0, kTargetDigits)))
    return {};
  return {std::string(name.substr(0, kTargetDigits)), std::string(name.substr(kTargetDigits + 1))};
}

bool is_variant(std::string_view folder) {
  return folder.starts_with("end_to_end") || folder.starts_with("reenact_postprocess");
}

class DeeperReading {
 public:
  DeeperReading(const FileTree& tree, const LayoutOptions& options)
      : tree_(tree), options_(options), builder_("deeperforensics", tree) {}

  Result<LayoutReading> run() {
    builder_.note("real class: {}; results under the two rules (authors, source-videos) are not comparable",
                  real_class_name(options_.real_class));
    read_lists();
    for (const std::string& variant : tree_.folders_in(kFakes)) take_variant(variant);
    if (options_.real_class == RealClass::source_videos)
      take_actors();
    else
      DFA_TRY(take_targets());
    return builder_.finish();
  }

 private:
  void read_lists() {
    std::vector<std::string> used, absent;
    for (const Role role : kSplitRoles) {
      const std::string file = fmt::format("{}/{}.txt", kSplits, role_name(role));
      if (!tree_.has_file(file)) {
        absent.push_back(file);
        continue;
      }
      used.push_back(file);
      if (!read_list(file, role)) complete_ = false;
    }
    if (!absent.empty()) complete_ = false;
    if (used.empty()) return builder_.note("no {}/{{train,val,test}}.txt: roles are unknown", kSplits);
    builder_.note("roles from {}", fmt::join(used, ", "));
    for (const std::string& file : absent)
      builder_.find(LayoutFault::list_missing, file, "the other split lists are there, this one is not");
  }

  bool read_list(const std::string& file, Role role) {
    const auto text = read_text_file(tree_.absolute(file), options_.limits.max_list_bytes);
    if (!text) {
      builder_.find(LayoutFault::list_broken, file, "{}", text.error().message);
      return false;
    }
    std::size_t number = 0, names = 0;
    for (const std::string_view line : lines_of(*text)) {
      ++number;
      if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
      const std::string name(has_video_suffix(line) ? stem_of(line) : line);
      if (ids_of(name).empty()) {
        builder_.find(LayoutFault::list_broken, file, "line {} is \"{}\", expected <3-digit target>_<source>.mp4",
                      number, line.substr(0, kShownOfLine));
        return false;
      }
      Listed& listed = listed_[name];
      listed.roles.insert(role);
      if (listed.where.empty()) listed.where = fmt::format("{}:{}", file, number);
      ++names;
    }
    if (names == 0) builder_.find(LayoutFault::list_broken, file, "names no video");
    return names > 0;
  }

  void take_variant(const std::string& variant) {
    if (!is_variant(variant)) return builder_.note("{}/{} is no known variant and is left out", kFakes, variant);
    const std::string folder = joined(kFakes, variant);
    std::set<std::string, std::less<>> seen;
    for (SourceItem& item : media_items(tree_, folder)) {
      const std::string name(item.kind == SourceKind::frames ? file_name(item.path) : stem_of(item.path));
      seen.insert(name);
      item.label = 1;
      item.set = "deeperforensics";
      item.method = variant;
      item.identities = ids_of(name);
      const auto at = listed_.find(name);
      if (at != listed_.end())
        builder_.give_role(item, at->second.roles, "the split lists");
      else if (complete_)
        builder_.find(LayoutFault::unlisted, item.path, "no split list names it");
      if (!item.identities.empty()) {
        std::set<Role>& roles = targets_[item.identities[0]];
        if (item.role) roles.insert(*item.role);
      }
      builder_.add(std::move(item));
    }
    for (const auto& [name, listed] : listed_)
      if (!seen.contains(name))
        builder_.find(LayoutFault::missing, joined(folder, name + ".mp4"), "{} names it", listed.where);
  }

  // Clips of the recorded actors: <M|W>ddd/.../clip.mp4. The lists split fakes only.
  void take_actors() {
    builder_.note("the clips of {} are in no split list: their roles are unknown", kActors);
    for (SourceItem& item : media_items(tree_, kActors)) {
      item.label = 0;
      item.set = "deeperforensics";
      item.identities = {std::string(parts_of(std::string_view(item.path).substr(kActors.size())).front())};
      builder_.add(std::move(item));
    }
    if (!tree_.has_folder(kActors))
      builder_.find(LayoutFault::missing, std::string(kActors), "the real class by rule source-videos is not there");
  }

  // The target videos of FaceForensics++ at c23, each with the role of the fakes made from it.
  Status take_targets() {
    const bool elsewhere = !options_.ffpp_root.empty();
    const std::string inside = joined(kYoutubeFolder, kRealLevel);
    const std::filesystem::path folder = (elsewhere ? options_.ffpp_root : tree_.root()) / inside;
    if (!std::filesystem::is_directory(folder)) {
      builder_.find(
          LayoutFault::missing, elsewhere ? folder.string() : inside,
          "the real class by rule authors is FaceForensics++ at c23: give its root (--ffpp-root), or take the "
          "recorded actors (--real source-videos)");
      return {};
    }
    DFA_ASSIGN_OR_RETURN(const FileTree originals, FileTree::scan(folder, options_.limits, options_.cancel));
    std::map<std::string, SourceItem> found;
    for (const std::string container : {"videos", "frames", "images"})
      for (SourceItem& item : media_items(originals, container)) {
        const std::string name(item.kind == SourceKind::frames ? file_name(item.path) : stem_of(item.path));
        item.path = elsewhere ? std::filesystem::absolute(folder / item.path).lexically_normal().generic_string()
                              : joined(inside, item.path);
        found.emplace(name, std::move(item));
      }
    std::map<std::string, std::string> reals;  // path by target
    for (const auto& [target, roles] : targets_) {
      const auto at = found.find(target);
      const std::string wanted = "videos/" + target + ".mp4";
      if (at == found.end()) {
        builder_.find(LayoutFault::missing, elsewhere ? (folder / wanted).generic_string() : joined(inside, wanted),
                      "the real video that fakes of target {} were made from", target);
        continue;
      }
      at->second.label = 0;
      at->second.set = "deeperforensics";
      at->second.compression = kRealLevel;
      at->second.identities = {target};
      builder_.give_role(at->second, roles, "the split lists (by the fakes of this target)");
      reals.emplace(target, at->second.path);
      builder_.add(std::move(at->second));
    }
    for (SourceItem& item : builder_.items())
      if (item.label == 1 && !item.identities.empty())
        if (const auto at = reals.find(item.identities[0]); at != reals.end()) item.source = at->second;
    return {};
  }

  static constexpr std::size_t kShownOfLine = 120;
  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  bool complete_ = true;                               // all three lists are there and whole
  std::map<std::string, Listed, std::less<>> listed_;  // fakes by name
  std::map<std::string, std::set<Role>> targets_;      // roles of the fakes that are there, by target
};

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  return DeeperReading(tree, options).run();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  for (const std::string& variant : tree.folders_in(kFakes))
    if (is_variant(variant)) return fmt::format("{}/{}", kFakes, variant);
  return std::nullopt;
}

}  // namespace

const LayoutReader& deeperforensics_reader() {
  static constexpr LayoutReader reader = {"deeperforensics", read, recognise};
  return reader;
}

}  // namespace dfa
