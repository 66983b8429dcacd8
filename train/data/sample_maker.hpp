// One sample of a batch: pixels, mask and second view of one place of an epoch. Who calls it, and on which thread, is
// the loader's business.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "augment/augment.hpp"
#include "base/result.hpp"
#include "preprocess/crop_recipe.hpp"
#include "train/data/crop_set.hpp"
#include "train/data/epoch_plan.hpp"
#include "train/data/self_blender.hpp"

namespace dfa::train {

struct SampleOptions {
  CropRecipe recipe;
  int side = 224;                        // of the network's input
  AugmentOptions augment;                // the defaults change nothing
  std::optional<AugmentOptions> strong;  // of the second view, on top of `augment`; nothing = no second view
  int mask_side = 0;                     // cells of a mask's side; 0 = no masks
  const SelfBlender* blender = nullptr;  // for slots of pairs; must outlive the loader
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
};

// Where a sample goes. Spans of what was not asked for are empty.
struct SamplePlace {
  std::span<float> image;   // (3, S, S), normalised
  std::span<float> mask;    // (M, M), forged share of each cell
  std::span<float> strong;  // (3, S, S)
  std::uint8_t mask_known = 0;
  std::int64_t label = 0;
  std::uint32_t sample = 0;  // the crop that was shown
};

// Thread-safe; depends on the slot and the options alone.
class SampleMaker {
 public:
  // `crops` must outlive it.
  SampleMaker(const CropSet& crops, SampleOptions options) : crops_(crops), options_(std::move(options)) {}

  // Requires slot.kind == SlotKind::crop. Errors: of the crop or its mask.
  Status make_crop(const Slot& slot, SamplePlace& to) const;
  // Both sides of the pair that `slot` belongs to, or one of them (null: the other is not wanted). Returns how many
  // crops could not be blended before one could. Errors: those of SelfBlender::make().
  Result<std::uint32_t> make_pair(const Slot& slot, SamplePlace* real, SamplePlace* fake) const;

 private:
  struct Draws;
  Draws draws_of(const Slot& slot) const;
  Status put_views(const Picture& crop, const Draws& draws, Measured& first, Measured& second, SamplePlace& to) const;
  Status put_mask(const Picture& mask, const AugmentDraws& draws, SamplePlace& to) const;
  const CropSet& crops_;
  SampleOptions options_;
};

}  // namespace dfa::train
