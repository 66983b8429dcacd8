// The tables of an evaluation's page, as HTML.
#pragma once

#include <string>

#include "report/evaluation_page.hpp"

namespace dfa {

// "0.9312" or "undefined"; "[0.9101, 0.9502]", with * where the interval says too little, or nothing.
std::string value_text(const MetricValue& value);
std::string interval_text(const MetricValue& value);
std::string figure_text(const MetricValue& value);  // both on one line

// Every metric, frame and video.
std::string metrics_table(const Evaluation& evaluation);
// A row a method or set, with their average below.
std::string groups_table(const std::string& title, const std::map<std::string, Figures>& groups,
                         const AverageFigures& average);
// Inputs by class and by what became of them.
std::string coverage_table(const Coverage& coverage);
// The first inputs without a score, and why.
std::string unscored_table(const ScoreTable& scores);
// A table beside the figures, as it is.
std::string report_table(const ReportTable& table);

}  // namespace dfa
