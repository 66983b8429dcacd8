// `dfa.calibration`. For this room and the one that exchanges models with other programs; others use calibration.hpp.
//
// Version 2 is what is written. Version 1 (no "version" key) held temperature, thresholds without intervals, set,
// counts and date; it is still read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/calibration.hpp"

namespace dfa {

inline constexpr int kCalibrationVersion = 2;
inline constexpr std::string_view kLogistic = "logistic", kIsotonic = "isotonic";  // EvidenceMap in the record

// Equal calibrations give equal text.
std::string calibration_json(const Calibration& calibration);

// Strict. Errors: model_incompatible (also for numbers that contradict each other: thresholds out of order, an interval
// without its share, an isotonic map that falls).
Result<Calibration> parse_calibration(std::string_view json);

}  // namespace dfa
