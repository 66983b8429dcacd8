// What `dfa calibrate` measured about a model, as the model file carries it (`dfa.calibration`).
//
// Two levels, never mixed: the temperature is fitted on *crops* (their logits); thresholds, abstention band and
// likelihood ratio are measured on *items*: a video's mean p_fake over its crops, or a still picture's only crop.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dfa {

// 95 % limits of a share.
struct ShareInterval {
  double low = 0;
  double high = 0;
};

// Items from `threshold` up are called fake.
struct Threshold {
  std::string name;  // "fpr1", "fpr5"
  double threshold = 0;
  double measured_fpr = 0;                         // share of the set's real items at or above it
  double measured_tpr = 0;                         // share of the set's fake items at or above it
  std::optional<ShareInterval> fpr_interval = {};  // absent in files of version 1
  std::optional<ShareInterval> tpr_interval = {};
};

// What the set could not support: "temperature", "fpr1", "fpr5", "likelihood_ratio" or "abstain", and why.
struct UnsupportedPart {
  std::string name;
  std::string reason;
};

// From an item's p_fake to the odds of fake that the calibration set showed there.
enum class EvidenceMap { logistic, isotonic };

// A step of the isotonic map; linear between points, constant beyond the first and the last.
struct EvidencePoint {
  double p_fake = 0;
  double posterior = 0;  // share of fakes, at the set's own mix of real and fake
};

// ln LR = ln(posterior odds) - prior_log_odds, then held within [lowest, highest].
struct Evidence {
  EvidenceMap map = EvidenceMap::logistic;
  double slope = 1;  // logistic: ln(posterior odds) = slope * ln(p / (1 - p)) + offset
  double offset = 0;
  std::vector<EvidencePoint> points = {};  // isotonic; rising p_fake, posterior never falling
  double prior_log_odds = 0;               // ln(fakes / reals) of the set's items
  double lowest = 1;                       // LR below this is not supported by so few fakes
  double highest = 1;                      // LR above this is not supported by so few reals
  double cllr = 0;                         // of these LRs on the set itself, in bits
  double cllr_min = 0;                     // of the best monotone map on the set
};

// At even prior odds the verdict "real" errs more often than `error` from p_fake `low` up, the verdict "fake" below
// p_fake `high`: there the verdict is "inconclusive".
struct AbstainBand {
  double error = 0;
  double low = 0;
  std::optional<double> high = {};  // nothing: no score is high enough
};

// How one figure changed, on the set itself.
struct CalibrationFigure {
  std::string level;   // "frame" or "video"
  std::string metric;  // a name of the metric registry
  double before = 0;   // at temperature 1
  double after = 0;
};

struct ReliabilityPoint {
  double mean_p_fake = 0;
  double share_fake = 0;
  long count = 0;
};

struct Calibration {
  double temperature = 1;
  std::vector<Threshold> thresholds = {};
  std::string set = {};  // name of the calibration set
  long reals = 0;        // items
  long fakes = 0;
  std::string date = {};
  // From here on absent in files of version 1.
  std::string role = {};  // of the manifest's crops
  std::string manifest_sha256 = {};
  std::vector<std::string> stamps = {};  // what a reader must know before he believes a number: "calibrated on test"
  long real_crops = 0;
  long fake_crops = 0;
  std::vector<UnsupportedPart> left_out = {};
  std::optional<Evidence> evidence = {};
  std::optional<AbstainBand> abstain = {};
  std::vector<CalibrationFigure> figures = {};
  std::vector<ReliabilityPoint> frame_reliability = {};  // after calibration, bins of equal width
  std::vector<ReliabilityPoint> video_reliability = {};

  // Nothing where the set supported it.
  const UnsupportedPart* why_left_out(std::string_view name) const;
};

inline const UnsupportedPart* Calibration::why_left_out(std::string_view name) const {
  for (const UnsupportedPart& one : left_out)
    if (one.name == name) return &one;
  return nullptr;
}

}  // namespace dfa
