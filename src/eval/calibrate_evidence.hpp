// From a set's item scores to likelihood ratios, and how good these are.
#pragma once

#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "model/calibration.hpp"

namespace dfa {

struct LogisticFit {
  double slope = 0;
  double offset = 0;
};

// Maximum likelihood of ln(posterior odds) = slope * x + offset, by Newton's method with step halving. Nothing where no
// finite maximum exists: all reals at or below all fakes, or the other way round. labels: 1 = fake, 0 = real, both
// present; x finite.
std::optional<LogisticFit> fit_logistic(std::span<const double> x, std::span<const int> labels);

// Cllr in bits of natural log likelihood ratios (Bruemmer and du Preez 2006): 1/2 mean over fakes of log2(1 + 1/LR)
// + 1/2 mean over reals of log2(1 + LR). 0 = perfect, 1 = as good as saying nothing (LR = 1). Both classes present.
double cllr_of(std::span<const double> log_ratios, std::span<const int> labels);

// The least Cllr that a rising map of these scores reaches on this set: what discrimination alone costs.
double cllr_min_of(std::span<const double> scores, std::span<const int> labels);

// Fewest items of each class for likelihood ratios.
inline constexpr std::size_t kFewestForEvidence = 20;

// Ratios are held within 1 / (fakes + 1) and reals + 1: one more item on the wrong side, which a set of this size
// cannot exclude, would allow no more (the idea of empirical bounds, Vergeer et al. 2016, in its simplest form). Left
// out where a class has fewer than kFewestForEvidence items, where the logistic map has no finite optimum, or where
// scores do not rise with the share of fakes. p_fake: of items, in [0, 1].
std::variant<Evidence, UnsupportedPart> fit_evidence(std::span<const double> p_fake, std::span<const int> labels,
                                                     EvidenceMap map);

// Where verdicts err more often than `error` at even prior odds, by the likelihood ratio. Requires 0 < error <= 0.5.
AbstainBand abstain_band(const Evidence& evidence, double error);

}  // namespace dfa
