// Batches of network tensors from crops: decoded, blended and augmented by worker threads, delivered in order. What a
// batch holds depends on the slots, the seed and the epoch only, not on the number of workers.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "train/data/crop_set.hpp"
#include "train/data/epoch_plan.hpp"
#include "train/data/sample_maker.hpp"

namespace dfa::train {

struct Batch {
  std::pmr::vector<float> images;      // (N, 3, S, S) f32, normalised
  std::vector<std::int64_t> labels;    // (N)
  std::vector<std::uint32_t> samples;  // (N) indices into the crop set; both sides of a pair name its crop
  std::vector<float> masks;  // (N, M, M) forged share of each cell, zeros where not known; empty unless asked for
  std::vector<std::uint8_t> mask_known;  // (N) 1 = known, as for every real crop; empty unless asked for
  std::pmr::vector<float> strong;        // (N, 3, S, S) second view; empty unless asked for
  std::uint32_t self_blend_misses = 0;   // crops that could not be blended and were replaced
};

enum class LastBatch { drop_incomplete, keep_incomplete };

struct LoaderOptions : SampleOptions {
  int batch = 32;
  int workers = 1;
  int prefetch = 2;  // batches made or being made beside the one that was delivered last: memory's bound
  LastBatch last = LastBatch::drop_incomplete;
  // Where images and second views are made, so that they need not be moved again (devices/batch_memory.hpp); it
  // outlives every batch. Null: ordinary memory.
  std::pmr::memory_resource* memory = nullptr;
  std::size_t first_batch = 0;  // batches to pass over: where an interrupted epoch goes on
};

class BatchLoader {
 public:
  // `crops` must outlive the loader.
  static std::unique_ptr<BatchLoader> start(const CropSet& crops, std::vector<Slot> slots,
                                            const LoaderOptions& options);
  static std::unique_ptr<BatchLoader> start(const CropSet& crops, const std::vector<std::uint32_t>& order,
                                            const LoaderOptions& options);
  virtual ~BatchLoader() = default;  // stops the workers
  // The next batch, nothing at the end. Errors: the first one in batch order, and in it the first by place; the loader
  // is at its end then.
  virtual Result<std::optional<Batch>> next() = 0;
  virtual std::size_t batches() const = 0;  // of all slots, passed-over ones included
};

}  // namespace dfa::train
