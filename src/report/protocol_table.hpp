// A protocol's figures of one level and metric as a table of words. Private to the room.
#pragma once

#include <string>
#include <vector>

#include "eval/protocol_run.hpp"

namespace dfa {

enum class TableRowKind { ours, published };

struct ProtocolTableRow {
  TableRowKind kind = TableRowKind::ours;
  std::string name;                // "ours", "ours, 95 % low", the method
  std::string grade;               // of published rows: "paper", "second-hand", with "*" where something was inferred
  std::vector<std::string> cells;  // as many as columns; "-" where there is no figure
};

struct ProtocolTable {
  ScoreLevel level = ScoreLevel::frame;
  Metric metric = Metric::auc;
  std::vector<std::string> columns;  // cells, then averages
  std::vector<ProtocolTableRow> rows;
};

inline constexpr std::string_view kNoFigure = "-";

// One table a level and metric of the protocol, in percent with two decimals.
std::vector<ProtocolTable> protocol_tables(const ProtocolResult& result);
// More columns than rows, and more than a screen holds: a line a cell is easier to read.
bool is_better_turned(const ProtocolTable& table);
// "frame AUC, %"
std::string table_title(const ProtocolTable& table);
// One decimal, two where the source has them: 71.7, 99.57.
std::string published_number(double percent);
// 71.7, 87.0-87.1, 83.7+-0.6
std::string published_text(const PublishedFigure& figure);

// Sentences below the tables.
std::vector<std::string> gap_lines(const ProtocolResult& result);
std::vector<std::string> note_lines(const ProtocolResult& result);       // on our cells
std::vector<std::string> published_lines(const ProtocolResult& result);  // on what was published: grades, sources

}  // namespace dfa
