#include "score/likelihood.hpp"

#include <algorithm>
#include <cmath>

namespace dfa {
namespace {

struct Grade {
  double from;  // ratio, for the side it speaks for
  std::string_view words;
};
constexpr Grade kScale[] = {{1e6, "extremely strong"},  {1e4, "very strong"}, {1e3, "strong"},
                            {1e2, "moderately strong"}, {10, "moderate"},     {2, "weak"}};

double log_ratio(const Evidence& evidence, double p_fake) {
  if (evidence.map == EvidenceMap::logistic)
    return evidence.slope * clamped_log_odds(p_fake) + evidence.offset - evidence.prior_log_odds;
  // Infinite where every item of the set around here is of one class: the bounds hold it.
  const double posterior = isotonic_posterior(evidence.points, p_fake);
  return std::log(posterior) - std::log1p(-posterior) - evidence.prior_log_odds;
}

}  // namespace

double clamped_log_odds(double p_fake) {
  const double p = std::clamp(p_fake, kProbabilityClamp, 1 - kProbabilityClamp);
  return std::log(p) - std::log1p(-p);
}

double isotonic_posterior(const std::vector<EvidencePoint>& points, double p_fake) {
  const auto above = std::lower_bound(points.begin(), points.end(), p_fake,
                                      [](const EvidencePoint& point, double value) { return point.p_fake < value; });
  if (above == points.begin()) return points.front().posterior;
  if (above == points.end()) return points.back().posterior;
  const EvidencePoint& below = *(above - 1);
  const double share = (p_fake - below.p_fake) / (above->p_fake - below.p_fake);
  return below.posterior + share * (above->posterior - below.posterior);
}

LikelihoodRatio likelihood_ratio(const Evidence& evidence, double p_fake) {
  const double value = std::exp(log_ratio(evidence, p_fake));
  LikelihoodRatio ratio;
  ratio.value = std::clamp(value, evidence.lowest, evidence.highest);
  ratio.log10 = std::log10(ratio.value);
  if (value > evidence.highest) ratio.bound = LikelihoodBound::highest;
  if (value < evidence.lowest) ratio.bound = LikelihoodBound::lowest;
  ratio.words = likelihood_words(ratio.value);
  return ratio;
}

std::string likelihood_words(double ratio) {
  const double strength = ratio >= 1 ? ratio : 1 / ratio;
  for (const Grade& grade : kScale)
    if (strength >= grade.from)
      return fmt::format("{} support for {}", grade.words,
                         ratio > 1 ? "a forgery over a genuine item" : "a genuine item over a forgery");
  return "no support for one side over the other";
}

std::string_view likelihood_bound_name(LikelihoodBound bound) {
  switch (bound) {
    case LikelihoodBound::none:
      return "none";
    case LikelihoodBound::lowest:
      return "lowest";
    case LikelihoodBound::highest:
      return "highest";
  }
  return "none";
}

}  // namespace dfa
