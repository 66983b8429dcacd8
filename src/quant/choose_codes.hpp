// The codes of one site, chosen by what they cost its readers.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "nn/quantisation.hpp"
#include "quant/site_sample.hpp"

namespace dfa {

// Note [Smoothing]
// With one multiplier for all channels, the largest channel decides how finely all others are seen: a trunk with a few
// outlier channels keeps next to nothing of the rest. Multipliers of channels move that difference into the weights,
// which have a scale for each output but none for each input: too much of it, and the weights are seen as badly. So the
// channel's range is divided by
//   s_c = max|x_c|^alpha / max_o|W[o][c]|^(1 - alpha)
// (Xiao and others, SmoothQuant, 2023) with alpha between 0 (all of it stays with the codes) and 1 (all goes to the
// weights), or by nothing at all. Which is best differs from site to site, so each alpha of a small grid is tried, and
// the one taken with which the readers' outputs differ least. Then the range of the codes is cut in steps: what is
// clipped errs more, everything else less. Rows of even crops choose, rows of odd crops judge; a range is cut only as
// long as both lose less by it, for large values are few and half of them may be elsewhere.

struct SiteChoice {
  Codes codes;
  std::optional<double> smoothing;  // alpha; nothing: one multiplier for all channels
  double range = 1;                 // share of the seen range that the codes cover
  double distortion = 0;            // SiteError on the rows that judge
};

// Deterministic. `sample` has seen something.
SiteChoice choose_codes(const SiteSample& sample, std::span<const FoldedLayer> readers);

// One multiplier for all channels from the largest magnitude seen, zero in the middle, or below where nothing is
// negative: what the choice is compared with.
Codes naive_codes(const SiteSample& sample);

}  // namespace dfa
