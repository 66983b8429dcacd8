// A batch with all that losses may read: forged pictures carry a bright square, and their masks say where.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "nn/network.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/nets/train_network.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {

struct MadeBatch {
  std::vector<float> images, masks, strong;
  std::vector<std::int64_t> labels;
  std::vector<std::uint8_t> mask_known;

  train::StepInput input() const { return {images, labels, masks, mask_known, strong}; }
};

// Label 1 = forged = every second picture, the square at another place in each. The last picture's mask is unknown.
inline MadeBatch made_batch(const NetworkConfig& config, int n) {
  constexpr float kBrighter = 0.5F;
  MadeBatch batch;
  batch.images = hash_images(config, n);
  batch.labels = alternating_labels(n);
  batch.mask_known.assign(static_cast<std::size_t>(n), 1);
  batch.mask_known.back() = 0;
  const int cells = config.spatial_side(0), cell = config.image / cells;
  batch.masks.assign(static_cast<std::size_t>(n * cells * cells), 0.0F);
  for (int i = 1; i < n; i += 2) {
    const int from = i % 3, to = from + cells / 2;
    for (int y = from; y < to; ++y)
      for (int x = from; x < to; ++x)  // softer towards the right border
        batch.masks[static_cast<std::size_t>((i * cells + y) * cells + x)] = x + 1 == to ? 0.3F : 1.0F;
    for (int channel = 0; channel < 3; ++channel)
      for (int y = from * cell; y < to * cell; ++y)
        for (int x = from * cell; x < to * cell; ++x)
          batch.images[static_cast<std::size_t>(((i * 3 + channel) * config.image + y) * config.image + x)] +=
              kBrighter;
  }
  batch.strong = batch.images;
  for (std::size_t i = 0; i < batch.strong.size(); ++i) batch.strong[i] *= i % 7 == 0 ? 0.0F : 0.7F;
  return batch;
}

// Every term of the loss at once, with about the published weights.
inline train::LossOptions all_losses() {
  train::LossOptions options;
  options.label_smoothing = 0.1;
  options.alignment = 0.1;
  options.uniformity = 0.5;
  options.mask = 5;
  options.boundary = 5;
  options.patch_contrast = 2;
  options.consistency = 0.5;
  options.consistency_ramp_epochs = 0;
  return options;
}

inline void add_heads(train::TrainNetwork& network, const train::LossOptions& options) {
  const Status added = network.add_loss_heads(train::init_loss_heads(network.config(), options, 3));
  if (!added) throw std::runtime_error(added.error().message);
}

}  // namespace dfa::test
