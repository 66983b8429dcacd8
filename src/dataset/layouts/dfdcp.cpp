// DFDC preview: one dataset.json beside the class folders, keyed by relative path.
#include <nlohmann/json.hpp>

#include "dataset/layouts/json_file.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kList = "dataset.json";

std::optional<int> label_of(std::string_view word) {
  if (word == "real") return 0;
  if (word == "fake") return 1;
  return std::nullopt;
}

bool is_list(const Json& json) {
  return json.is_object() && !json.empty() && json.begin()->is_object() && label_of(text_at(*json.begin(), "label")) &&
         role_of_word(text_at(*json.begin(), "set"));
}

// original_videos is real, method_A and method_B are fake; nothing for other folders.
std::optional<int> label_of_folder(std::string_view folder) {
  if (folder == "original_videos") return 0;
  if (folder.starts_with("method_")) return 1;
  return std::nullopt;
}

// target_id and swapped_id are numbers in some copies and text in others.
void add_person(const Json& value, const char* key, std::vector<std::string>& people) {
  const auto at = value.find(key);
  if (at == value.end() || at->is_null()) return;
  people.push_back(at->is_string() ? at->get<std::string>() : at->dump());
}

std::vector<std::string> people_in(const std::string& path, const Json& value) {
  std::vector<std::string> people;
  add_person(value, "target_id", people);
  add_person(value, "swapped_id", people);
  if (!people.empty()) return people;
  for (const std::string_view part : parts_of(parent_of(path)))
    if (number_of(part)) return {std::string(part)};
  return people;
}

class DfdcpReading {
 public:
  DfdcpReading(const FileTree& tree, const LayoutOptions& options, std::string list)
      : tree_(tree), options_(options), builder_("dfdcp", tree), list_(std::move(list)), folder_(parent_of(list_)) {
    for (SourceItem& item : media_items(tree, folder_)) media_.emplace(item.path, std::move(item));
  }

  LayoutReading run() {
    builder_.note("labels and roles from {}, compared with the class folders; there is no val split", list_);
    const auto json = read_json_file(tree_.absolute(list_), options_.limits);
    if (!json) {
      builder_.find(LayoutFault::list_broken, list_, "{}", json.error().message);
    } else if (!is_list(*json)) {
      builder_.find(LayoutFault::list_broken, list_,
                    "expected {{\"method_A/..mp4\":{{\"label\":\"fake\",\"set\":\"train\"}}}}");
    } else {
      for (const auto& [key, value] : json->items()) take(key, value);
      report_polarity(json->size());
      for (const auto& [path, item] : media_) builder_.find(LayoutFault::unlisted, path, "{} does not name it", list_);
    }
    return builder_.finish();
  }

 private:
  // As written, or with the level videos/ that some copies put below the class folder.
  std::map<std::string, SourceItem>::iterator find(const std::string& path) {
    const auto at = media_.find(joined(folder_, path));
    if (at != media_.end()) return at;
    const std::size_t slash = std::min(path.find('/'), path.size());
    return media_.find(joined(folder_, path.substr(0, slash) + "/videos" + path.substr(slash)));
  }

  void take(const std::string& key, const Json& value) {
    const std::string path = normal_path(key);
    const auto label = value.is_object() ? label_of(text_at(value, "label")) : std::nullopt;
    const auto role = value.is_object() ? role_of_word(text_at(value, "set")) : std::nullopt;
    if (!label || !role || path.empty() || !stays_below(path))
      return builder_.find(LayoutFault::list_broken, list_,
                           "entry \"{}\" has no label real or fake, no set, or leaves the root", key);
    const auto at = find(path);
    if (at == media_.end()) return builder_.find(LayoutFault::missing, joined(folder_, path), "{} names it", list_);
    SourceItem item = std::move(at->second);
    media_.erase(at);
    const std::string folder(parts_of(path).front());
    const std::optional<int> by_folder = label_of_folder(folder);
    if (by_folder && *by_folder != *label) wrong_.emplace_back(item.path, *label);
    item.label = by_folder.value_or(*label);
    item.role = role;
    item.set = "dfdcp";
    item.method = item.label == 1 ? folder : "";
    item.identities = people_in(path, value);
    builder_.add(std::move(item));
  }

  void report_polarity(std::size_t entries) {
    if (wrong_.size() == entries && entries > 1)
      return builder_.find(LayoutFault::polarity, list_,
                           "all {} labels contradict the class folders: the list is swapped", entries);
    for (const auto& [path, label] : wrong_)
      builder_.find(LayoutFault::polarity, path, "{} says {}, the class folder says {}", list_,
                    label == 1 ? "fake" : "real", label == 1 ? "real" : "fake");
  }

  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  const std::string list_, folder_;
  std::map<std::string, SourceItem> media_;         // by path; what is left is in no list
  std::vector<std::pair<std::string, int>> wrong_;  // path and the list's label
};

// The list, if there is one that can be: by content, else (broken ones) by name at the root.
std::string list_of(const FileTree& tree, const LayoutLimits& limits) {
  for (const std::string& path : tree.named(kList))
    if (const auto json = read_json_file(tree.absolute(path), limits); json && is_list(*json)) return path;
  return "";
}

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  std::string list = list_of(tree, options.limits);
  return DfdcpReading(tree, options, list.empty() ? std::string(kList) : list).run();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits& limits) {
  const std::string list = list_of(tree, limits);
  if (list.empty()) return std::nullopt;
  return fmt::format("{} with label and set by path", list);
}

bool accepts(const FileTree& tree) {
  return tree.has_file(kList) || !tree.named(kList).empty();
}

}  // namespace

const LayoutReader& dfdcp_reader() {
  static constexpr LayoutReader reader = {"dfdcp", read, recognise, accepts};
  return reader;
}

}  // namespace dfa
