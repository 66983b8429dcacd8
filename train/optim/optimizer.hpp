// SGD with momentum and AdamW over the trained tensors of a network, either of them sharpness-aware (SAM) where asked,
// with state that can be saved and restored by name.
#pragma once

#include <functional>
#include <memory>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::train {

enum class Rule { sgd, adamw };
enum class Decay {
  all,            // every trained tensor, the published recipe
  matrices_only,  // none on tensors of rank <= 1 (norms, biases, gamma, scale) and on embeddings (level_embed,
                  // pos_embed, cls_token, dist_token, reg_token, readout_query.queries)
};

struct OptimizerOptions {
  Rule rule = Rule::sgd;
  double momentum =
      0.9;             // sgd: v = momentum v + (g + decay w), v starts as the first such sum; no dampening, no Nesterov
  double beta1 = 0.9;  // adamw
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-4;  // sgd: added to the gradient; adamw: decoupled, times the learning rate
  Decay decay = Decay::all;
  double clip_norm = 0;  // gradients are scaled down to this joint L2 norm; 0 = never
  // SAM: how far up the gradient the weights are moved before the gradient that counts is taken; published: 0.05.
  // 0 = plain steps.
  double sam_rho = 0;
};

// Note [Sharpness-aware step]
// With g the gradient at w over all trained tensors jointly: g' = gradient of the same batch at w + rho g / |g|, then
// the rule's step from w with g' (spec method.md section 5, row 13). The weights come back from copies, so w is the
// same to the last bit. Between steps there is nothing to save: resuming needs no state of SAM's. Running statistics
// follow the first pass, at w; the second one is to leave them alone (Statistics::keep). Clipping and the norm that
// step() returns are those of g'.

// Computes the gradients of the step's batch again, with the weights as they now are, and leaves the running statistics
// untouched.
using GradientsAgain = std::function<Status()>;

// What a gradient that is not finite means.
//   fail: the end, an error.
//   skip: that the step is left out; nothing changes, and step() returns the norm, which is not finite.
enum class NotFinite { fail, skip };

class Optimizer {
 public:
  // `network` must outlive the optimiser.
  static Result<std::unique_ptr<Optimizer>> create(TrainNetwork& network, const OptimizerOptions& options);
  virtual ~Optimizer() = default;
  // Applies the gradients of the last loss_and_gradients(). Returns their joint L2 norm before clipping. Tensors
  // without a gradient are left as they are. `again` is called once a step where sam_rho > 0, else never. Errors:
  // non_finite_loss when a norm is not finite and `not_finite` says fail, usage when SAM is asked for without `again`,
  // those of `again` (no weight is changed then).
  virtual Result<double> step(double learning_rate, const GradientsAgain& again, NotFinite not_finite) = 0;
  Result<double> step(double learning_rate, const GradientsAgain& again = {}) {
    return step(learning_rate, again, NotFinite::fail);
  }
  // Momenta and counters, named "<state>.<tensor>"; restoring them and the weights continues bit for bit.
  virtual TensorMap state() const = 0;
  // Errors: model_tensors when names or shapes do not fit.
  virtual Status restore(const TensorMap& state) = 0;
};

// Exponential moving average of weights and statistics.
class WeightAverage {
 public:
  static std::unique_ptr<WeightAverage> create(TrainNetwork& network, double decay);
  virtual ~WeightAverage() = default;
  virtual void update() = 0;  // after each optimiser step
  // Exchanges the averaged tensors with the network's; call again to change back.
  virtual void swap() = 0;
  virtual TensorMap state() const = 0;
  virtual Status restore(const TensorMap& state) = 0;
};

}  // namespace dfa::train
