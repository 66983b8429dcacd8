// FaceForensics++: 1000 videos, five forgeries of each pair in both orders, official split files of pairs.
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "dataset/layouts/ffpp_tree.hpp"
#include "dataset/layouts/json_file.hpp"
#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

constexpr std::array<std::string_view, 5> kMethods = {"Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures",
                                                      "FaceShifter"};
constexpr std::array kSplitRoles = {Role::train, Role::val, Role::test};

struct Splits {
  bool complete = false;                        // all three are there and whole: what they do not name is a finding
  std::map<std::string, std::set<Role>> roles;  // of "071", and of "071_054" in both orders
};

// "071" and "054": ids are texts, because numbers lose the zeros in front.
bool is_pair(const nlohmann::json& value) {
  return value.is_array() && value.size() == 2 && value[0].is_string() && value[1].is_string();
}

// Whether the file is whole; what is wrong becomes a finding.
bool take_split(const FileTree& tree, const std::string& file, Role role, const LayoutOptions& options, Splits& splits,
                ReadingBuilder& builder) {
  const auto json = read_json_file(tree.absolute(file), options.limits);
  if (!json) {
    builder.find(LayoutFault::list_broken, file, "{}", json.error().message);
    return false;
  }
  if (!json->is_array() || json->empty()) {
    builder.find(LayoutFault::list_broken, file, "holds no pairs, expected [[\"071\",\"054\"],...]");
    return false;
  }
  for (std::size_t i = 0; i < json->size(); ++i) {
    const auto& pair = (*json)[i];
    if (!is_pair(pair)) {
      builder.find(LayoutFault::list_broken, file,
                   "entry {} is {}, expected two ids as text with their zeros in front, such as [\"071\",\"054\"]",
                   i + 1, pair.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
      return false;
    }
    const auto a = pair[0].get<std::string>(), b = pair[1].get<std::string>();
    for (const std::string& name : {a, b, a + "_" + b, b + "_" + a}) splits.roles[name].insert(role);
  }
  return true;
}

Splits read_splits(const FileTree& tree, const LayoutOptions& options, ReadingBuilder& builder) {
  Splits splits;
  std::vector<std::string> used, absent;
  splits.complete = true;
  for (const Role role : kSplitRoles) {
    const std::string name = std::string(role_name(role)) + ".json";
    const std::string file = tree.has_file(name) ? name : "splits/" + name;
    if (!tree.has_file(file)) {
      absent.push_back(name);
      splits.complete = false;
      continue;
    }
    used.push_back(file);
    if (!take_split(tree, file, role, options, splits, builder)) splits.complete = false;
  }
  if (used.empty())
    builder.note("no split files ({{train,val,test}}.json, in the root or in splits/): roles are unknown");
  else
    builder.note("roles from {}", fmt::join(used, ", "));
  if (!used.empty())
    for (const std::string& name : absent)
      builder.find(LayoutFault::list_missing, name, "the other split files are there, this one is in neither place");
  return splits;
}

bool is_id(std::string_view text) {
  return text.size() == 3 && number_of(text).has_value();
}

// Target and source of "071_054"; the id itself of "071"; empty for other names.
std::vector<std::string> ids_of(const std::string& name, bool fake) {
  if (!fake) return is_id(name) ? std::vector<std::string>{name} : std::vector<std::string>{};
  const std::size_t bar = name.find('_');
  if (bar == std::string::npos) return {};
  std::vector<std::string> ids = {name.substr(0, bar), name.substr(bar + 1)};
  return is_id(ids[0]) && is_id(ids[1]) ? ids : std::vector<std::string>{};
}

void find_missing(const FfppLevel& level, const Splits& splits, bool fake, ReadingBuilder& builder) {
  for (const auto& [name, roles] : splits.roles)
    if ((name.find('_') != std::string::npos) == fake && !level.items.contains(name))
      builder.find(LayoutFault::missing, joined(level.folder, name + level.suffix), "the {} split names it",
                   role_names(roles));
}

class FfppReading {
 public:
  FfppReading(const FileTree& tree, const LayoutOptions& options)
      : tree_(tree), options_(options), builder_("ffpp", tree), splits_(read_splits(tree, options, builder_)) {}

  LayoutReading run() {
    take_class(std::string(kYoutubeFolder), "");
    for (const std::string& method : tree_.folders_in(kMethodsFolder)) {
      if (std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end())
        take_class(joined(kMethodsFolder, method), method);
      else if (method == "DeepFakeDetection")
        builder_.note("DeepFakeDetection is there as well; it is a data set of its own: layout dfd");
      else
        builder_.note("{}/{} is none of the five methods and is left out", kMethodsFolder, method);
    }
    return builder_.finish();
  }

 private:
  void take_class(const std::string& folder, const std::string& method) {
    for (FfppLevel& level : ffpp_levels(tree_, folder, options_.compression)) {
      const bool fake = !method.empty();
      if (fake) give_masks(tree_, folder, level, builder_);
      find_missing(level, splits_, fake, builder_);
      if (!fake) reals_[level.compression] = {level.folder, level.suffix};
      for (auto& [name, item] : level.items) take_item(name, method, std::move(item));
    }
  }

  void take_item(const std::string& name, const std::string& method, SourceItem item) {
    const bool fake = !method.empty();
    item.label = fake ? 1 : 0;
    item.set = "ffpp";
    item.method = method;
    item.identities = ids_of(name, fake);
    if (item.identities.empty()) {
      builder_.find(LayoutFault::unlisted, item.path, "its name is not {}",
                    fake ? "<target>_<source> of three digits each" : "three digits");
    } else if (const auto at = splits_.roles.find(name); at != splits_.roles.end()) {
      builder_.give_role(item, at->second, "the split files");
    } else if (splits_.complete) {
      builder_.find(LayoutFault::unlisted, item.path, "no split file names {}", fake ? "this pair" : "this id");
    }
    if (fake && !item.identities.empty()) {
      const auto& [folder, suffix] = reals_[item.compression];
      const std::string source = joined(folder, item.identities[0] + suffix);
      if (!folder.empty() && (tree_.has_file(source) || tree_.has_folder(source))) item.source = source;
    }
    builder_.add(std::move(item));
  }

  const FileTree& tree_;
  const LayoutOptions& options_;
  ReadingBuilder builder_;
  const Splits splits_;
  std::map<std::string, std::pair<std::string, std::string>> reals_;  // folder and suffix by level
};

Result<LayoutReading> read(const FileTree& tree, const LayoutOptions& options) {
  return FfppReading(tree, options).run();
}

std::optional<std::string> recognise(const FileTree& tree, const LayoutLimits&) {
  std::vector<std::string> seen;
  if (!ffpp_levels(tree, std::string(kYoutubeFolder), "").empty()) seen.emplace_back(kYoutubeFolder);
  for (const std::string_view method : kMethods)
    if (const std::string folder = joined(kMethodsFolder, method); !ffpp_levels(tree, folder, "").empty())
      seen.push_back(folder);
  if (seen.empty()) return std::nullopt;
  return fmt::format("{} with levels of compression", fmt::join(seen, ", "));
}

}  // namespace

const LayoutReader& ffpp_reader() {
  static constexpr LayoutReader reader = {"ffpp", read, recognise};
  return reader;
}

}  // namespace dfa
