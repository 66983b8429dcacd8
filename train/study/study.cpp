#include "train/study/study.hpp"

#include <algorithm>
#include <climits>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/nearest_name.hpp"
#include "eval/metric.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxStudyBytes = 1 << 20;
constexpr int kMostRounds = 1'000'000;
// Keys of the configuration that the study itself decides on.
constexpr const char* kOwnKeys[] = {"seed", "out", "name", "threads", "select_on"};

std::string shortened(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

// Refuses keys given twice, which a JSON parser silently takes the last of.
Result<Json> parse_strict(std::string_view text, std::string_view what) {
  std::vector<std::set<std::string>> open;
  std::string repeated;
  const auto look = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
      repeated = value.get<std::string>();
    return true;
  };
  Json json = Json::parse(text, look, false);
  if (!json.is_object()) return fail(ErrorCode::usage, "{}: not a JSON object, expected a study", what);
  if (!repeated.empty()) return fail(ErrorCode::usage, "{}: key \"{}\" is given twice", what, repeated);
  return json;
}

Status check_keys(const Json& object, std::string_view what, std::initializer_list<std::string> known) {
  const std::vector<std::string> names(known);
  for (const auto& [key, unused] : object.items())
    if (std::find(names.begin(), names.end(), key) == names.end())
      return fail(ErrorCode::usage, "{}: unknown key \"{}\"; did you mean \"{}\"?", what, key,
                  nearest_name(key, names));
  return {};
}

// Takes values of one object by name; `what` begins every message.
class Fields {
 public:
  Fields(const Json& object, std::string what) : object_(object), what_(std::move(what)) {}

  bool has(const char* key) const { return object_.contains(key); }
  Result<std::string> text(const char* key, const std::string& otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_[key].is_string() || object_[key].get<std::string>().empty()) return refuse(key, "text");
    return object_[key].get<std::string>();
  }
  Result<std::int64_t> whole(const char* key, std::int64_t low, std::int64_t high, std::int64_t otherwise) const {
    if (!has(key)) return otherwise;
    const Json& value = object_[key];
    const bool is_within = value.is_number_integer() &&
                           !(value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) &&
                           value.get<std::int64_t>() >= low && value.get<std::int64_t>() <= high;
    if (!is_within) return refuse(key, fmt::format("a whole number from {} to {}", low, high));
    return value.get<std::int64_t>();
  }
  Result<const Json*> list(const char* key) const {
    if (!has(key) || !object_[key].is_array() || object_[key].empty()) return refuse(key, "a list that is not empty");
    return &object_[key];
  }
  Result<const Json*> object(const char* key) const {
    if (!has(key) || !object_[key].is_object()) return refuse(key, "an object");
    return &object_[key];
  }
  tl::unexpected<Error> refuse(const char* key, std::string_view expected) const {
    return fail(ErrorCode::usage, "{}: \"{}\" is {}, expected {}", what_, key,
                has(key) ? shortened(object_[key]) : std::string("missing"), expected);
  }

 private:
  const Json& object_;
  std::string what_;
};

Status check_own_key(const std::string& key, std::string_view what) {
  for (const char* own : kOwnKeys)
    if (key == own)
      return fail(ErrorCode::usage, "{}: \"{}\" is not to be set here: {}", what, key,
                  key == "seed"        ? "give \"seeds\""
                  : key == "select_on" ? "every cell selects on role val, the test role serves the table alone"
                                       : "the study decides it for each cell");
  return {};
}

// As --set takes it, and as it is shown: text without quotes, all else as JSON.
std::string setting_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// {"a.b": value, ...} as "a.b=value".
Result<std::vector<std::string>> settings_of(const Json& object, std::string_view what) {
  std::vector<std::string> settings;
  for (const auto& [key, value] : object.items()) {
    DFA_TRY(check_own_key(key, what));
    settings.push_back(key + "=" + setting_text(value));
  }
  return settings;
}

// A value of the key that the axis is named after, or {"name": ..., "set": {...}}.
Result<AxisValue> axis_value(const std::string& axis, const Json& json, std::string_view what) {
  if (!json.is_object()) {
    DFA_TRY(check_own_key(axis, what));
    return AxisValue{setting_text(json), {axis + "=" + setting_text(json)}};
  }
  DFA_TRY(check_keys(json, what, {"name", "set"}));
  const Fields fields(json, std::string(what));
  AxisValue value;
  DFA_ASSIGN_OR_RETURN(value.name, fields.text("name", ""));
  if (value.name.empty()) return fields.refuse("name", "text");
  DFA_ASSIGN_OR_RETURN(const Json* set, fields.object("set"));
  DFA_ASSIGN_OR_RETURN(value.settings, settings_of(*set, what));
  return value;
}

Result<std::vector<StudyAxis>> axes_of(const Fields& fields, const Json& json, std::string_view what) {
  DFA_TRY(fields.object("axes"));
  std::vector<StudyAxis> axes;
  for (const auto& [name, values] : json["axes"].items()) {
    const std::string where = fmt::format("{}: axis \"{}\"", what, name);
    if (name.empty() || !values.is_array() || values.empty())
      return fail(ErrorCode::usage, "{}: got {}, expected a list of values that is not empty", where,
                  shortened(values));
    StudyAxis axis{name, {}};
    std::set<std::string> names;
    for (const Json& value : values) {
      DFA_ASSIGN_OR_RETURN(AxisValue read, axis_value(name, value, where));
      if (!names.insert(read.name).second) return fail(ErrorCode::usage, "{}: \"{}\" is there twice", where, read.name);
      axis.values.push_back(std::move(read));
    }
    axes.push_back(std::move(axis));
  }
  return axes;
}

Result<std::vector<std::uint64_t>> seeds_of(const Fields& fields) {
  DFA_ASSIGN_OR_RETURN(const Json* list, fields.list("seeds"));
  std::vector<std::uint64_t> seeds;
  for (const Json& seed : *list) {
    if (!seed.is_number_unsigned()) return fields.refuse("seeds", "whole numbers from 0");
    if (std::find(seeds.begin(), seeds.end(), seed.get<std::uint64_t>()) != seeds.end())
      return fields.refuse("seeds", "each seed once");
    seeds.push_back(seed.get<std::uint64_t>());
  }
  return seeds;
}

Result<std::vector<std::string>> left_out_of(const Fields& fields) {
  std::vector<std::string> methods;
  if (!fields.has("leave_out")) return methods;
  DFA_ASSIGN_OR_RETURN(const Json* list, fields.list("leave_out"));
  for (const Json& method : *list) {
    const bool is_new = method.is_string() && !method.get<std::string>().empty() &&
                        std::find(methods.begin(), methods.end(), method.get<std::string>()) == methods.end();
    if (!is_new) return fields.refuse("leave_out", "names of methods, each once");
    methods.push_back(method.get<std::string>());
  }
  if (methods.size() < 2) return fields.refuse("leave_out", "at least two methods: all but one are trained on");
  return methods;
}

Result<StudyTest> test_of(const Json& json, std::string_view what) {
  if (!json.is_object())
    return fail(ErrorCode::usage, "{}: \"tests\" holds {}, expected objects with \"name\"", what, shortened(json));
  DFA_TRY(check_keys(json, what, {"name", "data", "role"}));
  const Fields fields(json, std::string(what));
  StudyTest test;
  DFA_ASSIGN_OR_RETURN(test.name, fields.text("name", ""));
  if (test.name.empty()) return fields.refuse("name", "text");
  DFA_ASSIGN_OR_RETURN(test.data, fields.text("data", ""));
  DFA_ASSIGN_OR_RETURN(const std::string role, fields.text("role", "test"));
  DFA_ASSIGN_OR_RETURN(test.role, role_by_name(role));
  if (test.role != Role::test && test.role != Role::val)
    return fields.refuse("role", "test, or val to compare without touching the test crops");
  return test;
}

Result<std::vector<StudyTest>> tests_of(const Fields& fields, std::string_view what) {
  std::vector<StudyTest> tests;
  if (!fields.has("tests")) return std::vector<StudyTest>{{"test", "", Role::test}};
  DFA_ASSIGN_OR_RETURN(const Json* list, fields.list("tests"));
  for (const Json& json : *list) {
    DFA_ASSIGN_OR_RETURN(StudyTest test, test_of(json, what));
    const auto same = [&](const StudyTest& other) { return other.name == test.name; };
    if (std::any_of(tests.begin(), tests.end(), same))
      return fail(ErrorCode::usage, "{}: two tests are named \"{}\"", what, test.name);
    tests.push_back(std::move(test));
  }
  return tests;
}

Status take_measuring(const Fields& fields, const Json& json, std::string_view what, Study& study) {
  DFA_ASSIGN_OR_RETURN(study.metric, fields.text("metric", study.metric));
  DFA_TRY(metric_by_name(study.metric));
  DFA_ASSIGN_OR_RETURN(const std::string level, fields.text("level", "video"));
  if (level != "video" && level != "frame") return fields.refuse("level", "video or frame");
  study.level = level == "video" ? StudyLevel::video : StudyLevel::frame;
  DFA_ASSIGN_OR_RETURN(const std::string pairs, fields.text("compare", "all"));
  if (pairs != "all" && pairs != "first") return fields.refuse("compare", "all or first");
  study.pairs = pairs == "all" ? StudyPairs::all : StudyPairs::first;
  if (!fields.has("bootstrap")) return {};
  DFA_TRY(fields.object("bootstrap"));
  DFA_TRY(check_keys(json["bootstrap"], what, {"rounds", "seed"}));
  const Fields bootstrap(json["bootstrap"], std::string(what));
  DFA_ASSIGN_OR_RETURN(const std::int64_t rounds, bootstrap.whole("rounds", 1, kMostRounds, study.bootstrap_rounds));
  study.bootstrap_rounds = static_cast<int>(rounds);
  DFA_ASSIGN_OR_RETURN(const std::int64_t seed,
                       bootstrap.whole("seed", 0, INT64_MAX, static_cast<std::int64_t>(study.bootstrap_seed)));
  study.bootstrap_seed = static_cast<std::uint64_t>(seed);
  return {};
}

Status check_size(const Study& study, std::string_view what) {
  std::size_t cells = study.seeds.size() * std::max<std::size_t>(1, study.leave_out.size());
  for (const StudyAxis& axis : study.axes) cells = cells > kMostCells ? cells : cells * axis.values.size();
  if (cells > kMostCells)
    return fail(ErrorCode::usage, "{}: more than {} cells\n  next step: fewer values, seeds or methods", what,
                kMostCells);
  return {};
}

}  // namespace

Result<Study> parse_study(std::string_view text, std::string_view what, const std::filesystem::path& folder,
                          std::span<const std::string> overrides) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_strict(text, what));
  DFA_TRY(check_keys(json, what,
                     {"dfa_study", "name", "out", "config", "set", "axes", "seeds", "leave_out", "tests", "metric",
                      "level", "compare", "bootstrap", "i_know"}));
  const Fields fields(json, std::string(what));
  if (!json.contains("dfa_study") || json["dfa_study"] != 1) return fields.refuse("dfa_study", "1");
  Study study;
  DFA_ASSIGN_OR_RETURN(study.name, fields.text("name", ""));
  if (study.name.empty()) return fields.refuse("name", "text");
  DFA_ASSIGN_OR_RETURN(study.out, fields.text("out", "runs/study-" + study.name));
  DFA_ASSIGN_OR_RETURN(const std::string config, fields.text("config", ""));
  if (config.empty()) return fields.refuse("config", "the path of a training configuration");
  study.config = folder / config;
  if (fields.has("set")) {
    DFA_ASSIGN_OR_RETURN(const Json* set, fields.object("set"));
    DFA_ASSIGN_OR_RETURN(study.settings, settings_of(*set, what));
  }
  for (const std::string& setting : overrides) {
    DFA_TRY(check_own_key(setting.substr(0, setting.find('=')), "--set"));
    study.settings.push_back(setting);
  }
  DFA_ASSIGN_OR_RETURN(study.axes, axes_of(fields, json, what));
  DFA_ASSIGN_OR_RETURN(study.seeds, seeds_of(fields));
  DFA_ASSIGN_OR_RETURN(study.leave_out, left_out_of(fields));
  DFA_ASSIGN_OR_RETURN(study.tests, tests_of(fields, what));
  DFA_TRY(take_measuring(fields, json, what, study));
  if (fields.has("i_know")) {
    if (!json["i_know"].is_boolean()) return fields.refuse("i_know", "true or false");
    study.i_know = json["i_know"].get<bool>() ? IKnow::yes : IKnow::no;
  }
  DFA_TRY(check_size(study, what));
  return study;
}

Result<Study> read_study(const std::filesystem::path& path, std::span<const std::string> overrides) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxStudyBytes));
  return parse_study(text, path.string(), path.parent_path(), overrides);
}

}  // namespace dfa::train
