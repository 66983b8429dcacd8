// Losses on the spatial tokens, as torch graphs: mask and boundary supervision, and patch contrast. Include only in
// .cpp files that see torch.
//
// Note [Patch contrast]
// Tokens are made unit vectors u; a patch is forged when more than kForgedShare of it is, untouched up to
// kUntouchedShare (patch_choice.hpp); only samples with a known mask take part. With T the temperature and mean() over
// the patches of a set,
//   same(i)  = mean over j != i of i's kind   of exp(u_i . u_j / T)
//   other(i) = mean over j of the other kind  of exp(u_i . u_j / T)
//   loss     = -log(same / (same + other)), mean over the patches of a kind, then the mean of both kinds
// on each level that has two patches of each kind, then the mean over these levels. Means instead of InfoNCE's sums:
// the few forged patches weigh as much as the many untouched ones, and log 2 is the value of features that tell
// nothing. Spec method.md section 5, row 8 gives "patch contrast (T .5) between fake and real patches"; the rest is
// ours.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <optional>

#include "train/losses/loss_heads.hpp"
#include "train/losses/spatial_targets.hpp"

namespace dfa::train {

// (K, side*side, D) a level, fine to coarse: the tokens of the samples whose mask is known.
std::vector<at::Tensor> level_tokens(const NetworkConfig& network, const at::Tensor& tokens,
                                     const SpatialTargets& targets);

struct MapHeadTensors {
  at::Tensor weight;  // (1, D)
  at::Tensor bias;    // (1)
};
// MSE of sigmoid(w . c + b) against the forged shares, or the boundary made of them: a level's mean over samples and
// cells, then the mean over the levels. Nothing when no mask is known. `head(level)` gives a level's tensors.
std::optional<at::Tensor> map_loss(MapHead kind, const std::vector<at::Tensor>& levels, const SpatialTargets& targets,
                                   const std::function<MapHeadTensors(int level)>& head);

// See Note [Patch contrast]. Nothing when no level has two patches of each kind.
std::optional<at::Tensor> patch_contrast_loss(const std::vector<at::Tensor>& levels, const SpatialTargets& targets,
                                              double temperature);

}  // namespace dfa::train
