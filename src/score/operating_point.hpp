// From logits to p_fake, and from p_fake to a word, by what the model's calibration says - or by the honest absence of
// one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/model.hpp"
#include "score/result.hpp"

namespace dfa {

// Probability of class 1 (fake) of two logits divided by `temperature`: 1 / (1 + exp((l0 - l1) / T)), in doubles.
// Empty when a logit is not finite: the network measured nothing. Requires logits.size() == 2 and temperature > 0.
std::optional<double> p_fake_from_logits(std::span<const float> logits, double temperature);

// What the caller asked for: empty (the default: fpr5 of a calibrated model), "fpr1", "fpr5", or a threshold in (0, 1).
// A model without calibration, or whose calibration had to leave fpr5 out, has no threshold by default: name "not
// validated". A threshold of the caller's is "custom", with no expected rates and no abstention band. Errors: usage for
// another word or number; model_incompatible for a named point that the model does not carry, with the reason where its
// calibration has one.
Result<OperatingPoint> choose_operating_point(std::string_view asked, const std::optional<Calibration>& calibration);

// fake from the threshold up, real below it, inconclusive without one. With an abstention band also inconclusive where
// that verdict would err more often than the band allows. So a band makes no new fakes: the promised false-positive
// rate holds with it as without.
Verdict verdict_at(const OperatingPoint& point, double p_fake);

// The sentence that stands beside every score: where the threshold comes from and which error rates to expect there.
std::string operating_point_text(const OperatingPoint& point);

}  // namespace dfa
