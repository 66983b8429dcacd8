// From an item's p_fake to a likelihood ratio, by the evidence of a calibration.
//
// LR = P(score | fake) / P(score | genuine). It says how the score should change a reader's odds, whatever these were:
// posterior odds = LR * prior odds. It is no probability of being fake. Method: logistic calibration with the prior
// log-odds of the set taken off (Bruemmer and du Preez, Application-independent evaluation of speaker detection, 2006),
// or the same with an isotonic map.
#pragma once

#include <string>

#include "model/calibration.hpp"
#include "score/result.hpp"

namespace dfa {

// p_fake is held this far from 0 and 1 before its log-odds are taken (as for NLL, spec method.md 8).
inline constexpr double kProbabilityClamp = 1e-12;

// ln(p / (1 - p)) of the clamped p.
double clamped_log_odds(double p_fake);

// Linear between the points, constant beyond the first and the last. Requires points, rising in p_fake.
double isotonic_posterior(const std::vector<EvidencePoint>& points, double p_fake);

// Never falls as p_fake rises; within [evidence.lowest, evidence.highest]. Requires p_fake in [0, 1].
LikelihoodRatio likelihood_ratio(const Evidence& evidence, double p_fake);

// The verbal scale of the ENFSI guideline for evaluative reporting (2015), for both directions.
std::string likelihood_words(double ratio);

std::string_view likelihood_bound_name(LikelihoodBound bound);  // none, lowest, highest

}  // namespace dfa
