// Celeb-DF v1 and v2: three class folders and a test list in which 1 is real and 0 is fake.
#include <array>
#include <charconv>

#include "base/file.hpp"
#include "dataset/layouts/media_items.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

constexpr std::string_view kList = "List_of_testing_videos.txt";
// What v1 holds in whole (data sets' own counts); a tree with more of either class is v2.
constexpr std::size_t kReals1 = 408, kFakes1 = 795;

struct ClassFolder {
  std::string_view word;  // lower case: copies spell YouTube-real and Youtube-real
  int label;
  std::string_view method;
};
constexpr std::array<ClassFolder, 3> kClasses = {
    {{"celeb-real", 0, ""}, {"youtube-real", 0, ""}, {"celeb-synthesis", 1, "Celeb-synthesis"}}};

const ClassFolder* class_folder(std::string_view name) {
  const std::string word = lower_case(name);
  for (const ClassFolder& known : kClasses)
    if (known.word == word) return &known;
  return nullptr;
}

// The same for lists and tree: "youtube-real/00170", whatever the spelling, the level videos/ and the suffix.
std::string key_of(std::string_view path) {
  const std::vector<std::string_view> parts = parts_of(path);
  return parts.size() < 2 ? "" : lower_case(parts.front()) + "/" + std::string(stem_of(parts.back()));
}

// id1_id0_0007: target id1 with the face of id0. id3_0001: id3. Numbered YouTube videos show unknown people.
std::vector<std::string> people_in(std::string_view name) {
  std::vector<std::string> people;
  while (name.starts_with("id")) {
    const std::size_t bar = std::min(name.find('_'), name.size());
    people.emplace_back(name.substr(0, bar));
    name.remove_prefix(std::min(bar + 1, name.size()));
  }
  return people;
}

struct ListedLine {
  std::size_t line = 0;
  std::string key;
  std::string path;  // as written
  int label = 0;     // internal polarity: 1 = fake
};

class CelebReading {
 public:
  CelebReading(std::string_view layout, const FileTree& tree, const LayoutOptions& options)
      : layout_(layout), tree_(tree), options_(options), builder_(layout, tree) {}

  LayoutReading run() {
    for (const std::string& name : tree_.folders_in(""))
      if (const ClassFolder* known = class_folder(name); known != nullptr) take_class(name, *known);
    take_list();
    for (auto& [key, item] : items_) give_source(key, item);
    for (auto& [key, item] : items_) builder_.add(std::move(item));
    return builder_.finish();
  }

 private:
  void take_class(const std::string& folder, const ClassFolder& known) {
    for (SourceItem& item : media_items(tree_, folder)) {
      item.label = known.label;
      item.set = layout_;
      item.method = known.method;
      const std::string_view name = item.kind == SourceKind::frames ? file_name(item.path) : stem_of(item.path);
      item.identities = people_in(name);
      items_.emplace(std::string(known.word) + "/" + std::string(name), std::move(item));
    }
  }

  void give_source(const std::string& key, SourceItem& item) const {
    if (item.label != 1 || item.identities.empty()) return;
    const auto at = items_.find("celeb-real/" + item.identities[0] + key.substr(key.rfind('_')));
    if (at != items_.end()) item.source = at->second.path;
  }

  void take_list() {
    if (!tree_.has_file(kList)) {
      builder_.find(LayoutFault::list_missing, std::string(kList), "not there: the test split is unknown");
      builder_.note("no {}: roles are unknown", kList);
      return;
    }
    const std::vector<ListedLine> lines = read_list();
    if (lines.empty()) return;
    builder_.note("labels from the class folders, compared with {} (there 1 = real, 0 = fake)", kList);
    builder_.note("role test from {}; everything else is train, there is no official val split", kList);
    compare_labels(lines);
    for (const ListedLine& line : lines) {
      const auto at = items_.find(line.key);
      if (at == items_.end())
        builder_.find(LayoutFault::missing, line.path, "{}:{} names it", kList, line.line);
      else
        at->second.role = Role::test;
    }
    for (auto& [key, item] : items_)
      if (!item.role) item.role = Role::train;
  }

  std::vector<ListedLine> read_list() {
    std::vector<ListedLine> lines;
    const auto text = read_text_file(tree_.absolute(kList), options_.limits.max_list_bytes);
    if (!text) {
      builder_.find(LayoutFault::list_broken, std::string(kList), "{}", text.error().message);
      return lines;
    }
    std::set<std::string> seen;
    std::size_t number = 0;
    for (const std::string_view line : lines_of(*text)) {
      ++number;
      if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
      const bool well_formed = line.size() > 2 && (line[0] == '0' || line[0] == '1') && line[1] == ' ';
      const std::string path = well_formed ? normal_path(line.substr(2)) : "";
      const ClassFolder* known = path.empty() ? nullptr : class_folder(parts_of(path).front());
      if (known == nullptr) {
        builder_.find(LayoutFault::list_broken, std::string(kList),
                      "line {} is \"{}\", expected 1 or 0, a blank and a path below one of the class folders", number,
                      line.substr(0, kShownOfLine));
        continue;
      }
      ListedLine listed = {number, key_of(path), path, line[0] == '1' ? 0 : 1};
      if (!seen.insert(listed.key).second)
        builder_.find(LayoutFault::list_broken, std::string(kList), "line {} names {} again", number, path);
      else
        lines.push_back(std::move(listed));
    }
    if (lines.empty()) builder_.find(LayoutFault::list_broken, std::string(kList), "names no video");
    return lines;
  }

  // One flipped line is a finding of its own; a list that is flipped as a whole is one.
  void compare_labels(const std::vector<ListedLine>& lines) {
    std::vector<const ListedLine*> wrong;
    for (const ListedLine& line : lines)
      if (class_folder(parts_of(line.path).front())->label != line.label) wrong.push_back(&line);
    if (wrong.size() == lines.size() && lines.size() > 1)
      return builder_.find(LayoutFault::polarity, std::string(kList),
                           "all {} lines contradict the class folders: the list is swapped (it must have 1 = real, 0 = "
                           "fake)",
                           lines.size());
    for (const ListedLine* line : wrong)
      builder_.find(LayoutFault::polarity, line->path, "{}:{} says {} ({}), the class folder says {}", kList,
                    line->line, line->label == 1 ? 0 : 1, line->label == 1 ? "fake" : "real",
                    line->label == 1 ? "real" : "fake");
  }

  static constexpr std::size_t kShownOfLine = 120;
  std::string layout_;
  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  std::map<std::string, SourceItem> items_;  // by key_of()
};

struct Size {
  std::size_t reals = 0, fakes = 0;
};

Size size_of(const FileTree& tree) {
  Size size;
  for (const std::string& name : tree.folders_in(""))
    if (const ClassFolder* known = class_folder(name); known != nullptr)
      (known->label == 1 ? size.fakes : size.reals) += media_items(tree, name).size();
  return size;
}

// v1 and v2 have one shape. v1 is told by its size (nine tenths of it there, nothing beyond it) or by a folder that is
// named after it and holds no more than it; everything else is v2, which most people have.
bool is_version_1(const FileTree& tree) {
  const Size size = size_of(tree);
  if (size.reals > kReals1 || size.fakes > kFakes1) return false;
  if (10 * size.reals >= 9 * kReals1 && 10 * size.fakes >= 9 * kFakes1) return true;
  const std::string name = lower_case(tree.root().filename().string());
  return name == "celeb-df" || name == "celeb-df-v1" || name == "celebdf1" || name == "celeb-df-v1.0";
}

bool has_classes(const FileTree& tree) {
  const Size size = size_of(tree);
  return size.reals > 0 && size.fakes > 0;
}

bool has_any_class(const FileTree& tree) {
  const Size size = size_of(tree);
  return size.reals > 0 || size.fakes > 0;
}

Result<LayoutReading> read1(const FileTree& tree, const LayoutOptions& options) {
  return CelebReading("celebdf1", tree, options).run();
}
Result<LayoutReading> read2(const FileTree& tree, const LayoutOptions& options) {
  return CelebReading("celebdf2", tree, options).run();
}
std::optional<std::string> recognise1(const FileTree& tree, const LayoutLimits&) {
  if (!has_classes(tree) || !is_version_1(tree)) return std::nullopt;
  return "Celeb-real and Celeb-synthesis, in the size or under the name of v1";
}
std::optional<std::string> recognise2(const FileTree& tree, const LayoutLimits&) {
  if (!has_classes(tree) || is_version_1(tree)) return std::nullopt;
  return "Celeb-real and Celeb-synthesis; v1 has the same shape: name celebdf1 if it is that one";
}

}  // namespace

const LayoutReader& celebdf1_reader() {
  static constexpr LayoutReader reader = {"celebdf1", read1, recognise1, has_any_class};
  return reader;
}

const LayoutReader& celebdf2_reader() {
  static constexpr LayoutReader reader = {"celebdf2", read2, recognise2, has_any_class};
  return reader;
}

}  // namespace dfa
