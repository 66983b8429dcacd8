#include "score/operating_point.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace dfa {
namespace {

constexpr std::string_view kDefaultPoint = "fpr5";
constexpr std::string_view kNotValidated = "not validated";
constexpr std::string_view kCustom = "custom";

bool is_name(std::string_view asked) {
  return asked == "fpr1" || asked == "fpr5";
}

OperatingPoint without_threshold(std::string why) {
  OperatingPoint point;
  point.name = kNotValidated;
  point.why_no_threshold = std::move(why);
  return point;
}

// What holds at every point of a calibrated model.
void add_evidence(OperatingPoint& point, const Calibration& calibration) {
  point.evidence = calibration.evidence;
  point.stamps = calibration.stamps;
}

OperatingPoint point_of(const Threshold& threshold, const Calibration& calibration) {
  OperatingPoint point;
  point.name = threshold.name;
  point.threshold = threshold.threshold;
  point.expected_fpr = threshold.measured_fpr;
  point.expected_tpr = threshold.measured_tpr;
  point.calibrated_on = calibration.set;
  point.expected_fpr_interval = threshold.fpr_interval;
  point.expected_tpr_interval = threshold.tpr_interval;
  point.abstain = calibration.abstain;
  return point;
}

Result<OperatingPoint> named_point(std::string_view name, const Calibration& calibration) {
  for (const Threshold& threshold : calibration.thresholds)
    if (threshold.name == name) return point_of(threshold, calibration);
  const UnsupportedPart* left_out = calibration.why_left_out(name);
  return fail(ErrorCode::model_incompatible,
              "the model's calibration has no operating point {}{}{}\n  next step: give another one, or a threshold "
              "between 0 and 1",
              name, left_out != nullptr ? ": " : "", left_out != nullptr ? left_out->reason : "");
}

Result<OperatingPoint> calibrated_point(std::string_view asked, const Calibration& calibration) {
  const UnsupportedPart* left_out = asked.empty() ? calibration.why_left_out(kDefaultPoint) : nullptr;
  if (left_out != nullptr)
    return without_threshold(
        fmt::format("{} was left out of the calibration on {}: {}", kDefaultPoint, calibration.set, left_out->reason));
  return named_point(asked.empty() ? kDefaultPoint : asked, calibration);
}

Result<OperatingPoint> custom_point(std::string_view asked) {
  double threshold = 0;
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), threshold);
  // Written so that NaN fails.
  const bool inside = threshold > 0 && threshold < 1;
  if (error != std::errc() || end != asked.data() + asked.size() || !inside)
    return fail(ErrorCode::usage, "operating point \"{}\": expected fpr1, fpr5 or a threshold between 0 and 1", asked);
  OperatingPoint point;
  point.name = kCustom;
  point.threshold = threshold;
  return point;
}

std::string share_text(double share, const std::optional<ShareInterval>& interval) {
  if (!interval) return fmt::format("{:.1f} %", 100 * share);
  return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100 * share, 100 * interval->low, 100 * interval->high);
}

std::string stamps_text(const OperatingPoint& point) {
  return point.stamps.empty() ? std::string() : fmt::format("; STAMPED: {}", fmt::join(point.stamps, "; "));
}

std::string abstain_text(const OperatingPoint& point) {
  if (!point.abstain || !point.threshold) return {};
  const double low = std::min(*point.threshold, point.abstain->low);
  const double high = std::max(*point.threshold, point.abstain->high.value_or(1));
  if (!(low < high)) return {};
  return fmt::format(
      "; inconclusive from {:.3f} to {:.3f}, where a verdict would err in more than {:.0f} % at even odds", low, high,
      100 * point.abstain->error);
}

}  // namespace

std::optional<double> p_fake_from_logits(std::span<const float> logits, double temperature) {
  const double difference = (static_cast<double>(logits[0]) - static_cast<double>(logits[1])) / temperature;
  if (!std::isfinite(difference)) return std::nullopt;
  return 1.0 / (1.0 + std::exp(difference));
}

Result<OperatingPoint> choose_operating_point(std::string_view asked, const std::optional<Calibration>& calibration) {
  const bool custom = !asked.empty() && !is_name(asked);
  if (!custom && !calibration) {
    if (asked.empty()) return without_threshold({});
    return fail(
        ErrorCode::model_incompatible,
        "operating point {} was asked for, but this model was never calibrated: it has no threshold with a measured "
        "error rate\n  next step: leave --operating-point out, or give a threshold of your own between 0 and 1",
        asked);
  }
  DFA_ASSIGN_OR_RETURN(OperatingPoint point, custom ? custom_point(asked) : calibrated_point(asked, *calibration));
  if (calibration) add_evidence(point, *calibration);
  return point;
}

Verdict verdict_at(const OperatingPoint& point, double p_fake) {
  if (!point.threshold) return Verdict::inconclusive;
  const bool fake = p_fake >= *point.threshold;
  if (point.abstain) {
    const bool high_enough = point.abstain->high && p_fake >= *point.abstain->high;
    const bool in_doubt = fake ? !high_enough : p_fake >= point.abstain->low;
    if (in_doubt) return Verdict::inconclusive;
  }
  return fake ? Verdict::fake : Verdict::real;
}

std::string operating_point_text(const OperatingPoint& point) {
  if (!point.threshold && point.why_no_threshold.empty())
    return "not validated: this model has no calibrated threshold, so no verdict is given and p_fake is no error rate";
  if (!point.threshold)
    return fmt::format("not validated, so no verdict is given: {}{}", point.why_no_threshold, stamps_text(point));
  if (!point.calibrated_on)
    return fmt::format("threshold {:g} given by the caller, not validated: its error rates are unknown{}",
                       *point.threshold, stamps_text(point));
  return fmt::format(
      "{}: fake from p_fake {:.3f} up; measured on {}: {} of real called fake, {} of fakes found{}{}", point.name,
      *point.threshold, *point.calibrated_on, share_text(point.expected_fpr.value_or(0), point.expected_fpr_interval),
      share_text(point.expected_tpr.value_or(0), point.expected_tpr_interval), abstain_text(point), stamps_text(point));
}

}  // namespace dfa
