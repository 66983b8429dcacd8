#include "eval/polarity.hpp"

#include <fmt/format.h>

namespace dfa {
namespace {

constexpr double kChance = 0.5;

void warn(std::string_view name, std::string_view level, const LevelFigures& figures,
          std::vector<std::string>& warnings) {
  const MetricValue& auc = figures.of(Metric::auc);
  if (!auc.interval || auc.interval->value >= kChance) return;
  if (figures.reals < kPolarityItems || figures.fakes < kPolarityItems) return;
  warnings.push_back(fmt::format(
      "polarity: {}: {} AUC {:.3f} is below 0.5 on {} reals and {} fakes; are labels or scores the wrong way "
      "round (1 = fake)? Nothing was flipped",
      name, level, auc.interval->value, figures.reals, figures.fakes));
}

void warn(std::string_view name, const Figures& figures, std::vector<std::string>& warnings) {
  const std::size_t before = warnings.size();
  warn(name, "video", figures.video, warnings);
  if (warnings.size() == before) warn(name, "frame", figures.frame, warnings);
}

}  // namespace

std::vector<std::string> polarity_warnings(const Evaluation& evaluation) {
  std::vector<std::string> warnings;
  warn("all", evaluation.all, warnings);
  for (const auto& [set, figures] : evaluation.sets) warn(set, figures, warnings);
  return warnings;
}

}  // namespace dfa
