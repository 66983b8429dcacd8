// The network in plain loops, in the unfolded order of spec method.md 2.1 to 2.4: the oracle of every other engine.
#pragma once

#include <memory>
#include <span>

#include "nn/network.hpp"

namespace dfa {

// Sees the ViT stream while the network runs; for tests of what the method promises.
class BlockObserver {
 public:
  virtual ~BlockObserver() = default;
  // x: (T, D) after block `block` of image `image`.
  virtual void after_block(int image, int block, std::span<const float> x) = 0;
};

// `weights` has passed check_weights. `observer` may be null; else it outlives the network.
std::unique_ptr<Network> make_ref_network(const NetworkConfig& config, const TensorMap& weights,
                                          const NetworkOptions& options, BlockObserver* observer);

}  // namespace dfa
