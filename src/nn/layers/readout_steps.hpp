// Steps from the last tokens to what the caller gets, and what looks on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nn/network.hpp"
#include "nn/plan/plan.hpp"

namespace dfa {

// Shows x (N, T, D) to `observer` as what leaves block `block`. `observer` outlives the step.
std::unique_ptr<Step> make_observe_step(BlockObserver& observer, int block, int images, int tokens, int dim, Slice x);

// Shows x (rows, channels) to `observer` as what flows through `site`. `observer` outlives the step.
std::unique_ptr<Step> make_observe_site_step(ActivationObserver& observer, std::string site, int rows, int channels,
                                             Slice x);

// Token 0 of each image: (N, T, D) to (N, D).
std::unique_ptr<Step> make_first_rows_step(int images, int tokens, int dim, Slice src, Slice dst);

// Mean over the tokens of each level, then over the levels: (N, sum of level_tokens, D) to (N, D).
std::unique_ptr<Step> make_level_mean_step(int images, std::vector<int> level_tokens, int dim, Slice src, Slice dst);

// The same `values` for every run, where a step reads from the workspace. `values` outlives the step.
std::unique_ptr<Step> make_constant_step(const std::vector<float>& values, Slice dst);

// Rows divided by max(their L2 norm, eps): (rows, D) to (rows, D).
std::unique_ptr<Step> make_l2_step(int rows, int dim, double eps, Slice src, Slice dst);

// Copies what the caller wants out of the workspace.
std::unique_ptr<Step> make_output_step(int images, int dim, int classes, Slice feature, Slice logits);

}  // namespace dfa
