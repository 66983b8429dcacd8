// DeepfakeBench's JSON lists: set -> label -> split -> (compression ->) video -> {label, frames, masks}.
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dataset/layouts/dfb_labels.hpp"
#include "dataset/layouts/json_file.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

// Lists lie in the root or a folder or two below (dataset_json/, preprocessing/dataset_json/).
constexpr std::size_t kDeepestList = 3;
// A val section of one video beside so many others is what the rearranging script leaves of DFDC: each row overwrote
// the one before.
constexpr std::size_t kManyVideos = 20;
constexpr std::size_t kShownWords = 10;

std::vector<std::string> list_files(const FileTree& tree) {
  std::vector<std::string> lists;
  for (const std::string& path : tree.files())
    if (path.ends_with(".json") && parts_of(path).size() <= kDeepestList) lists.push_back(path);
  return lists;
}

// One set name over labels over splits, and nothing else.
bool is_list(const Json& json) {
  if (!json.is_object() || json.size() != 1 || !json.begin()->is_object() || json.begin()->empty()) return false;
  const Json& splits = *json.begin()->begin();
  if (!splits.is_object() || splits.empty()) return false;
  for (const auto& [name, content] : splits.items())
    if (!role_of_word(name) || !content.is_object()) return false;
  return true;
}

struct Entry {
  const Json* value = nullptr;
  std::string list, set, label, compression, video;
  Role role = Role::train;
};

struct Seen {
  SourceItem item;
  std::set<Role> roles;
};

class DfbReading {
 public:
  DfbReading(const FileTree& tree, const LayoutOptions& options)
      : tree_(tree), options_(options), builder_("dfb", tree) {}

  Result<LayoutReading> run() {
    std::vector<std::string> used;
    for (const std::string& path : list_files(tree_)) {
      const auto json = read_json_file(tree_.absolute(path), options_.limits);
      if (!json)
        builder_.find(LayoutFault::list_broken, path, "{}", json.error().message);
      else if (!is_list(*json))
        builder_.note("{} is no list of DeepfakeBench's form and is left out", path);
      else {
        used.push_back(path);
        take_list(path, *json);
      }
    }
    if (!unknown_.empty())
      return fail(
          ErrorCode::manifest_invalid,
          "{}: unknown labels {}; known are FF-real, FF-DF, FF-F2F, FF-FS, FF-NT, FF-FH, FF-SH, *_real, *_Real, "
          "DFD_fake, CelebDFv1_fake, CelebDFv2_fake, DFDCP_FakeA, DFDCP_FakeB, DFDC_Fake, DF_fake, UADFV_Fake",
          tree_.root().string(), fmt::join(unknown_, ", "));
    builder_.note("labels by name from {}; {} of {} listed frames are there", fmt::join(used, ", "), frames_ - missing_,
                  frames_);
    if (stripped_ > 0) builder_.note("{} leading folders of the listed paths are not below this root", stripped_);
    for (auto& [key, seen] : items_) {
      builder_.give_role(seen.item, seen.roles, "the lists");
      builder_.add(std::move(seen.item));
    }
    return builder_.finish();
  }

 private:
  void take_list(const std::string& path, const Json& json) {
    const std::string& top = json.begin().key();
    for (const auto& [label, splits] : json.begin()->items()) {
      if (!dfb_label(label)) unknown_.insert(label);
      if (!splits.is_object()) {
        builder_.find(LayoutFault::list_broken, path, "\"{}\" holds no splits", label);
        continue;
      }
      std::map<Role, std::set<std::string>> videos;
      for (const auto& [split, content] : splits.items()) take_split(path, top, label, split, content, videos);
      look_at_val(path, label, videos);
    }
  }

  void take_split(const std::string& path, const std::string& top, const std::string& label, const std::string& split,
                  const Json& content, std::map<Role, std::set<std::string>>& videos) {
    const auto role = role_of_word(split);
    if (!role || !content.is_object())
      return builder_.find(LayoutFault::list_broken, path, "\"{}\": \"{}\" is no split that holds videos", label,
                           split);
    Entry entry;
    entry.list = path;
    entry.set = dfb_set(top);
    entry.label = label;
    entry.role = *role;
    if (!dfb_has_compression(top)) return take_videos(content, entry, videos[*role]);
    for (const auto& [level, inner] : content.items()) {
      entry.compression = compression_of(level);
      if (entry.compression.empty() || !inner.is_object()) {
        builder_.find(LayoutFault::list_broken, path, "\"{}\", {}: \"{}\" is no level of compression (raw, c23, c40)",
                      label, split, level);
        continue;
      }
      if (options_.compression.empty() || options_.compression == entry.compression)
        take_videos(inner, entry, videos[*role]);
    }
  }

  void take_videos(const Json& content, Entry& entry, std::set<std::string>& videos) {
    for (const auto& [video, value] : content.items()) {
      entry.video = video;
      entry.value = &value;
      videos.insert(entry.compression + "/" + video);
      take_video(entry);
    }
  }

  void take_video(const Entry& entry) {
    const Json& value = *entry.value;
    const std::string word = value.is_object() ? text_at(value, "label") : "";
    const auto frames = value.is_object() ? value.find("frames") : value.end();
    if (word.empty() || frames == value.end() || !frames->is_array())
      return builder_.find(LayoutFault::list_broken, entry.list, "\"{}\", video \"{}\": no label, or no list of frames",
                           entry.label, entry.video);
    if (!dfb_label(word)) unknown_.insert(word);
    if (unknown_.size() > kShownWords || !dfb_label(entry.label)) return;
    SourceItem item;
    if (!read_paths(*frames, entry, item)) return;
    item.label = dfb_label(entry.label);
    if (dfb_label(word) && dfb_label(word) != item.label)
      builder_.find(LayoutFault::polarity, item.path, "{}: it is listed under \"{}\" and labelled \"{}\"", entry.list,
                    entry.label, word);
    describe(entry, item);
    const auto [at, fresh] = items_.try_emplace(item.path, Seen{std::move(item), {}});
    at->second.roles.insert(entry.role);
  }

  // The folder and names of the frames, found below the root; what is not there is a finding.
  bool read_paths(const Json& frames, const Entry& entry, SourceItem& item) {
    std::string folder;
    for (const Json& frame : frames) {
      const std::string path = frame.is_string() ? normal_path(frame.get<std::string>()) : "";
      if (path.empty() || !stays_below(path) || (!folder.empty() && folder != parent_of(path))) {
        builder_.find(
            LayoutFault::list_broken, entry.list,
            "\"{}\", video \"{}\": a frame is no path below the root, or lies in another folder than the first",
            entry.label, entry.video);
        return false;
      }
      folder = parent_of(path);
      item.frames.emplace_back(file_name(path));
    }
    if (item.frames.empty()) return read_whole_video(entry, item);
    item.kind = SourceKind::frames;
    item.path = resolve(folder);
    sort_by_number(item.frames);
    frames_ += item.frames.size();
    if (!tree_.has_folder(item.path)) {
      missing_ += item.frames.size();
      builder_.find(LayoutFault::missing, item.path, "{} lists {} frames in it", entry.list, item.frames.size());
      return false;
    }
    std::erase_if(item.frames, [&](const std::string& name) {
      const std::string path = joined(item.path, name);
      if (tree_.has_file(path)) return false;
      ++missing_;
      builder_.find(LayoutFault::missing, path, "{} lists it", entry.list);
      return true;
    });
    return !item.frames.empty();
  }

  // Lists that dfa wrote name the video where no frames were cut from it yet.
  bool read_whole_video(const Entry& entry, SourceItem& item) {
    item.path = normal_path(text_at(*entry.value, "video"));
    if (item.path.empty() || !stays_below(item.path)) {
      builder_.find(LayoutFault::list_broken, entry.list, "\"{}\", video \"{}\": it has no frames", entry.label,
                    entry.video);
      return false;
    }
    if (tree_.has_file(item.path)) return true;
    builder_.find(LayoutFault::missing, item.path, "{} lists it", entry.list);
    return false;
  }

  // The published lists begin with folders of the machine that made them: as many leading parts are left out as lead
  // to a folder below the root. The number that fitted last is tried first.
  std::string resolve(const std::string& folder) {
    const std::vector<std::string_view> parts = parts_of(folder);
    const auto without = [&](std::size_t count) {
      std::string rest;
      for (std::size_t i = count; i < parts.size(); ++i) rest = joined(rest, parts[i]);
      return rest;
    };
    if (stripped_ < parts.size() && tree_.has_folder(without(stripped_))) return without(stripped_);
    for (std::size_t count = 0; count + 1 < parts.size(); ++count)
      if (tree_.has_folder(without(count))) {
        stripped_ = count;
        return without(count);
      }
    return without(std::min(stripped_, parts.size() - 1));
  }

  void describe(const Entry& entry, SourceItem& item) {
    item.set = entry.set;
    item.method = dfb_method(entry.label);
    item.compression = entry.compression;
    if (entry.set == "ffpp") item.identities = ids_of(entry.video);
    const std::size_t at = ("/" + item.path + "/").find("/frames/");
    if (at == std::string::npos) return;
    std::string twin = item.path;
    twin.replace(at, std::string_view("frames").size(), "masks");
    const auto masks = entry.value->find("masks");
    if (tree_.has_folder(twin))
      item.mask = twin;
    else if (masks != entry.value->end() && masks->is_array() && !masks->empty())
      builder_.find(LayoutFault::mask_missing, item.path, "{} lists {} masks; {} is not there", entry.list,
                    masks->size(), twin);
  }

  // "071_054" -> target and source, "071" -> itself.
  static std::vector<std::string> ids_of(const std::string& video) {
    std::vector<std::string> ids;
    std::size_t from = 0;
    for (std::size_t bar = 0; bar != std::string::npos; from = bar + 1) {
      bar = video.find('_', from);
      ids.push_back(video.substr(from, bar == std::string::npos ? bar : bar - from));
      if (!number_of(ids.back())) return {};
    }
    return ids;
  }

  void look_at_val(const std::string& path, const std::string& label, std::map<Role, std::set<std::string>>& videos) {
    const std::set<std::string>&val = videos[Role::val], &test = videos[Role::test];
    if (!val.empty() && val == test)
      builder_.find(LayoutFault::split_overlap, path + ":" + label,
                    "val is the same as test ({} videos): nothing may be selected on it", val.size());
    if (val.size() == 1 && videos[Role::train].size() + test.size() >= kManyVideos)
      builder_.find(
          LayoutFault::list_broken, path,
          "\"{}\" has one video in val: known damage of the rearranging script, each row overwrote the one before",
          label);
  }

  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  std::map<std::string, Seen> items_;  // by path
  std::set<std::string> unknown_;      // labels
  std::size_t frames_ = 0, missing_ = 0, stripped_ = 0;
};

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  return DfbReading(tree, options).run();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits& limits) {
  for (const std::string& path : list_files(tree))
    if (const auto json = read_json_file(tree.absolute(path), limits); json && is_list(*json))
      return fmt::format("{} lists videos by label and split", path);
  return std::nullopt;
}

bool accepts(const FileTree& tree) {
  return !list_files(tree).empty();
}

}  // namespace

const LayoutReader& dfb_reader() {
  static constexpr LayoutReader reader = {"dfb", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
