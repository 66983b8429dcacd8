// Batches of network tensors from crops: decoded, augmented and resized by worker threads, delivered in order. What a
// batch holds depends on the order, the seed and the epoch only, not on the number of workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "augment/augment.hpp"
#include "base/result.hpp"
#include "preprocess/crop_recipe.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

struct Batch {
  std::vector<float> images;           // (N, 3, S, S) f32, normalised
  std::vector<std::int64_t> labels;    // (N)
  std::vector<std::uint32_t> samples;  // (N) indices into the crop set
  // Empty unless the loss asks for them.
  std::vector<float> masks;              // (N, M, M) forged share 0..1 of each cell, M = network.spatial_side(0)
  std::vector<std::uint8_t> mask_known;  // (N) 1 where the mask is known: always for a real
  std::vector<float> strong;             // (N, 3, S, S) a second, strongly augmented view
};

enum class LastBatch { drop_incomplete, keep_incomplete };

struct LoaderOptions {
  CropRecipe recipe;
  int side = 224;          // of the network's input
  AugmentOptions augment;  // the defaults change nothing
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
  int batch = 32;
  int workers = 1;
  LastBatch last = LastBatch::drop_incomplete;
  std::size_t first_batch = 0;  // batches to pass over: where an interrupted epoch goes on
};

class BatchLoader {
 public:
  // `crops` must outlive the loader.
  static std::unique_ptr<BatchLoader> start(const CropSet& crops, std::vector<std::uint32_t> order,
                                            const LoaderOptions& options);
  virtual ~BatchLoader() = default;  // stops the workers
  // The next batch, nothing at the end. Errors: the first one in batch order; the loader is at its end then.
  virtual Result<std::optional<Batch>> next() = 0;
  virtual std::size_t batches() const = 0;  // of the whole order, passed-over ones included
};

}  // namespace dfa::train
