// The network in training: torch inside, plain tensors outside. Everything of train/ but the files that must see torch
// uses this face.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"
#include "tensorfile/tensor.hpp"
#include "train/devices/device.hpp"
#include "train/losses/loss_options.hpp"
#include "train/losses/loss_values.hpp"
#include "train/nets/compute.hpp"
#include "train/nets/tuning.hpp"

namespace dfa::train {

// Statistics: train mode uses those of the batch and updates the running ones, eval mode uses the running ones.
enum class Mode { train, eval };
// How attention is computed: the same function, other costs and roundings.
//   fused: least memory; fastest in f32.
//   matrices: keeps the Tq x Tk weights for the backward pass; three times as fast as fused with bf16 on a CPU.
//   published: the published model's order of operations, for parity.
enum class AttentionPath { fused, matrices, published };
std::string_view attention_name(AttentionPath path);
// Errors: usage, listing the known names.
Result<AttentionPath> attention_by_name(std::string_view name);

// What a training step makes again in its backward pass instead of keeping it, besides what is always made again.
//   nothing.
//   stages: the activations of each stage's blocks; only what goes into a stage is kept. A third more work, the same
//   results to the bit.
enum class Recompute { nothing, stages };

struct ForwardValues {
  std::vector<float> feature;  // (N, D)
  std::vector<float> logits;   // (N, classes)
};

// A batch, as the loss reads it. What the options do not ask for may be empty.
struct StepInput {
  std::span<const float> images;             // (N, 3, S, S) f32, normalised
  std::span<const std::int64_t> labels;      // (N), class indices
  std::span<const float> masks;              // (N, M, M), forged share 0..1 of each cell, M = network.spatial_side(0)
  std::span<const std::uint8_t> mask_known;  // (N), 1 where the mask is known
  std::span<const float> strong;             // (N, 3, S, S), a second, strongly augmented view
};

// Threads of torch's operators in the whole process; 0: every processor this process may use. Results are bit-equal for
// equal thread counts only.
void set_torch_threads(int threads);

struct NetworkImpl;  // torch; train/nets/network_impl.hpp

// One thread at a time. Errors of torch come back as internal or out_of_memory.
class TrainNetwork {
 public:
  // Zero weights, until load(). Tensors that `tuning` does not name get no gradient and are never changed by an
  // optimiser; names are those of training_parameters(), never "what a file happened to contain". Everything lives on
  // `device` (choose_device()); what comes in and goes out is in the host's memory. Errors: model_incompatible;
  // internal if the modules' names or shapes are not exactly those of training_parameters().
  static Result<std::unique_ptr<TrainNetwork>> create(const NetworkConfig& config, const Tuning& tuning,
                                                      AttentionPath attention = AttentionPath::fused,
                                                      const Device& device = {});
  ~TrainNetwork();
  // For the steps from now on.
  void set_recompute(Recompute what);
  TrainNetwork(const TrainNetwork&) = delete;
  TrainNetwork& operator=(const TrainNetwork&) = delete;

  const NetworkConfig& config() const;
  const Tuning& tuning() const;
  TrainedCounts counts() const;
  // Names of the tensors that learn, in the order of training_parameters().
  std::vector<std::string> trained_names() const;

  // Strict: exactly the tensors of training_parameters(config(), tuning()). Errors: model_tensors.
  Status load(const TensorMap& weights);
  // Copies, f32 and i64. Throws std::runtime_error where the disk under TMPDIR fails while it holds frozen weights
  // (Note [Frozen weights in bf16]).
  TensorMap tensors() const;
  TensorMap gradients() const;  // of trained tensors that have one, loss heads included: nothing before
                                // loss_and_gradients(); a tensor the loss does not reach has none

  // images: (N, 3, S, S) f32, normalised. Mode::train changes the running statistics. No gradients.
  Result<ForwardValues> forward(std::span<const float> images, int n, Mode mode, Compute compute = Compute::f32);
  // One train-mode forward and backward of the loss in Note [Terms of the loss]. Former gradients are dropped. Terms
  // that are not finite come back as they are: check_finite(). Errors: usage where the options do not fit the network,
  // need heads that are not loaded, or something that `input` lacks.
  Result<LossValues> loss_and_gradients(const StepInput& input, const LossOptions& options);
  Result<LossValues> loss_and_gradients(std::span<const float> images, std::span<const std::int64_t> labels,
                                        const LossOptions& options) {
    return loss_and_gradients(StepInput{images, labels, {}, {}, {}}, options);
  }

  // The heads that mask and boundary losses train, as init_loss_heads() makes them: once, before an optimiser is made.
  // Errors: internal when there are some already.
  Status add_loss_heads(const TensorMap& heads);
  // Values for them, of a checkpoint. Strict. Errors: model_tensors.
  Status load_loss_heads(const TensorMap& heads);
  TensorMap loss_heads() const;  // copies; empty without them
  // Eval mode: trunk tokens x after each stage, (N, T, D) each.
  Result<std::vector<std::vector<float>>> stage_tokens(std::span<const float> images, int n);

  NetworkImpl& impl() { return *impl_; }

 private:
  explicit TrainNetwork(std::unique_ptr<NetworkImpl> impl);
  std::unique_ptr<NetworkImpl> impl_;
};

}  // namespace dfa::train
