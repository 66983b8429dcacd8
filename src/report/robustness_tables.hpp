// Robustness and transfer as tables of an evaluation report.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/metric.hpp"
#include "eval/robustness.hpp"
#include "eval/robustness_transfer.hpp"
#include "report/evaluation_format.hpp"

namespace dfa {

// "robustness": a row for clean, for each code at each level, and mean and drop of each code and of all; the metrics at
// video and frame level. "robustness_published", where all seven codes of deeperforensics were asked for at all five
// levels: ours beside what others have published.
std::vector<ReportTable> robustness_tables(const Robustness& robustness, std::span<const Metric> metrics);

// "transfer": before, after and the drop, over all videos and over the common ones. "transfer_published": others'
// figures. `from` and `to`: names of the two sides.
std::vector<ReportTable> transfer_tables(const Transfer& transfer, const std::string& from, const std::string& to,
                                         std::span<const Metric> metrics);

}  // namespace dfa
