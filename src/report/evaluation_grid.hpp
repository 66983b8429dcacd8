// An evaluation as tables of words: what the text, Markdown and LaTeX forms have in common. Private to the room.
#pragma once

#include <string>
#include <vector>

#include "report/evaluation_format.hpp"

namespace dfa {

struct Grid {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // as many cells as columns
  std::vector<std::string> notes;
};

// "0.8420 [0.8010, 0.8770]", or "undefined (a class is missing)".
std::string value_words(const MetricValue& value);
std::string cell_words(const ReportCell& cell);

// "video AUC 0.8420 [0.8010, 0.8770] (coverage 512/518, 98.8 %)", and the same of frames.
std::vector<std::string> evaluation_headlines(const EvaluationReport& report);
// "model.dfa on a.jsonl, role test".
std::string evaluation_subject(const EvaluationReport& report);
// Groups beside each other; every metric of all inputs; outcomes by class; then the report's own tables.
std::vector<Grid> evaluation_grids(const EvaluationReport& report);

}  // namespace dfa
