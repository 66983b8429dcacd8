// report.html of a run folder: curves, warnings, deviations, data and configuration in one file that needs nothing
// else, no network and no script, and reads on light and dark screens.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/loop/epoch_metrics.hpp"
#include "train/loop/run_parts.hpp"

namespace dfa::train {

struct RunReport {
  const RunConfig& config;
  const std::vector<DataCount>& data;
  const std::string& manifest_sha256;
  const std::vector<EpochMetrics>& epochs;
};

inline constexpr const char* kReportFile = "report.html";

std::string run_report_html(const RunReport& report);
// Errors: file_unwritable.
Status write_run_report(const std::filesystem::path& folder, const RunReport& report);

}  // namespace dfa::train
