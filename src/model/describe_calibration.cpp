#include <cmath>

#include "model/describe.hpp"

namespace dfa {
namespace {

std::string interval_text(const std::optional<ShareInterval>& interval) {
  return interval ? fmt::format(" [{:.4f}, {:.4f}]", interval->low, interval->high) : std::string();
}

std::string set_text(const Calibration& calibration) {
  if (calibration.role.empty())
    return fmt::format("on {} ({} real, {} fake, {})", calibration.set, calibration.reals, calibration.fakes,
                       calibration.date);
  return fmt::format("on {}, role {} ({} real and {} fake items; {} and {} crops; {})", calibration.set,
                     calibration.role, calibration.reals, calibration.fakes, calibration.real_crops,
                     calibration.fake_crops, calibration.date);
}

std::string evidence_text(const Evidence& evidence) {
  const std::string map = evidence.map == EvidenceMap::logistic
                              ? fmt::format("logistic, slope {:.4g}, offset {:.4g}", evidence.slope, evidence.offset)
                              : fmt::format("isotonic, {} points", evidence.points.size());
  return fmt::format(
      "\nlikelihood ratio of items: {}; set's odds {:.4g} taken off; held within 1/{:.0f} and {:.0f}; "
      "Cllr {:.4f} bits on the set, {:.4f} at best",
      map, std::exp(evidence.prior_log_odds), 1 / evidence.lowest, evidence.highest, evidence.cllr, evidence.cllr_min);
}

std::string abstain_text(const AbstainBand& band) {
  return fmt::format(
      "\ninconclusive where a verdict would err in more than {:g} % at even odds: real from p_fake "
      "{:.4f} up, fake {}",
      100 * band.error, band.low, band.high ? fmt::format("below {:.4f}", *band.high) : "everywhere");
}

}  // namespace

std::string calibration_text(const Calibration& calibration) {
  std::string text = fmt::format("temperature {:.4g}, {}", calibration.temperature, set_text(calibration));
  for (const Threshold& threshold : calibration.thresholds)
    text += fmt::format("\n{}: p_fake above {:.4f}, measured FPR {:.4f}{}, TPR {:.4f}{}", threshold.name,
                        threshold.threshold, threshold.measured_fpr, interval_text(threshold.fpr_interval),
                        threshold.measured_tpr, interval_text(threshold.tpr_interval));
  if (calibration.evidence) text += evidence_text(*calibration.evidence);
  if (calibration.abstain) text += abstain_text(*calibration.abstain);
  for (const UnsupportedPart& one : calibration.left_out)
    text += fmt::format("\n{}: left out: {}", one.name, one.reason);
  for (const CalibrationFigure& figure : calibration.figures)
    text +=
        fmt::format("\n{} {}: {:.4f} before, {:.4f} after", figure.level, figure.metric, figure.before, figure.after);
  for (const std::string& stamp : calibration.stamps) text += fmt::format("\nSTAMPED: {}", stamp);
  return text;
}

}  // namespace dfa
