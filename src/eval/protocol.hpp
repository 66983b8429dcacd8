// A protocol as data: which models are tested on which data sets, by which figures, and what others have published for
// the same cells. protocols/*.json holds ours (schema: protocols/schema.json); they are inside the program, and a file
// of the same form can be given instead.
#pragma once

#include <compare>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "eval/metric.hpp"

namespace dfa {

enum class ScoreLevel { frame, video };
std::string_view score_level_name(ScoreLevel level);

// Where a published figure was read: by its authors, or in somebody else's table.
enum class Grade { paper, second_hand };
std::string_view grade_name(Grade grade);  // "paper", "second-hand"

// A data set that a protocol needs, and how it is got.
struct ProtocolData {
  std::string name;
  std::string title;
  std::string layout;             // for `dfa prepare`
  std::string options;            // of `dfa prepare`, beyond the layout
  std::vector<std::string> sets;  // what manifests and score files may call it; the first is what `dfa prepare` writes
  std::string compression;        // "raw", "c23", "c40"; empty: the set has no levels
  std::string real_class;         // of DeeperForensics-1.0: "authors", "source-videos"; empty elsewhere
  std::string from;               // where to get it, in words
  std::string counts;             // how much there is, in words
};

// The part of a data set that serves as one class of a test.
struct DataSelector {
  std::string data;                   // a name of Protocol::data
  std::vector<std::string> methods;   // of forgery, any of these; empty: all
  std::vector<Role> roles;            // any of these
  std::string folder;                 // that must be on the path; empty: any
  std::optional<std::size_t> videos;  // how many the whole set has of these; nothing: not known
};

struct ProtocolRow {  // one model
  std::string name;
  std::string title;
  std::string data;                   // what it is trained on
  std::vector<std::string> methods;   // of forgery, of that
  std::vector<std::string> inferred;  // what of this was not stated by the source: "compression"
};

struct ProtocolTest {
  std::string name;
  std::string title;
  DataSelector reals, fakes;
  std::string note;
};

struct CellName {
  std::string row, test;
  auto operator<=>(const CellName&) const = default;  // NOLINT(modernize-use-nullptr): it sees a 0 that is not written
};
std::string cell_title(const CellName& cell);  // "DF->CDF"; "DF" where both are called so

struct ProtocolAverage {
  std::string name;
  std::string title;
  std::vector<CellName> cells;
};

// In percent, as printed. Either a value or a range.
struct PublishedFigure {
  double value = 0;  // of a range: its lower end
  std::optional<double> to;
  std::optional<double> deviation;  // over seeds
  std::optional<Grade> grade;       // where it differs from its row's
  std::string note;
};

struct PublishedRow {
  std::string method;
  Grade grade = Grade::paper;
  ScoreLevel level = ScoreLevel::frame;
  Metric metric = Metric::auc;
  std::vector<std::string> inferred;  // what the source does not state: "level", "metric", "compression"
  std::string source;                 // where it differs from the protocol's
  std::string note;
  std::map<CellName, PublishedFigure> cells;
  std::map<std::string, PublishedFigure> averages;  // by name
};

struct Protocol {
  std::string name;
  std::string title;
  std::string source;
  std::string about;
  std::vector<ScoreLevel> levels;  // the first is the headline
  std::vector<Metric> metrics;
  std::vector<ProtocolData> data;
  std::vector<ProtocolRow> rows;
  std::vector<ProtocolTest> tests;
  std::vector<CellName> cells;  // row by row
  std::vector<ProtocolAverage> averages;
  std::vector<PublishedRow> published;
  std::vector<std::string> differences;  // from what was published, in words

  // Requires the name to be one of this protocol, as parse_protocol() has made sure.
  const ProtocolData& data_named(std::string_view data) const;
  const ProtocolTest& test_named(std::string_view test) const;
};

// `what` names the text in messages. Errors: manifest_invalid for text that is no protocol: unknown or missing keys,
// names that nothing has, figures of cells that the protocol lacks.
Result<Protocol> parse_protocol(std::string_view json, std::string_view what);

// Names of the protocols inside the program, in the order of the documentation.
std::vector<std::string> protocol_names();
// One of these by name, or that of a file. Errors: usage (with the nearest name), file_not_found, file_unreadable,
// limit_exceeded, those of parse_protocol().
Result<Protocol> find_protocol(const std::string& name_or_file);

}  // namespace dfa
