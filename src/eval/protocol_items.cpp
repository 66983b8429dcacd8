#include "eval/protocol_items.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace dfa {
namespace {

constexpr std::array<std::string_view, 4> kLevels = {"raw", "c0", "c23", "c40"};
// The folder that only reals of a rule lie in.
constexpr std::string_view kActorsFolder = "source_videos", kTargetsFolder = "youtube";

template <class Visit>
void each_folder(std::string_view path, Visit visit) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    visit(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
}

// The first of `known` among the folders of the crop's path or of its video's; empty if none.
template <class Known>
std::string folder_among(const ItemFacts& item, const Known& known) {
  std::string found;
  for (const std::string_view path : {item.path, item.video})
    each_folder(path, [&](std::string_view folder) {
      if (found.empty() && std::find(known.begin(), known.end(), folder) != known.end()) found = folder;
    });
  return found;
}

std::string level_in(const ItemFacts& item) {
  const std::string level = folder_among(item, kLevels);
  return level == "c0" ? "raw" : level;
}

// "authors", "source-videos" or nothing.
std::string real_class_in(const ItemFacts& item) {
  const std::string folder = folder_among(item, std::array{kActorsFolder, kTargetsFolder});
  if (folder.empty()) return "";
  return folder == kActorsFolder ? "source-videos" : "authors";
}

std::string words_of(const std::set<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name)
    if (c != '_' && c != '-' && c != '.' && c != ' ')
      plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return plain;
}

ProtocolItems::ProtocolItems(const Protocol& protocol) {
  for (const ProtocolTest& test : protocol.tests) {
    std::array<Selector, 2> classes;
    for (const int label : {0, 1}) {
      Selector& one = classes[static_cast<std::size_t>(label)];
      one.selector = label == 0 ? &test.reals : &test.fakes;
      one.data = &protocol.data_named(one.selector->data);
      for (const std::string& set : one.data->sets) one.sets.insert(plain_name(set));
      if (label == 1)
        for (const std::string& method : one.selector->methods) one.methods.insert(plain_name(method));
    }
    tests_.push_back(std::move(classes));
  }
}

bool ProtocolItems::passes(Selector& one, const ItemFacts& item) const {
  if (!one.sets.contains(plain_name(item.set))) return false;
  Stock& stock = one.stock;
  ++stock.of_set;
  const std::vector<Role>& roles = one.selector->roles;
  if (item.role && std::find(roles.begin(), roles.end(), *item.role) == roles.end()) {
    stock.other_roles.emplace(role_name(*item.role));
    return false;
  }
  if (!one.methods.empty() && !one.methods.contains(plain_name(item.method))) {
    stock.other_methods.emplace(item.method.empty() ? "none" : item.method);
    return false;
  }
  const std::string level = one.data->compression.empty() ? "" : level_in(item);
  if (level != "" && level != one.data->compression) {
    stock.other_levels.insert(level);
    return false;
  }
  const bool by_rule = !one.data->real_class.empty() && *item.label == 0;
  const std::string rule = by_rule ? real_class_in(item) : "";
  if (rule != "" && rule != one.data->real_class) {
    stock.other_classes.insert(rule);
    return false;
  }
  if (!one.selector->folder.empty() && folder_among(item, std::array{one.selector->folder}).empty()) return false;
  if (!one.paths.insert(std::string(item.path)).second) {
    ++stock.doubles;
    return false;
  }
  ++stock.taken;
  if (!one.data->compression.empty() && level.empty()) ++stock.no_level;
  if (by_rule && rule.empty()) ++stock.no_class;
  if (!item.role) ++stock.no_role;
  if (one.selector->videos) stock.videos.emplace(item.video.empty() ? item.path : item.video);
  return true;
}

std::vector<std::size_t> ProtocolItems::take(const ItemFacts& item) {
  any_ = true;
  std::vector<std::size_t> numbers;
  if (!item.label) return numbers;
  for (std::size_t i = 0; i < tests_.size(); ++i)
    if (passes(tests_[i][*item.label == 1 ? 1 : 0], item)) numbers.push_back(i);
  return numbers;
}

std::string ProtocolItems::gap_of(const Selector& one, std::string_view class_name) const {
  const Stock& stock = one.stock;
  if (stock.taken > 0) return "";
  if (!any_) return "no data was given";
  if (stock.of_set == 0) return fmt::format("no {} crop of set {}", class_name, one.data->sets.front());
  std::string wanted;
  for (const Role role : one.selector->roles)
    wanted += fmt::format("{}{}", wanted.empty() ? "role " : " or ", role_name(role));
  if (!one.methods.empty()) wanted += ", method " + one.selector->methods.front();
  if (!one.data->compression.empty()) wanted += ", compression " + one.data->compression;
  if (!one.data->real_class.empty() && class_name == "real") wanted += ", real class " + one.data->real_class;
  if (!one.selector->folder.empty()) wanted += ", below a folder " + one.selector->folder;
  std::string there;
  const auto tell = [&](std::string_view what, const std::set<std::string>& words) {
    if (!words.empty()) there += fmt::format("{}{} {}", there.empty() ? "" : "; ", what, words_of(words));
  };
  tell("role", stock.other_roles);
  tell("method", stock.other_methods);
  tell("compression", stock.other_levels);
  tell("real class", stock.other_classes);
  return fmt::format("set {} has no {} crop of {}{}{}", one.data->sets.front(), class_name, wanted,
                     there.empty() ? "" : "; there is ", there);
}

std::string ProtocolItems::gap(std::size_t test) const {
  const auto& [reals, fakes] = tests_[test];
  if (any_ && reals.stock.of_set + fakes.stock.of_set == 0) {
    const std::string &real_set = reals.data->sets.front(), &fake_set = fakes.data->sets.front();
    if (real_set == fake_set) return fmt::format("no manifest or file of scores has set {}", real_set);
    return fmt::format("no manifest or file of scores has set {} or {}", real_set, fake_set);
  }
  std::string real_gap = gap_of(reals, "real"), fake_gap = gap_of(fakes, "fake");
  if (real_gap.empty() || real_gap == fake_gap) return fake_gap;
  return fake_gap.empty() ? real_gap : real_gap + "; " + fake_gap;
}

void ProtocolItems::add_notes(const Selector& one, std::string_view class_name, std::vector<std::string>& notes) const {
  const Stock& stock = one.stock;
  const auto tell = [&](std::size_t count, std::string_view what) {
    if (count > 0) notes.push_back(fmt::format("{} {} crops {}", count, class_name, what));
  };
  tell(stock.no_level, fmt::format("whose path does not say their compression; taken for {}", one.data->compression));
  tell(stock.no_class,
       fmt::format("whose path does not say by which rule they are real; taken for {}", one.data->real_class));
  tell(stock.no_role, "come without a role; taken for the test part");
  tell(stock.doubles, "stand in a second manifest as well and count once");
  if (const auto expected = one.selector->videos; expected && *expected != stock.videos.size())
    notes.push_back(fmt::format("{} {} videos, the whole set has {}", stock.videos.size(), class_name, *expected));
}

std::vector<std::string> ProtocolItems::notes(std::size_t test) const {
  std::vector<std::string> notes;
  add_notes(tests_[test][0], "real", notes);
  add_notes(tests_[test][1], "fake", notes);
  return notes;
}

}  // namespace dfa
