// Steps from the images to the first tokens and maps.
#pragma once

#include <memory>
#include <vector>

#include "nn/plan/plan.hpp"

namespace dfa {

// Images (N, 3, S, S) to rows (N * (S/P)^2, 3 P P): one row a patch, in the order of the patch weights.
std::unique_ptr<Step> make_patches_step(int images, int side, int patch, Slice dst, int threads);

// Pixels around an image in codes: its first convolution pads with the code of zero, which need not be 0.
inline constexpr int kImageBorder = 1;

// Image number `image`, (3, S, S), to (O, O, 3), resized bilinearly where O differs from S. Codes have a border
// besides: (O + 2, O + 2, 3).
std::unique_ptr<Step> make_channels_last_step(Plan& plan, int image, int side, int out_side, Slice dst, int threads);

// x (N, T, D): the first `prefix` rows of an image are those of embed, row prefix + p is patches[p] + embed[prefix +
// p]. embed (T, D) outlives the step.
std::unique_ptr<Step> make_assemble_step(int images, int prefix, int tokens, int dim, const std::vector<float>& embed,
                                         Slice patches, Slice x, int threads);

}  // namespace dfa
