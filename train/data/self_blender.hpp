// Self-blended pairs from stored crops, on the fly: src/synthesis on what training has.
//
// Note [Self-blending of stored crops]
// The published steps (synthesis/self_blend.hpp) start from whole frames; a stored crop has less around the face. All
// of them are taken: 1 flip; 2 the generous surroundings, as far as the crop has them; 3 to 8 unchanged; 9 the final
// crop around the box that the crop recipe enlarged by its margin: the middle 1/scale of the crop, with 5 to 20 % of
// its side on each side, as far as the crop has them. So framing stays that of the recipe, which validation and
// detection use, give or take a few per cent. Both sides of a pair then go through the run's own augmentation with
// the same numbers: nothing but the blend tells them apart.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "media/picture.hpp"
#include "preprocess/crop_recipe.hpp"
#include "synthesis/masks.hpp"
#include "train/data/crop_points.hpp"
#include "train/data/crop_set.hpp"

namespace dfa::train {

struct SelfBlended {
  Picture real;  // recipe.stored_px squared, as are the others
  Picture fake;
  Mask mask;                 // m', before the blend ratio
  std::uint32_t sample = 0;  // the crop that was taken
  std::uint32_t misses = 0;  // crops before it that could not be blended
};

// Thread-safe: a pure function of the sample and the stream.
class SelfBlender {
 public:
  // `crops` must outlive it. Errors: those of CropPoints::create().
  static Result<std::unique_ptr<SelfBlender>> create(const CropSet& crops, const CropRecipe& recipe);

  // Crops that pairs are drawn from.
  const std::vector<std::uint32_t>& candidates() const { return points_->candidates(); }
  // Where a crop cannot be blended (no face found, a hull without pixels), another candidate is drawn from the stream.
  // Errors: those of reading crops and points; landmarks_degenerate when none of kMostTries could be blended.
  Result<SelfBlended> make(std::uint32_t sample, const RngStream& stream) const;

  static constexpr std::uint32_t kMostTries = 32;

 private:
  SelfBlender(const CropSet& crops, const CropRecipe& recipe, std::unique_ptr<CropPoints> points)
      : crops_(crops), recipe_(recipe), points_(std::move(points)) {}
  const CropSet& crops_;
  CropRecipe recipe_;
  std::unique_ptr<CropPoints> points_;
};

}  // namespace dfa::train
