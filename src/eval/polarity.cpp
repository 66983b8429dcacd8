#include "eval/polarity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

std::string spread_warning(const ScoreTable& table) {
  double low = 1, high = 0;
  std::size_t items = 0;
  for (const double p_fake : table.p_fake()) {
    if (!std::isfinite(p_fake)) continue;  // no score
    low = std::min(low, p_fake);
    high = std::max(high, p_fake);
    ++items;
  }
  if (items < kSpreadItems || high - low > kLeastSpread) return {};
  return fmt::format(
      "spread: all {} scores lie between {:.3f} and {:.3f}; were the crops, the model or the program that scored them "
      "the "
      "right ones?",
      items, low, high);
}

}  // namespace dfa
