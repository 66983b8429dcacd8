// Seeded changes to u8 crops, for training. Each looks like something that happens to pictures on their way through the
// world; none may tell the class, so real and fake go through the same.
//
// Note [Steps of an augmentation]
// In this order, each with its own draw:
//   crop        a square window anywhere, resized back       | geometric: the mask of a crop
//   flip        left-right mirror                            | goes through the same
//   affine      rotation, shift, scale                       |
//   gain, brightness, contrast (around the mean)             | photometric: the mask stays
//   colour      one of light, principal components, hue      |
//   grey        luma in all channels                         |
//   blur, kernel_blur                                        |
//   noise       before the codec, as in a camera             |
//   jpeg        re-encoded, 4:2:0                            |
//   erase       a rectangle of the mean colour; what was     |
//               forged under it still counts as forged       |
#pragma once

#include <optional>

#include "augment/augment_draws.hpp"
#include "augment/augment_options.hpp"
#include "augment/augment_steps.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "media/picture.hpp"

namespace dfa {

// What some steps measure on the picture. The two halves of a pair must be changed by one measurement: half a grey
// level of difference in the surroundings would tell them apart.
struct Measured {
  std::optional<double> contrast_mean;
  std::optional<ColourVector> principal;
  std::optional<ColourVector> erase_colour;
};

// A changed copy. `measured`: what it holds is used, the rest is measured and put there. Errors: internal when a codec
// fails, usage for an empty picture.
Result<Picture> augment(const Picture& crop, const AugmentDraws& draws, Measured& measured);
Result<Picture> augment(const Picture& crop, const AugmentDraws& draws);
// All randomness comes from `stream`.
Result<Picture> augment(const Picture& crop, const AugmentOptions& options, RngStream stream);

// The geometric steps alone: for the mask of a crop. Errors: as above.
Result<Picture> augment_geometry(const Picture& picture, const AugmentDraws& draws);

}  // namespace dfa
