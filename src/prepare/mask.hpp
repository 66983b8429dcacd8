// Masks of forgeries as prepare needs them: where they lie under a face, and their part of a crop. Internal to this
// room.
#pragma once

#include "base/result.hpp"
#include "face/detector.hpp"
#include "media/picture.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa {

inline constexpr int kMaskedFrom = 128;  // grey level from which a pixel counts as forged

struct FrameMask {
  Picture picture;         // of the frame's size; three equal channels
  bool is_binary = false;  // only 0 and 255 in the file: its crops stay so
};

// `mask` as read -> that of a frame of this size: the largest channel, enlarged or shrunk where needed. Errors: as
// resize_antialiased().
Result<FrameMask> frame_mask(Picture mask, int width, int height);

// Pixels from kMaskedFrom up inside the box.
double masked_pixels(const FrameMask& mask, const Box& box_px);
bool has_masked_pixels(const FrameMask& mask);

// The mask through the same warp as the face's crop. Errors: as make_crop().
Result<Picture> mask_crop(const FrameMask& mask, const Face& face, const CropRecipe& recipe);

}  // namespace dfa
