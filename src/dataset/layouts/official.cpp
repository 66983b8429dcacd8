// The lists of the DeepFake-Adapter authors' code: CSV of pictures, JSON of frames a video, below image_lists/.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/hash.hpp"
#include "dataset/layouts/csv_file.hpp"
#include "dataset/layouts/json_file.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kLists = "image_lists";
constexpr std::string_view kMethodPrefix = "youtube_";

bool in_lists(std::string_view path) {
  const std::vector<std::string_view> parts = parts_of(parent_of(path));
  return std::find(parts.begin(), parts.end(), kLists) != parts.end();
}

bool is_picture_list(const std::vector<std::string>& columns) {
  const auto has = [&](std::string_view name) {
    return std::find(columns.begin(), columns.end(), name) != columns.end();
  };
  return has("label") && (has("image") || has("catimage"));
}

bool is_video_list(const Json& json) {
  return json.is_array() && !json.empty() && json.front().is_object() && json.front().contains("video_dir") &&
         json.front().contains("video_frame");
}

struct Seen {
  SourceItem item;
  std::set<Role> roles;
  std::string list;  // and line, of the first
};

class OfficialReading {
 public:
  OfficialReading(const FileTree& tree, const LayoutOptions& options)
      : tree_(tree), options_(options), builder_("official", tree) {}

  LayoutReading run() {
    builder_.note("crop recipe unknown: the authors published neither their crops nor the code that made them");
    std::size_t lists = 0;
    for (const std::string& path : tree_.files()) {
      if (!in_lists(path)) continue;
      if (path.ends_with(".csv"))
        take_pictures(path);
      else if (path.ends_with(".json"))
        take_videos(path);
      else
        continue;
      ++lists;
    }
    builder_.note("labels (0 real, 1 fake) from {} lists below {}; {} of {} listed paths are there", lists, kLists,
                  listed_ - missing_, listed_);
    for (auto& [path, seen] : items_) {
      builder_.give_role(seen.item, seen.roles, "the lists");
      builder_.add(std::move(seen.item));
    }
    return builder_.finish();
  }

 private:
  struct Where {
    const std::string& list;
    std::size_t line;
    Role role;
  };

  Role role_of(const std::string& list) const {
    for (const std::string_view part : parts_of(parent_of(list)))
      if (const auto role = role_of_word(part)) return *role;
    return Role::test;  // the video lists lie directly in image_lists and are used for testing only
  }

  void take_pictures(const std::string& list) {
    const auto table = read_csv_file(tree_.absolute(list), options_.limits);
    if (!table) return builder_.find(LayoutFault::list_broken, list, "{}", table.error().message);
    const auto image = table->column("image") ? table->column("image") : table->column("catimage");
    const auto label = table->column("label");
    if (!image || !label || table->rows.empty())
      return builder_.find(LayoutFault::list_broken, list,
                           "expected lines under the columns image (or catimage) and label");
    for (const CsvRow& row : table->rows) {
      const std::string& value = row.fields[*label];
      if (value != "0" && value != "1") {
        builder_.find(LayoutFault::list_broken, list, "line {}: label \"{}\", expected 0 or 1", row.line, value);
        continue;
      }
      SourceItem item;
      item.kind = SourceKind::picture;
      item.label = value == "1" ? 1 : 0;
      add(std::move(item), row.fields[*image], {list, row.line, role_of(list)});
    }
  }

  void take_videos(const std::string& list) {
    const auto json = read_json_file(tree_.absolute(list), options_.limits);
    if (!json) return builder_.find(LayoutFault::list_broken, list, "{}", json.error().message);
    if (!is_video_list(*json))
      return builder_.find(LayoutFault::list_broken, list, "expected a list of video_dir, video_frame, video_label");
    for (std::size_t i = 0; i < json->size(); ++i) {
      const Json& entry = (*json)[i];
      SourceItem item;
      item.kind = SourceKind::frames;
      if (!read_video(entry, item)) {
        builder_.find(LayoutFault::list_broken, list, "entry {}: no video_dir, no frames, or video_label is not 0 or 1",
                      i + 1);
        continue;
      }
      add(std::move(item), text_at(entry, "video_dir"), {list, i + 1, role_of(list)});
    }
  }

  static bool read_video(const Json& entry, SourceItem& item) {
    if (!entry.is_object() || text_at(entry, "video_dir").empty()) return false;
    const auto label = entry.find("video_label"), frames = entry.find("video_frame");
    if (label == entry.end() || frames == entry.end() || !frames->is_array()) return false;
    if (!label->is_number_integer() || (*label != 0 && *label != 1)) return false;
    item.label = label->get<int>();
    for (const Json& frame : *frames) {
      if (!frame.is_string()) return false;
      const std::string name = normal_path(frame.get<std::string>());
      item.frames.emplace_back(file_name(name));
    }
    sort_by_number(item.frames);
    return !item.frames.empty();
  }

  void add(SourceItem item, const std::string& written, const Where& where) {
    ++listed_;
    const std::string path = resolve(normal_path(written), where);
    if (path.empty()) return;
    item.path = path;
    item.set = "official";
    if (const std::string_view name = stem_of(where.list); item.label == 1 && name.starts_with(kMethodPrefix))
      item.method =
          std::string(name.substr(kMethodPrefix.size(), name.find('_', kMethodPrefix.size()) - kMethodPrefix.size()));
    if (item.kind == SourceKind::frames) drop_missing_frames(item, where);
    const auto [at, fresh] =
        items_.try_emplace(path, Seen{std::move(item), {}, fmt::format("{}:{}", where.list, where.line)});
    if (!fresh && at->second.item.label != item.label)
      builder_.find(LayoutFault::polarity, path, "{}:{} says {}, {} says {}", where.list, where.line, *item.label,
                    at->second.list, *at->second.item.label);
    if (at->second.item.method.empty() && !fresh) at->second.item.method = item.method;
    at->second.roles.insert(where.role);
  }

  void drop_missing_frames(SourceItem& item, const Where& where) {
    std::erase_if(item.frames, [&](const std::string& frame) {
      const std::string path = joined(item.path, frame);
      if (tree_.has_file(path) || fs::exists(tree_.absolute(path))) return false;
      builder_.find(LayoutFault::missing, path, "{}: entry {} names it", where.list, where.line);
      return true;
    });
  }

  // As written, then against the root, then against the list's folder; two different files are an error.
  std::string resolve(const std::string& written, const Where& where) {
    std::vector<fs::path> hits;
    for (const fs::path& base : {fs::path(), tree_.root(), tree_.absolute(parent_of(where.list))}) {
      std::error_code error;
      const fs::path at = base / written;
      if (!fs::exists(at, error)) continue;
      const fs::path real = fs::canonical(at, error);
      if (!error && std::find(hits.begin(), hits.end(), real) == hits.end()) hits.push_back(real);
    }
    if (hits.empty()) {
      ++missing_;
      builder_.find(LayoutFault::missing, written,
                    "{}:{} names it; looked for as written, below the root and beside the list", where.list,
                    where.line);
      return "";
    }
    if (hits.size() > 1 && differ(hits[0], hits[1]))
      builder_.find(LayoutFault::list_broken, where.list, "line {}: {} is both {} and {}, which differ", where.line,
                    written, hits[0].string(), hits[1].string());
    std::error_code error;
    const std::string below = fs::relative(hits[0], fs::canonical(tree_.root(), error), error).generic_string();
    return error || below.empty() || below.starts_with("..") ? hits[0].generic_string() : below;
  }

  static bool differ(const fs::path& a, const fs::path& b) {
    if (fs::is_directory(a) || fs::is_directory(b)) return true;
    const auto first = sha256_file(a), second = sha256_file(b);
    return !first || !second || *first != *second;
  }

  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  std::map<std::string, Seen> items_;  // by path
  std::size_t listed_ = 0, missing_ = 0;
};

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  return OfficialReading(tree, options).run();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits& limits) {
  for (const std::string& path : tree.files()) {
    if (!in_lists(path)) continue;
    if (path.ends_with(".csv") && is_picture_list(csv_columns_of(tree.absolute(path))))
      return fmt::format("{} with image and label", path);
    if (path.ends_with(".json"))
      if (const auto json = read_json_file(tree.absolute(path), limits); json && is_video_list(*json))
        return fmt::format("{} with video_dir and video_frame", path);
  }
  return std::nullopt;
}

bool accepts(const FileTree& tree) {
  return std::any_of(tree.files().begin(), tree.files().end(), in_lists);
}

}  // namespace

const LayoutReader& official_reader() {
  static constexpr LayoutReader reader = {"official", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
