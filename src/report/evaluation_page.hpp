// An evaluation as one HTML file: needs nothing else, no network and no script; reads on light and dark screens, narrow
// ones, and paper; stays below 5 MB whatever was evaluated, since curves, lists and pictures are bounded.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "eval/score_table.hpp"
#include "report/evaluation_format.hpp"

namespace dfa {

struct EvaluationPage {
  const EvaluationReport& report;
  const ScoreTable& scores;
  std::string command_line;        // as it was given; empty = not known
  std::vector<CardItem> versions;  // what made the page and on what: key and value in words
  // Of a row of the scores: a picture as data URI, or empty where there is none. May be empty.
  std::function<std::string(std::size_t)> thumbnail;
};

inline constexpr std::size_t kMostErrorsShown = 12;    // of each class
inline constexpr std::size_t kMostUnscoredShown = 50;  // inputs
inline constexpr std::size_t kMostGroupsShown = 200;   // rows of a table of methods or sets
inline constexpr std::size_t kMostTableRows = 1000;    // of a report's other tables
inline constexpr std::size_t kMostHistograms = 24;     // methods

// Requires: has_figures(page.report).
std::string evaluation_page_html(const EvaluationPage& page);

}  // namespace dfa
