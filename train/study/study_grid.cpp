#include "train/study/study_grid.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

namespace {

constexpr std::size_t kMostNameBytes = 120;
constexpr std::size_t kHashDigits = 8;

std::vector<Combination> combinations_of(const Study& study) {
  std::vector<Combination> combinations = {{"", {}, {}, 0}};
  for (const StudyAxis& axis : study.axes) {
    std::vector<Combination> longer;
    for (const Combination& shorter : combinations)
      for (const AxisValue& value : axis.values) {
        Combination combination = shorter;
        combination.name += (shorter.name.empty() ? "" : ", ") + axis.name + "=" + value.name;
        combination.values.push_back(value.name);
        combination.settings.insert(combination.settings.end(), value.settings.begin(), value.settings.end());
        longer.push_back(std::move(combination));
      }
    combinations = std::move(longer);
  }
  if (study.axes.empty()) combinations.front().name = "all";
  return combinations;
}

// "data.methods=[...]": all methods but one.
std::string setting_without(const std::vector<std::string>& methods, const std::string& left_out) {
  nlohmann::json kept = nlohmann::json::array();
  for (const std::string& method : methods)
    if (method != left_out) kept.push_back(method);
  return "data.methods=" + kept.dump();
}

Result<RunConfig> config_of(const Study& study, const Combination& combination, const StudyCell& cell) {
  std::vector<std::string> settings = study.settings;
  settings.insert(settings.end(), combination.settings.begin(), combination.settings.end());
  if (!cell.left_out.empty()) settings.push_back(setting_without(study.leave_out, cell.left_out));
  settings.push_back("seed=" + std::to_string(cell.seed));
  settings.push_back("name=" + cell.name);
  settings.push_back("out=" + (study.out / cell.name).string());
  auto config = read_run_config(study.config, settings);
  if (!config) return fail_within(cell.name, config.error());
  if (config->select_on != Role::val)
    return fail(ErrorCode::usage,
                "{}: it would choose its checkpoint on the test split, and the study's table is made on it\n  next "
                "step: select_on \"val\" (recipe \"default\")",
                cell.name);
  return std::move(*config);
}

// Hashes of files, each read once.
class FileHashes {
 public:
  Result<std::string> of(const std::filesystem::path& path) {
    auto& known = hashes_[path.string()];
    if (known.empty()) {
      DFA_ASSIGN_OR_RETURN(known, sha256_file(path));
    }
    return known;
  }

 private:
  std::map<std::string, std::string> hashes_;
};

Result<std::string> definition_of(const Study& study, const StudyCell& cell, FileHashes& hashes) {
  RunConfig config = cell.config;
  config.out = config.name = "cell";  // a study may be moved or renamed
  config.threads = 0;
  DFA_ASSIGN_OR_RETURN(const std::string trained_on, hashes.of(cell.config.data.manifest));
  std::string text = run_config_json(config) + trained_on + "\n";
  if (!config.pretrained.empty()) {
    DFA_ASSIGN_OR_RETURN(const std::string start, hashes.of(config.pretrained));
    text += start + "\n";
  }
  for (const StudyTest& test : study.tests) {
    DFA_ASSIGN_OR_RETURN(const std::string tested_on, hashes.of(test_manifest(test, cell)));
    text += fmt::format("{} {} {}\n", test.name, role_name(test.role), tested_on);
  }
  return sha256_hex(text);
}

std::vector<StudyCell> cells_of(const Study& study, const std::vector<Combination>& combinations) {
  const std::vector<std::string> nothing = {""};
  std::vector<StudyCell> cells;
  for (std::size_t i = 0; i < combinations.size(); ++i)
    for (const std::uint64_t seed : study.seeds)
      for (const std::string& method : study.leave_out.empty() ? nothing : study.leave_out) {
        StudyCell cell;
        cell.combination = i;
        cell.seed = seed;
        cell.left_out = method;
        for (std::size_t axis = 0; axis < study.axes.size(); ++axis)
          cell.name += study.axes[axis].name + "=" + combinations[i].values[axis] + ",";
        cell.name += "seed=" + std::to_string(seed) + (method.empty() ? "" : ",without=" + method);
        cell.name = file_name_of(cell.name);
        cells.push_back(std::move(cell));
      }
  return cells;
}

}  // namespace

std::string file_name_of(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                          std::string_view("._+=,-").find(c) != std::string_view::npos;
    name += is_plain ? c : '_';
  }
  if (!name.empty() && name.front() == '.') name.front() = '_';
  if (name == text && name.size() <= kMostNameBytes) return name;
  return name.substr(0, kMostNameBytes) + "-" + sha256_hex(text).substr(0, kHashDigits);
}

std::filesystem::path test_manifest(const StudyTest& test, const StudyCell& cell) {
  return test.data.empty() ? cell.config.data.manifest : test.data;
}

Result<StudyGrid> study_grid(const Study& study) {
  StudyGrid grid;
  grid.combinations = combinations_of(study);
  grid.cells = cells_of(study, grid.combinations);
  FileHashes hashes;
  for (StudyCell& cell : grid.cells) {
    Combination& combination = grid.combinations[cell.combination];
    DFA_ASSIGN_OR_RETURN(cell.config, config_of(study, combination, cell));
    combination.trained_parameters = count_trained(cell.config.network, cell.config.tuning).trained;
    DFA_ASSIGN_OR_RETURN(cell.definition_sha256, definition_of(study, cell, hashes));
  }
  return grid;
}

}  // namespace dfa::train
