// What a calibration set says about a model: temperature, thresholds, likelihood ratios, abstention band.
//
// The temperature is fitted on crops. Thresholds, likelihood ratios and band are measured on items, that is on the mean
// of a video's calibrated crop scores (a still picture is an item of one crop): what detect gives a verdict on, where
// one person is in the picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "eval/score_table.hpp"
#include "model/calibration.hpp"

namespace dfa {

// Crops that have a label and finite logits, in any order.
struct CalibrationSample {
  std::vector<double> margins;       // l1 - l0, at temperature 1
  std::vector<int> labels;           // 1 = fake, 0 = real
  std::vector<std::uint32_t> items;  // number of the crop's item, from 0 without gaps

  void add(double margin, int label, std::uint32_t item);
};

// The rows of `table` that have a label and a margin; items are its videos. Errors: manifest_invalid where scored rows
// have no margin: p_fake alone does not tell what the network said before another calibration.
Result<CalibrationSample> calibration_sample(const ScoreTable& table);

struct ItemScores {
  std::vector<double> p_fake;
  std::vector<int> labels;
};

// The mean of 1 / (1 + exp(-margin / T)) over each item's crops. A temperature never changes the order of crops, but it
// may change that of items. Requires one label an item.
ItemScores item_scores(const CalibrationSample& sample, double temperature);
std::vector<double> crop_scores(const CalibrationSample& sample, double temperature);

struct CalibrateOptions {
  EvidenceMap map = EvidenceMap::logistic;
  std::optional<double> abstain_error = 0.2;  // nothing: no band
};

// What the band does at one threshold, on the set itself.
struct BandEffect {
  std::string point;
  double error_without = 0;          // share of wrong verdicts, without a band
  double coverage = 0;               // share of items that still get a verdict
  std::optional<double> error_with;  // share of wrong ones among these; nothing where there are none
};

struct CalibrationOutcome {
  // All that the numbers say. Name and hash of the set, role, stamps and date are the caller's to add.
  Calibration calibration;
  std::vector<BandEffect> band;
  double crop_auc = 0;  // no temperature changes it
  double item_auc_before = 0;
  double item_auc_after = 0;
};

// What the set does not support is left out with its reason (Calibration::left_out). Equal samples give equal outcomes.
// Errors: manifest_invalid where a class is missing, an item has two labels, items of fakes do not score higher than
// those of reals (flipped labels?), or nothing at all could be fitted.
Result<CalibrationOutcome> calibrate(const CalibrationSample& sample, const CalibrateOptions& options);

}  // namespace dfa
