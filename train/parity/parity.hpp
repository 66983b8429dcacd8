// Proof of the training side: the torch network against a golden file of another implementation (spec method.md 2.8),
// every tensor of it. A group that is missing, incomplete or empty fails: silence is no agreement.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::train {

// Note [Gradients in f64]
// The golden gradients are f32 and so carry rounding errors of their own, up to 7e-5 of a tensor's norm where terms
// nearly cancel (adaptor scales, the head's bias). An f32 result of ours adds as much again: between one and two
// threads it differs by 1e-4. So the tight comparison is with gradients of the same modules in f64, where all that is
// left is the golden file's error, and f32 is held to ten times that.

// The groups of a golden file, in the order of the report:
//   logits  eval.feature, eval.logits, train.logits      max |difference| / max(1, |expected|)
//   loss    train.loss                                   the same
//   grad    grad.<name> of every trained tensor, in f64  norm of the difference / norm of the expected
//   grad_f32  the same in f32; required with grad        the same, with ten times the tolerance
//   stats   after_forward.<name> of every statistic      max |difference| / max(1, |expected|)
//   sgd3    sgd3.losses and whatever sgd3.<name> is there  the same
struct ParityGroup {
  std::string name;
  std::string norm;  // how differences are measured, in words
  double tolerance = 0;
  bool required = true;
  std::map<std::string, double> compared;  // tensor -> relative difference
  std::vector<std::string> missing;        // expected in the golden file (or from us), but not there
  std::vector<std::string> unusable;       // there, but unknown to the network, of another shape or not floating-point
  double largest() const;
  std::string worst() const;  // the tensor with the largest difference
  bool ok() const;
};

struct ParityReport {
  NetworkConfig config;
  AttentionPath attention = AttentionPath::published;
  TrainedCounts counts;
  std::vector<ParityGroup> groups;
  std::vector<std::string>
      unknown;  // tensors of the golden file that belong to no group: not compared, hence a failure
  bool ok() const;
};

// All names: logits, loss, grad, stats, sgd3.
std::set<std::string> parity_group_names();
// The network that a golden file was made with, from its metadata: image, dim, depth, heads, lsa_heads, bottleneck,
// stages (JSON text) and, where given, the other flat names. MLP width is 4 x dim unless said. Errors:
// model_incompatible.
Result<NetworkConfig> golden_config(const TensorFile& golden);

// Trains what the official recipe trains (everything but the trunk). Groups not in `required` are compared as far as
// they are there. Errors: model_tensors when the weights do not fit, model_incompatible, model_format for a golden file
// without images or labels.
Result<ParityReport> run_parity(const TensorMap& weights, const TensorFile& golden,
                                const std::set<std::string>& required,
                                AttentionPath attention = AttentionPath::published);

// `weights`, `golden`: the files' names, for the record.
std::string parity_json(const ParityReport& report, std::string_view weights, std::string_view golden);

}  // namespace dfa::train
