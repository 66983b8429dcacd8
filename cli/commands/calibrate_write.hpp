// A calibration as text and JSON, and the model file that carries it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "eval/calibrate.hpp"
#include "model/model.hpp"

namespace dfa::cli {

// What a run of the command has come to.
struct CalibrateReport {
  std::string source;      // of the scores: the manifest, or the file of scores
  std::string model_name;  // before calibration
  std::string model_sha256;
  std::size_t crops = 0;       // of the role
  std::size_t unlabelled = 0;  // among them: not used
  std::size_t unscored = 0;    // among them: unreadable or of another size
  CalibrationOutcome outcome;
  std::string written;  // path of the new model file
  std::string written_sha256;
};

// Writes `model` to `path`, its weights as they are; returns the file's hash. Equal models give equal bytes. Errors:
// those of save_model() and load_model().
Result<std::string> write_calibrated(const Model& model, const std::filesystem::path& path);

std::string calibrate_text(const CalibrateReport& report);
std::string calibrate_json(const CalibrateReport& report, const Model& model);

}  // namespace dfa::cli
