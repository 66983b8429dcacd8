// A protocol as one HTML file, of the same make as an evaluation's page (evaluation_page.hpp): tables with ours above
// what others published, gaps with their reasons, curves of every cell that was run.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "eval/protocol_card.hpp"
#include "eval/protocol_run.hpp"
#include "report/protocol_format.hpp"

namespace dfa {

struct ProtocolPage {
  const ProtocolReport& report;
  const std::vector<CellScores>& scores;  // of the report's cells; those without one have no curves
  std::string command_line;               // as it was given; empty = not known
  std::vector<CardItem> versions;         // what made the page and on what: key and value in words
};

inline constexpr std::size_t kMostHeadlines = 6;    // figures at the top
inline constexpr std::size_t kMostCellsDrawn = 24;  // cells with charts of their own

std::string protocol_page_html(const ProtocolPage& page);

}  // namespace dfa
