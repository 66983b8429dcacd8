// How far scores are from what happened, before and after calibration, on the set itself.
#pragma once

#include "eval/calibrate.hpp"

namespace dfa {

// Adds NLL, Brier, ECE (both), Cllr and AURC at temperature 1 and at the calibration's, for crops ("frame") and items
// ("video"), and the reliability of both after calibration. A metric that is undefined on the set is not added.
void add_figures(const CalibrationSample& sample, Calibration& calibration);

}  // namespace dfa
