// The engine's face: a network built once from a configuration and weights, run many times.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "base/trace.hpp"
#include "nn/network_config.hpp"
#include "nn/quantisation.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

//   ref: plain loops in the unfolded order, the oracle. f32: oneDNN, folded, planned.
//   bf16: the same with bf16 products, on processors that have them.
//   int8: products of 8-bit codes where the model carries their scales, the rest as bf16 or f32.
enum class Precision { ref, f32, bf16, int8 };

std::string_view precision_name(Precision precision);

// Sees the trunk's stream while a network runs: golden tests of every layer.
class BlockObserver {
 public:
  virtual ~BlockObserver() = default;
  // x: (T, D) of image `image` of the batch that runs; block -1 is what enters the first block (before any injector),
  // else what leaves block `block`.
  virtual void after_block(int image, int block, std::span<const float> x) = 0;
};

struct NetworkOptions {
  Precision precision = Precision::f32;
  int threads = 0;                             // 0: every processor this process may use
  int max_batch = 8;                           // larger batches are cut; plans are made per batch size and cached
  TraceSink* trace = nullptr;                  // class dispatch: which kernel each step got; may be null
  BlockObserver* observer = nullptr;           // may be null. With one, rows that nobody reads are computed, too
  const Quantisation* quantisation = nullptr;  // int8 needs it; copied. The other engines do not look at it
  ActivationObserver* activations = nullptr;   // f32 only; may be null
};

// What one forward pass leaves behind. Spans may be empty where the caller does not want the value.
struct ForwardOutput {
  std::span<float> logits;   // (N, classes) f32
  std::span<float> feature;  // (N, D) f32, after the norm and before the head
};

// What an engine keeps, in bytes.
struct Footprint {
  std::size_t weights = 0;    // packed
  std::size_t workspace = 0;  // of the largest plan made so far
};

class Network {
 public:
  virtual ~Network() = default;
  virtual const NetworkConfig& config() const = 0;
  // images: (N, 3, S, S) f32, normalised. N >= 1. Not thread-safe: one call at a time per Network.
  // Errors: usage when a span has the wrong size; internal when a library fails.
  virtual Status forward(std::span<const float> images, int n, ForwardOutput output) = 0;
  // Another network of the same options and, to the bit, the same answers, for another thread: packed weights are
  // shared, workspace and plans its own. Either may outlive the other; they run at the same time. Not to be called
  // while this one runs.
  virtual Result<std::unique_ptr<Network>> make_instance() const = 0;
  // Nothing where the engine has no packed weights and no plans: ref.
  virtual std::optional<Footprint> footprint() const { return std::nullopt; }
};

// `weights` must hold exactly network_parameters(config), in f32 or f16/bf16 (widened). Errors: model_tensors, listing
// every missing, unexpected and mis-shaped key; model_incompatible for a configuration that cannot be.
Result<std::unique_ptr<Network>> make_network(const NetworkConfig& config, const TensorMap& weights,
                                              const NetworkOptions& options);

// The four-list check alone (matched is what is left): used by every importer and loader.
Status check_weights(const NetworkConfig& config, const TensorMap& weights);
// The same against a list of one's own.
Status check_weights(const std::vector<ParameterSpec>& expected, const TensorMap& weights);

// The project's hash rule for weights (spec method.md 2.8): deterministic values for any configuration, without a file.
TensorMap hash_weights(const NetworkConfig& config);
// (N, 3, S, S) images by the same rule, name "image".
std::vector<float> hash_images(const NetworkConfig& config, int n);

}  // namespace dfa
