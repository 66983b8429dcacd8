// What a training step minimises: cross-entropy plus weighted terms, each of them absent at weight 0.
//
// Note [Terms of the loss]
// N samples, p = softmax of the logits, f the feature before the head, u = f / |f|, c the spatial tokens after the last
// extractor and the final norm (all of them, whatever the read-out reads), M the forged share of a cell.
//   cross_entropy   mean over N of -sum_k t_k log p_k, t = (1 - s) onehot(label) + s / classes
//   alignment       mean of |u_i - u_j|^2 over pairs i < j of equal label
//   uniformity      log(max(mean over all pairs i < j of exp(-2 |u_i - u_j|^2), 1e-6))
//   mask            MSE of sigmoid(w . c + b) against M, a (w, b) a level
//   boundary        the same against 4 M (1 - M), with heads of its own
//   patch_contrast  see patch_contrast.hpp
//   svd_orthogonality, svd_norm   see svd_losses.hpp
//   consistency     mean over N of KL(p(weak view), held constant || p(strong view)), after a linear ramp
// With class weights w each sample's cross-entropy is multiplied by w of its label; the mean stays one over N, so that
// a batch may be cut into parts (gradient_pool.hpp).
// Sources: spec method.md section 5, rows 5, 8, 10 and 11. Beyond it, and ours: the sigmoid, one head a level, the mean
// over the levels, the definition of patch_contrast, the linear shape of the ramp. A term that a batch cannot give (no
// pair of equal label, no known mask, no forged patch) is absent, not zero.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "train/nets/compute.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

// keep: batch statistics normalise, the running ones stay as they are; for a second pass over the same batch.
enum class Statistics { update, keep };

struct LossOptions {
  double label_smoothing = 0;  // s, 0 to 1; 0 = none
  // What is no part of the configuration's "loss", but the step's:
  Compute compute = Compute::f32;
  Statistics statistics = Statistics::update;
  double scale = 1;  // of what is differentiated; gradients come back without it, losses never have it
  double epoch = 0;  // epochs done, with their fraction: for ramps
  std::vector<double> class_weights = {};  // (classes), of "data"; empty = none

  // Weights of the terms; 0 = the term is not computed.
  double alignment = 0;       // published: 0.1
  double uniformity = 0;      // published: 0.5
  double mask = 0;            // needs lsa and masks
  double boundary = 0;        // needs lsa and masks; published with cross-entropy at 1: 20
  double patch_contrast = 0;  // needs lsa and masks; published with cross-entropy at 1: 2
  double patch_temperature = 0.5;
  double svd_orthogonality = 0;        // needs tuning svd:R
  double svd_norm = 0;                 // needs tuning svd:R
  double consistency = 0;              // needs the strong view; published: 0.5
  double consistency_ramp_epochs = 3;  // its weight grows linearly from 0 over so many epochs; 0 = at once

  bool operator==(const LossOptions&) const = default;
};

// Whether a batch must bring masks, or a second view.
bool needs_masks(const LossOptions& options);
bool needs_strong_view(const LossOptions& options);
// The weight of the consistency term where the run stands.
double consistency_weight(const LossOptions& options);

// Errors: usage for a weight that is not finite or negative, a temperature that is not positive, a term that needs
// spatial tokens in a network without LSA, or singular directions with another tuning; class weights that are not one
// a class.
Status check_losses(const NetworkConfig& network, const Tuning& tuning, const LossOptions& options);

}  // namespace dfa::train
