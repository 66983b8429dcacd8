#include "score/operating_point.hpp"

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

Result<OperatingPoint> named_point(std::string_view name, const Calibration& calibration) {
  for (const Threshold& threshold : calibration.thresholds)
    if (threshold.name == name)
      return OperatingPoint{std::string(name), threshold.threshold, threshold.measured_fpr, threshold.measured_tpr,
                            calibration.set};
  return fail(ErrorCode::model_incompatible,
              "the model's calibration has no operating point {}\n  next step: give another one, or a threshold "
              "between 0 and 1",
              name);
}

Result<OperatingPoint> custom_point(std::string_view asked) {
  double threshold = 0;
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), threshold);
  // Written so that NaN fails.
  const bool inside = threshold > 0 && threshold < 1;
  if (error != std::errc() || end != asked.data() + asked.size() || !inside)
    return fail(ErrorCode::usage, "operating point \"{}\": expected fpr1, fpr5 or a threshold between 0 and 1", asked);
  return OperatingPoint{std::string(kCustom), threshold, std::nullopt, std::nullopt, std::nullopt};
}

}  // namespace

std::optional<double> p_fake_from_logits(std::span<const float> logits, double temperature) {
  const double difference = (static_cast<double>(logits[0]) - static_cast<double>(logits[1])) / temperature;
  if (!std::isfinite(difference)) return std::nullopt;
  return 1.0 / (1.0 + std::exp(difference));
}

Result<OperatingPoint> choose_operating_point(std::string_view asked, const std::optional<Calibration>& calibration) {
  if (!asked.empty() && !is_name(asked)) return custom_point(asked);
  if (calibration) return named_point(asked.empty() ? kDefaultPoint : asked, *calibration);
  if (asked.empty())
    return OperatingPoint{std::string(kNotValidated), std::nullopt, std::nullopt, std::nullopt, std::nullopt};
  return fail(
      ErrorCode::model_incompatible,
      "operating point {} was asked for, but this model was never calibrated: it has no threshold with a measured "
      "error rate\n  next step: leave --operating-point out, or give a threshold of your own between 0 and 1",
      asked);
}

Verdict verdict_at(const OperatingPoint& point, double p_fake) {
  if (!point.threshold) return Verdict::inconclusive;
  return p_fake >= *point.threshold ? Verdict::fake : Verdict::real;
}

std::string operating_point_text(const OperatingPoint& point) {
  if (!point.threshold)
    return "not validated: this model has no calibrated threshold, so no verdict is given and p_fake is no error rate";
  if (!point.calibrated_on)
    return fmt::format("threshold {:g} given by the caller, not validated: its error rates are unknown",
                       *point.threshold);
  return fmt::format(
      "{}: fake from p_fake {:.3f} up; measured on {}: {:.1f} % of real called fake, {:.1f} % of fakes found",
      point.name, *point.threshold, *point.calibrated_on, 100 * point.expected_fpr.value_or(0),
      100 * point.expected_tpr.value_or(0));
}

}  // namespace dfa
