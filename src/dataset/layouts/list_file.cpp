// Own data by one list: path,label[,video][,method][,split][,mask] as CSV, or the same as a JSON list of objects.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "dataset/layouts/csv_file.hpp"
#include "dataset/layouts/json_file.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::array<std::string_view, 6> kColumns = {"path", "label", "video", "method", "split", "mask"};

struct Line {
  std::size_t number = 0;
  std::map<std::string, std::string, std::less<>> fields;
  std::string at(std::string_view key) const {
    const auto found = fields.find(key);
    return found == fields.end() ? "" : found->second;
  }
};

bool is_known(std::string_view column) {
  return std::find(kColumns.begin(), kColumns.end(), column) != kColumns.end();
}

Result<std::vector<Line>> csv_lines(const fs::path& path, const LayoutLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const CsvTable table, read_csv_file(path, limits));
  std::vector<Line> lines;
  for (const std::string& column : table.columns)
    if (!is_known(column))
      return fail(ErrorCode::manifest_invalid,
                  "{}: unknown column \"{}\", expected path, label, video, method, split, mask", path.string(), column);
  if (!table.column("path") || !table.column("label"))
    return fail(ErrorCode::manifest_invalid, "{}: expected the columns path and label", path.string());
  for (const CsvRow& row : table.rows) {
    Line line{row.line, {}};
    for (std::size_t i = 0; i < table.columns.size(); ++i) line.fields[table.columns[i]] = row.fields[i];
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<std::vector<Line>> json_lines(const fs::path& path, const LayoutLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const Json json, read_json_file(path, limits));
  if (!json.is_array()) return fail(ErrorCode::manifest_invalid, "{}: expected a list of objects", path.string());
  std::vector<Line> lines;
  for (const Json& entry : json) {
    Line line{lines.size() + 1, {}};
    if (!entry.is_object())
      return fail(ErrorCode::manifest_invalid, "{}: entry {} is no object", path.string(), line.number);
    for (const auto& [key, value] : entry.items()) {
      if (!is_known(key))
        return fail(ErrorCode::manifest_invalid, "{}: entry {}: unknown key \"{}\"", path.string(), line.number, key);
      if (!value.is_null()) line.fields[key] = value.is_string() ? value.get<std::string>() : value.dump();
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

Result<SourceItem> item_of(const Line& line, const fs::path& list) {
  const auto wrong = [&](std::string_view what) {
    return fail(ErrorCode::manifest_invalid, "{}:{}: {}", list.string(), line.number, what);
  };
  SourceItem item;
  item.path = normal_path(line.at("path"));
  if (item.path.empty() || !stays_below(item.path)) return wrong("path is empty or leaves the list's folder");
  const std::string label = line.at("label");
  if (label != "0" && label != "1" && !label.empty())
    return wrong("label is \"" + label + "\", expected 0 (real), 1 (fake) or nothing");
  if (!label.empty()) item.label = label == "1" ? 1 : 0;
  if (const std::string split = line.at("split"); !split.empty()) {
    item.role = role_of_word(split);
    if (!item.role) return wrong("split is \"" + split + "\", expected train, val, calibration or test");
  }
  item.kind = has_video_suffix(item.path) ? SourceKind::video : SourceKind::picture;
  item.set = "folders";
  item.method = line.at("method");
  item.mask = normal_path(line.at("mask"));
  if (!stays_below(item.mask)) return wrong("mask leaves the list's folder");
  return item;
}

// Pictures that the list calls frames of one video, and that have a folder to themselves, become one item.
class VideoGroups {
 public:
  void take(const SourceItem& item, const std::string& video) {
    if (item.kind == SourceKind::picture) videos_[std::string(parent_of(item.path))].insert(video);
  }
  bool is_video(const SourceItem& item) const {
    const auto at = videos_.find(std::string(parent_of(item.path)));
    return item.kind == SourceKind::picture && !parent_of(item.path).empty() && at->second.size() == 1 &&
           !at->second.begin()->empty();
  }

 private:
  std::map<std::string, std::set<std::string>> videos_;  // of the pictures in a folder; "" = none named
};

void add_items(std::map<std::string, SourceItem>& items, const VideoGroups& groups, ReadingBuilder& builder) {
  std::map<std::string, SourceItem> videos;
  for (auto& [path, item] : items) {
    if (!groups.is_video(item)) {
      builder.add(std::move(item));
      continue;
    }
    const std::string folder(parent_of(path));
    SourceItem frames = item;
    frames.kind = SourceKind::frames;
    frames.path = folder;
    frames.mask = std::string(parent_of(item.mask));
    const auto [at, fresh] = videos.try_emplace(folder, std::move(frames));
    if (at->second.label != item.label)
      builder.find(LayoutFault::polarity, path, "frames of its video have another label");
    at->second.frames.emplace_back(file_name(path));
  }
  for (auto& [folder, item] : videos) {
    sort_by_number(item.frames);
    builder.add(std::move(item));
  }
}

}  // namespace

Result<LayoutReading> read_list_file(const fs::path& path, const LayoutOptions& options) {
  const bool json = lower_case(path.extension().string()) == ".json";
  DFA_ASSIGN_OR_RETURN(const std::vector<Line> lines,
                       json ? json_lines(path, options.limits) : csv_lines(path, options.limits));
  FileTree tree;
  ReadingBuilder builder("folders", tree);
  const fs::path root = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::map<std::string, SourceItem> items;
  VideoGroups groups;
  for (const Line& line : lines) {
    DFA_ASSIGN_OR_RETURN(SourceItem item, item_of(line, path));
    if (!fs::exists(root / item.path)) {
      builder.find(LayoutFault::missing, item.path, "{}:{} names it", path.string(), line.number);
      continue;
    }
    if (!item.mask.empty() && !fs::exists(root / item.mask)) {
      builder.find(LayoutFault::mask_missing, item.path, "{}:{} names the mask {}", path.string(), line.number,
                   item.mask);
      item.mask.clear();
    }
    groups.take(item, line.at("video"));
    const auto [at, fresh] = items.try_emplace(item.path, item);
    if (fresh) continue;
    if (at->second.label != item.label)
      builder.find(LayoutFault::polarity, item.path, "{}:{} gives it another label than a line before", path.string(),
                   line.number);
    else if (at->second.role != item.role)
      builder.find(LayoutFault::split_overlap, item.path, "{}:{} gives it another split than a line before",
                   path.string(), line.number);
    else
      builder.find(LayoutFault::list_broken, path.string(), "line {} names {} again", line.number, item.path);
  }
  add_items(items, groups, builder);
  builder.note("labels from {}: 1 is fake, 0 is real", path.string());
  LayoutReading reading = builder.finish();
  reading.list.root = root;
  return reading;
}

}  // namespace dfa
