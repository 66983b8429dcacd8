// DFDC: parts with a metadata.json each, in which fakes name their original; test videos with a labels.csv.
#include <nlohmann/json.hpp>

#include "dataset/layouts/csv_file.hpp"
#include "dataset/layouts/json_file.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kMetadata = "metadata.json";
constexpr std::string_view kLabels = "labels.csv";

std::optional<int> label_of(std::string_view word) {
  if (word == "REAL") return 0;
  if (word == "FAKE") return 1;
  return std::nullopt;
}

bool is_metadata(const Json& json) {
  return json.is_object() && !json.empty() && json.begin()->is_object() && label_of(text_at(*json.begin(), "label"));
}

struct Entry {
  std::string file;
  int label = 0;
  std::string original;  // empty: none named, or null
  std::optional<Role> role;
};

class DfdcReading {
 public:
  DfdcReading(const FileTree& tree, const LayoutOptions& options)
      : tree_(tree), options_(options), builder_("dfdc", tree) {}

  LayoutReading run() {
    for (const std::string& path : tree_.named(kMetadata)) take_metadata(path);
    for (const std::string& path : tree_.named(kLabels)) take_labels(path);
    builder_.note("labels and originals from {} metadata.json, {} labels.csv; grouped by `original`",
                  tree_.named(kMetadata).size(), tree_.named(kLabels).size());
    give_sources();
    return builder_.finish();
  }

 private:
  // Kind and frames come from the tree: a video, or a folder of its frames.
  std::map<std::string, SourceItem> media_in(const std::string& folder) {
    std::map<std::string, SourceItem> media;
    for (SourceItem& item : media_items(tree_, folder))
      if (parent_of(item.path) == folder) media.emplace(file_name(item.path), std::move(item));
    return media;
  }

  void take_metadata(const std::string& path) {
    const auto json = read_json_file(tree_.absolute(path), options_.limits);
    if (!json) return builder_.find(LayoutFault::list_broken, path, "{}", json.error().message);
    const std::string folder(parent_of(path));
    std::map<std::string, SourceItem> media = media_in(folder);
    const std::vector<Entry> entries = read_entries(path, *json);
    compare_labels(path, folder, entries);
    for (const Entry& entry : entries) {
      const auto at = media.find(entry.file);
      if (at == media.end()) {
        builder_.find(LayoutFault::missing, joined(folder, entry.file), "{} names it", path);
        continue;
      }
      add(std::move(at->second), entry);
      media.erase(at);
    }
    for (const auto& [name, item] : media) builder_.find(LayoutFault::unlisted, item.path, "{} does not name it", path);
  }

  std::vector<Entry> read_entries(const std::string& path, const Json& json) {
    std::vector<Entry> entries;
    if (!json.is_object() || json.empty()) {
      builder_.find(LayoutFault::list_broken, path,
                    "names no video, expected {{\"a.mp4\":{{\"label\":\"FAKE\",...}}}}");
      return entries;
    }
    for (const auto& [file, value] : json.items()) {
      const std::optional<int> label = value.is_object() ? label_of(text_at(value, "label")) : std::nullopt;
      if (!label || !stays_below(file) || parts_of(file).size() != 1) {
        builder_.find(LayoutFault::list_broken, path, "entry \"{}\" has no label REAL or FAKE, or its name is a path",
                      file);
        continue;
      }
      entries.push_back({file, *label, text_at(value, "original"), role_of_word(text_at(value, "split"))});
    }
    return entries;
  }

  // A fake names the video it was made from, a real one cannot. Files that name no originals at all say nothing.
  void compare_labels(const std::string& path, const std::string& folder, const std::vector<Entry>& entries) {
    std::vector<const Entry*> wrong;
    bool originals = false;
    for (const Entry& entry : entries) {
      originals = originals || !entry.original.empty();
      if ((entry.label == 1) == entry.original.empty()) wrong.push_back(&entry);
    }
    if (!originals || wrong.empty()) return;
    if (wrong.size() == entries.size() && entries.size() > 1)
      return builder_.find(LayoutFault::polarity, path,
                           "all {} labels are swapped: those called REAL name an original, those called FAKE none",
                           entries.size());
    for (const Entry* entry : wrong)
      builder_.find(LayoutFault::polarity, joined(folder, entry->file), "{} calls it {}, and it {}", path,
                    entry->label == 1 ? "FAKE" : "REAL",
                    entry->label == 1 ? "names no original" : "names an original, " + entry->original);
  }

  void add(SourceItem item, const Entry& entry) {
    item.label = entry.label;
    item.role = entry.role;
    item.set = "dfdc";
    item.method = entry.label == 1 ? "dfdc" : "";
    item.identities = {std::string(stem_of(entry.original.empty() ? entry.file : entry.original))};
    paths_.emplace(entry.file, item.path);
    originals_[item.path] = entry.original;
    builder_.add(std::move(item));
  }

  void give_sources() {
    std::size_t elsewhere = 0;
    for (SourceItem& item : builder_.items()) {
      const auto original = originals_.find(item.path);
      if (original == originals_.end() || original->second.empty()) continue;
      const auto at = paths_.find(original->second);
      if (at != paths_.end())
        item.source = at->second;
      else
        ++elsewhere;
    }
    if (elsewhere > 0) builder_.note("the originals of {} fakes are in no part that is here", elsewhere);
  }

  void take_labels(const std::string& path) {
    const auto table = read_csv_file(tree_.absolute(path), options_.limits);
    if (!table) return builder_.find(LayoutFault::list_broken, path, "{}", table.error().message);
    const auto file = table->column("filename"), label = table->column("label");
    if (!file || !label || table->rows.empty())
      return builder_.find(LayoutFault::list_broken, path, "expected lines under the columns filename,label");
    const std::string folder(parent_of(path));
    const std::string videos = tree_.has_folder(joined(folder, "videos")) ? joined(folder, "videos") : folder;
    std::map<std::string, SourceItem> media = media_in(videos);
    for (const CsvRow& row : table->rows) {
      const std::string& name = row.fields[*file];
      const std::string& value = row.fields[*label];
      if (value != "0" && value != "1") {
        builder_.find(LayoutFault::list_broken, path, "line {}: label \"{}\", expected 0 or 1", row.line, value);
        continue;
      }
      const auto at = media.find(name);
      if (at == media.end()) {
        builder_.find(LayoutFault::missing, joined(videos, name), "{}:{} names it", path, row.line);
        continue;
      }
      SourceItem item = std::move(at->second);
      media.erase(at);
      item.label = value == "1" ? 1 : 0;
      item.role = Role::test;
      item.set = "dfdc";
      item.method = item.label == 1 ? "dfdc" : "";
      builder_.add(std::move(item));
    }
    for (const auto& [name, item] : media) builder_.find(LayoutFault::unlisted, item.path, "{} does not name it", path);
  }

  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  std::map<std::string, std::string> paths_;      // of an entry's name
  std::map<std::string, std::string> originals_;  // as entries name them, by path
};

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  return DfdcReading(tree, options).run();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits& limits) {
  for (const std::string& path : tree.named(kMetadata))
    if (const auto json = read_json_file(tree.absolute(path), limits); json && is_metadata(*json))
      return fmt::format("{} with labels REAL and FAKE", path);
  for (const std::string& path : tree.named(kLabels)) {
    const std::vector<std::string> columns = csv_columns_of(tree.absolute(path));
    if (columns == std::vector<std::string>{"filename", "label"}) return fmt::format("{} with filename,label", path);
  }
  return std::nullopt;
}

bool accepts(const FileTree& tree) {
  return !tree.named(kMetadata).empty() || !tree.named(kLabels).empty();
}

}  // namespace

const LayoutReader& dfdc_reader() {
  static constexpr LayoutReader reader = {"dfdc", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
