// The JSON of a protocol, read strictly: every key known and of its type, every name one that the protocol has.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "eval/protocol.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kVersion = 1;
constexpr double kMostPercent = 100;
constexpr int kMaxDepth = 16;

// Takes the fields of one object by name and, at the end, refuses those that nobody asked for.
class Fields {
 public:
  Fields(const Json& object, std::string what) : object_(object), what_(std::move(what)) {}

  Status require_object() const {
    if (object_.is_object()) return {};
    return fail(ErrorCode::manifest_invalid, "{}: is {}, expected an object", what_, object_.type_name());
  }
  const Json* find(const std::string& key) {
    taken_.insert(key);
    const auto at = object_.find(key);
    return at == object_.end() ? nullptr : &*at;
  }
  tl::unexpected<Error> refuse(const std::string& key, std::string_view expected) const {
    const auto at = object_.find(key);
    return fail(
        ErrorCode::manifest_invalid, "{}: \"{}\" is {}, expected {}", what_, key,
        at == object_.end() ? "missing" : at->dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80),
        expected);
  }
  Result<std::string> text(const std::string& key) {
    const Json* value = find(key);
    if (value == nullptr || !value->is_string() || value->get_ref<const std::string&>().empty())
      return refuse(key, "text");
    return value->get<std::string>();
  }
  Result<std::string> text_or_nothing(const std::string& key) {
    if (find(key) == nullptr) return std::string();
    return text(key);
  }
  Result<const Json*> list(const std::string& key) {
    const Json* value = find(key);
    if (value == nullptr || !value->is_array()) return refuse(key, "a list");
    return value;
  }
  Result<std::vector<std::string>> texts(const std::string& key) {
    DFA_ASSIGN_OR_RETURN(const Json* values, list(key));
    std::vector<std::string> found;
    for (const Json& value : *values) {
      if (!value.is_string() || value.get_ref<const std::string&>().empty()) return refuse(key, "a list of texts");
      found.push_back(value.get<std::string>());
    }
    return found;
  }
  Result<std::vector<std::string>> texts_or_nothing(const std::string& key) {
    if (find(key) == nullptr) return std::vector<std::string>();
    return texts(key);
  }
  Status finish() const {
    for (const auto& [key, value] : object_.items())
      if (!taken_.contains(key)) return fail(ErrorCode::manifest_invalid, "{}: unknown key \"{}\"", what_, key);
    return {};
  }
  const std::string& what() const { return what_; }
  const Json& object() const { return object_; }

 private:
  const Json& object_;
  std::string what_;
  std::set<std::string> taken_;
};

Result<ScoreLevel> level_of(const std::string& word, const std::string& what) {
  for (const ScoreLevel level : {ScoreLevel::frame, ScoreLevel::video})
    if (score_level_name(level) == word) return level;
  return fail(ErrorCode::manifest_invalid, "{}: level \"{}\", expected frame or video", what, word);
}

Result<Grade> grade_of(const std::string& word, const std::string& what) {
  for (const Grade grade : {Grade::paper, Grade::second_hand})
    if (grade_name(grade) == word) return grade;
  return fail(ErrorCode::manifest_invalid, "{}: grade \"{}\", expected paper or second-hand", what, word);
}

// Everything is printed in percent, ours and what was published: figures that are no shares have no place.
constexpr std::array kNoShares = {Metric::nll, Metric::error_correlation, Metric::cllr};

Result<Metric> metric_of(const std::string& word, const std::string& what) {
  auto metric = metric_by_name(word);
  if (!metric) return fail(ErrorCode::manifest_invalid, "{}: {}", what, metric.error().message);
  if (std::find(kNoShares.begin(), kNoShares.end(), *metric) != kNoShares.end())
    return fail(ErrorCode::manifest_invalid, "{}: metric \"{}\" is no share, and figures are in percent", what, word);
  return *metric;
}

template <class T>
Result<std::vector<T>> each(Fields& fields, const std::string& key,
                            const std::function<Result<T>(const Json&, const std::string&)>& read) {
  DFA_ASSIGN_OR_RETURN(const Json* values, fields.list(key));
  std::vector<T> all;
  for (std::size_t i = 0; i < values->size(); ++i) {
    DFA_ASSIGN_OR_RETURN(T one, read((*values)[i], fmt::format("{}, {}[{}]", fields.what(), key, i)));
    all.push_back(std::move(one));
  }
  return all;
}

Result<ProtocolData> read_data(const Json& json, const std::string& what) {
  Fields fields(json, what);
  DFA_TRY(fields.require_object());
  ProtocolData data;
  DFA_ASSIGN_OR_RETURN(data.name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(data.title, fields.text("title"));
  DFA_ASSIGN_OR_RETURN(data.layout, fields.text("layout"));
  DFA_ASSIGN_OR_RETURN(data.options, fields.text_or_nothing("options"));
  DFA_ASSIGN_OR_RETURN(data.sets, fields.texts("sets"));
  DFA_ASSIGN_OR_RETURN(data.compression, fields.text_or_nothing("compression"));
  DFA_ASSIGN_OR_RETURN(data.real_class, fields.text_or_nothing("real_class"));
  DFA_ASSIGN_OR_RETURN(data.from, fields.text("from"));
  DFA_ASSIGN_OR_RETURN(data.counts, fields.text("counts"));
  if (data.sets.empty()) return fields.refuse("sets", "at least one name");
  DFA_TRY(fields.finish());
  return data;
}

Result<DataSelector> read_selector(const Json* json, const std::string& what) {
  static const Json kNothing;
  Fields fields(json == nullptr ? kNothing : *json, what);
  DFA_TRY(fields.require_object());
  DataSelector selector;
  DFA_ASSIGN_OR_RETURN(selector.data, fields.text("data"));
  DFA_ASSIGN_OR_RETURN(selector.methods, fields.texts_or_nothing("methods"));
  DFA_ASSIGN_OR_RETURN(selector.folder, fields.text_or_nothing("folder"));
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> roles, fields.texts("roles"));
  for (const std::string& word : roles) {
    const auto role = role_by_name(word);
    if (!role) return fail(ErrorCode::manifest_invalid, "{}: {}", what, role.error().message);
    selector.roles.push_back(*role);
  }
  if (const Json* videos = fields.find("videos"); videos != nullptr) {
    if (!videos->is_number_unsigned() || *videos == 0) return fields.refuse("videos", "a count above 0");
    selector.videos = videos->get<std::size_t>();
  }
  DFA_TRY(fields.finish());
  return selector;
}

Result<ProtocolRow> read_row(const Json& json, const std::string& what) {
  Fields fields(json, what);
  DFA_TRY(fields.require_object());
  ProtocolRow row;
  DFA_ASSIGN_OR_RETURN(row.name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(row.title, fields.text("title"));
  DFA_ASSIGN_OR_RETURN(row.data, fields.text("data"));
  DFA_ASSIGN_OR_RETURN(row.methods, fields.texts_or_nothing("methods"));
  DFA_ASSIGN_OR_RETURN(row.inferred, fields.texts_or_nothing("inferred"));
  if (row.name.find('=') != std::string::npos) return fields.refuse("name", "a name without '=' (ROW=FILE)");
  DFA_TRY(fields.finish());
  return row;
}

Result<ProtocolTest> read_test(const Json& json, const std::string& what) {
  Fields fields(json, what);
  DFA_TRY(fields.require_object());
  ProtocolTest test;
  DFA_ASSIGN_OR_RETURN(test.name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(test.title, fields.text("title"));
  DFA_ASSIGN_OR_RETURN(test.note, fields.text_or_nothing("note"));
  DFA_ASSIGN_OR_RETURN(test.reals, read_selector(fields.find("reals"), what + ", reals"));
  DFA_ASSIGN_OR_RETURN(test.fakes, read_selector(fields.find("fakes"), what + ", fakes"));
  DFA_TRY(fields.finish());
  return test;
}

Result<CellName> read_cell(const Json& json, const std::string& what) {
  if (!json.is_array() || json.size() != 2 || !json[0].is_string() || !json[1].is_string())
    return fail(ErrorCode::manifest_invalid, "{}: expected [\"row\", \"test\"]", what);
  return CellName{json[0].get<std::string>(), json[1].get<std::string>()};
}

Result<ProtocolAverage> read_average(const Json& json, const std::string& what) {
  Fields fields(json, what);
  DFA_TRY(fields.require_object());
  ProtocolAverage average;
  DFA_ASSIGN_OR_RETURN(average.name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(average.title, fields.text("title"));
  if (fields.find("cells") != nullptr) {
    DFA_ASSIGN_OR_RETURN(average.cells, each<CellName>(fields, "cells", read_cell));
  }
  DFA_TRY(fields.finish());
  return average;
}

bool is_percent(const Json& json) {
  return json.is_number() && json.get<double>() >= 0 && json.get<double>() <= kMostPercent;
}

// 71.7, or {"value" or "low" and "high", "deviation", "grade", "note"}.
Result<PublishedFigure> read_figure(const Json& json, const std::string& what) {
  PublishedFigure figure;
  if (is_percent(json)) {
    figure.value = json.get<double>();
    return figure;
  }
  Fields fields(json, what);
  DFA_TRY(fields.require_object());
  const bool range = fields.object().contains("low");
  const Json* value = fields.find(range ? "low" : "value");
  if (value == nullptr || !is_percent(*value)) return fields.refuse("value", "a percentage");
  figure.value = value->get<double>();
  if (range) {
    const Json* high = fields.find("high");
    if (high == nullptr || !is_percent(*high) || *high < *value) return fields.refuse("high", "a percentage above low");
    figure.to = high->get<double>();
  }
  if (const Json* deviation = fields.find("deviation"); deviation != nullptr) {
    if (!is_percent(*deviation)) return fields.refuse("deviation", "a number of points");
    figure.deviation = deviation->get<double>();
  }
  if (fields.find("grade") != nullptr) {
    DFA_ASSIGN_OR_RETURN(const std::string grade, fields.text("grade"));
    DFA_ASSIGN_OR_RETURN(figure.grade, grade_of(grade, what));
  }
  DFA_ASSIGN_OR_RETURN(figure.note, fields.text_or_nothing("note"));
  DFA_TRY(fields.finish());
  return figure;
}

Status read_values(Fields& fields, PublishedRow& row) {
  const Json* values = fields.find("values");
  if (values == nullptr || !values->is_object()) return fields.refuse("values", "{row: {test: figure}}");
  for (const auto& [from, tests] : values->items()) {
    if (!tests.is_object()) return fields.refuse("values", "{row: {test: figure}}");
    for (const auto& [to, figure] : tests.items()) {
      DFA_ASSIGN_OR_RETURN(row.cells[(CellName{from, to})],
                           read_figure(figure, fmt::format("{}, values, {}, {}", fields.what(), from, to)));
    }
  }
  const Json* averages = fields.find("averages");
  if (averages == nullptr) return {};
  if (!averages->is_object()) return fields.refuse("averages", "{average: figure}");
  for (const auto& [name, figure] : averages->items()) {
    DFA_ASSIGN_OR_RETURN(row.averages[name], read_figure(figure, fmt::format("{}, averages, {}", fields.what(), name)));
  }
  return {};
}

Result<PublishedRow> read_published(const Json& json, const std::string& what) {
  Fields fields(json, what);
  DFA_TRY(fields.require_object());
  PublishedRow row;
  DFA_ASSIGN_OR_RETURN(row.method, fields.text("method"));
  DFA_ASSIGN_OR_RETURN(const std::string grade, fields.text("grade"));
  DFA_ASSIGN_OR_RETURN(row.grade, grade_of(grade, what));
  DFA_ASSIGN_OR_RETURN(const std::string level, fields.text("level"));
  DFA_ASSIGN_OR_RETURN(row.level, level_of(level, what));
  DFA_ASSIGN_OR_RETURN(const std::string metric, fields.text("metric"));
  DFA_ASSIGN_OR_RETURN(row.metric, metric_of(metric, what));
  DFA_ASSIGN_OR_RETURN(row.inferred, fields.texts_or_nothing("inferred"));
  DFA_ASSIGN_OR_RETURN(row.source, fields.text_or_nothing("source"));
  DFA_ASSIGN_OR_RETURN(row.note, fields.text_or_nothing("note"));
  DFA_TRY(read_values(fields, row));
  DFA_TRY(fields.finish());
  return row;
}

Status read_words(Fields& fields, Protocol& protocol) {
  const Json* version = fields.find("dfa_protocol");
  if (version == nullptr || *version != kVersion) return fields.refuse("dfa_protocol", "1");
  DFA_ASSIGN_OR_RETURN(protocol.name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(protocol.title, fields.text("title"));
  DFA_ASSIGN_OR_RETURN(protocol.source, fields.text("source"));
  DFA_ASSIGN_OR_RETURN(protocol.about, fields.text("about"));
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> levels, fields.texts("levels"));
  for (const std::string& word : levels) {
    DFA_ASSIGN_OR_RETURN(const ScoreLevel level, level_of(word, fields.what()));
    protocol.levels.push_back(level);
  }
  DFA_ASSIGN_OR_RETURN(const std::vector<std::string> metrics, fields.texts("metrics"));
  for (const std::string& word : metrics) {
    DFA_ASSIGN_OR_RETURN(const Metric metric, metric_of(word, fields.what()));
    protocol.metrics.push_back(metric);
  }
  DFA_ASSIGN_OR_RETURN(protocol.differences, fields.texts("differences"));
  if (protocol.levels.empty()) return fields.refuse("levels", "at least one");
  if (protocol.metrics.empty()) return fields.refuse("metrics", "at least one");
  return {};
}

template <class T>
bool has_name(const std::vector<T>& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const T& one) { return one.name == name; });
}

// Whether every name that is used is one that the protocol has, and none is given twice.
class NameCheck {
 public:
  NameCheck(const Protocol& protocol, std::string what) : protocol_(protocol), what_(std::move(what)) {}

  Status run() const {
    DFA_TRY(unique(protocol_.data, "data"));
    DFA_TRY(unique(protocol_.rows, "rows"));
    DFA_TRY(unique(protocol_.tests, "tests"));
    DFA_TRY(unique(protocol_.averages, "averages"));
    for (const ProtocolRow& row : protocol_.rows) DFA_TRY(data(row.data));
    for (const ProtocolTest& test : protocol_.tests) {
      DFA_TRY(data(test.reals.data));
      DFA_TRY(data(test.fakes.data));
    }
    for (const CellName& cell : protocol_.cells) {
      if (!has_name(protocol_.rows, cell.row)) return unknown("row", cell.row);
      if (!has_name(protocol_.tests, cell.test)) return unknown("test", cell.test);
    }
    for (const ProtocolAverage& average : protocol_.averages)
      for (const CellName& one : average.cells) DFA_TRY(cell(one));
    for (const PublishedRow& row : protocol_.published) DFA_TRY(published(row));
    return {};
  }

 private:
  tl::unexpected<Error> unknown(std::string_view kind, std::string_view name) const {
    return fail(ErrorCode::manifest_invalid, "{}: there is no {} \"{}\"", what_, kind, name);
  }
  Status data(std::string_view name) const {
    if (!has_name(protocol_.data, name)) return unknown("data", name);
    return {};
  }
  Status cell(const CellName& name) const {
    if (std::find(protocol_.cells.begin(), protocol_.cells.end(), name) == protocol_.cells.end())
      return unknown("cell", name.row + "->" + name.test);
    return {};
  }
  Status published(const PublishedRow& row) const {
    for (const auto& [name, figure] : row.cells) DFA_TRY(cell(name));
    for (const auto& [name, figure] : row.averages)
      if (!has_name(protocol_.averages, name)) return unknown("average", name);
    const auto& [levels, metrics] = std::tie(protocol_.levels, protocol_.metrics);
    if (std::find(levels.begin(), levels.end(), row.level) == levels.end() ||
        std::find(metrics.begin(), metrics.end(), row.metric) == metrics.end())
      return fail(ErrorCode::manifest_invalid, "{}: {} was published at a level or by a metric that is not printed",
                  what_, row.method);
    return {};
  }
  template <class T>
  Status unique(const std::vector<T>& list, std::string_view key) const {
    std::set<std::string_view> seen;
    for (const T& one : list)
      if (!seen.insert(one.name).second)
        return fail(ErrorCode::manifest_invalid, "{}: {} has \"{}\" twice", what_, key, one.name);
    return {};
  }

  const Protocol& protocol_;
  const std::string what_;
};

// Parses with a bound on depth, and refuses keys that are given twice.
Result<Json> parse_json(std::string_view text, const std::string& what) {
  std::vector<std::set<std::string>> keys;
  std::string fault;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth && fault.empty()) fault = "is nested too deeply";
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second && fault.empty())
      fault = "gives the key \"" + parsed.get<std::string>() + "\" twice";
    return fault.empty();
  };
  Json json = Json::parse(text, watch, false);
  if (fault.empty() && !json.is_object()) fault = "is no JSON object";
  if (!fault.empty()) return fail(ErrorCode::manifest_invalid, "{}: {}", what, fault);
  return json;
}

}  // namespace

std::string_view score_level_name(ScoreLevel level) {
  return level == ScoreLevel::frame ? "frame" : "video";
}

std::string_view grade_name(Grade grade) {
  return grade == Grade::paper ? "paper" : "second-hand";
}

std::string cell_title(const CellName& cell) {
  return cell.row == cell.test ? cell.row : cell.row + "->" + cell.test;
}

const ProtocolData& Protocol::data_named(std::string_view wanted) const {
  return *std::find_if(data.begin(), data.end(), [&](const ProtocolData& one) { return one.name == wanted; });
}

const ProtocolTest& Protocol::test_named(std::string_view wanted) const {
  return *std::find_if(tests.begin(), tests.end(), [&](const ProtocolTest& one) { return one.name == wanted; });
}

Result<Protocol> parse_protocol(std::string_view text, std::string_view what_it_is) {
  const std::string what(what_it_is);
  DFA_ASSIGN_OR_RETURN(const Json json, parse_json(text, what));
  Fields fields(json, what);
  Protocol protocol;
  DFA_TRY(read_words(fields, protocol));
  DFA_ASSIGN_OR_RETURN(protocol.data, each<ProtocolData>(fields, "data", read_data));
  DFA_ASSIGN_OR_RETURN(protocol.rows, each<ProtocolRow>(fields, "rows", read_row));
  DFA_ASSIGN_OR_RETURN(protocol.tests, each<ProtocolTest>(fields, "tests", read_test));
  if (fields.find("cells") != nullptr) {
    DFA_ASSIGN_OR_RETURN(protocol.cells, each<CellName>(fields, "cells", read_cell));
  } else {
    for (const ProtocolRow& row : protocol.rows)
      for (const ProtocolTest& test : protocol.tests) protocol.cells.push_back({row.name, test.name});
  }
  DFA_ASSIGN_OR_RETURN(protocol.averages, each<ProtocolAverage>(fields, "averages", read_average));
  for (ProtocolAverage& average : protocol.averages)
    if (average.cells.empty()) average.cells = protocol.cells;
  DFA_ASSIGN_OR_RETURN(protocol.published, each<PublishedRow>(fields, "published", read_published));
  DFA_TRY(fields.finish());
  DFA_TRY(NameCheck(protocol, what).run());
  return protocol;
}

}  // namespace dfa
