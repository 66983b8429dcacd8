// Face -> u8 crop -> network tensor. The one implementation: detection, training, evaluation and serving call these
// functions. All functions here are pure and thread-safe.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "face/detector.hpp"
#include "geometry/geometry.hpp"
#include "media/picture.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa {

// A square RGB crop of recipe.stored_px. Errors: landmarks_degenerate (also: a box that is no box).
Result<Picture> make_crop(const PictureView& frame, const Face& face, const CropRecipe& recipe);

// Antialiased resize by Pillow's definition: support widened when shrinking, horizontal pass first, 22-bit fixed point
// weights, bytes between the passes. `filter`: "bilinear", "bicubic" (a = -0.5), "box", "hamming" or "lanczos" (three
// lobes). Equal size copies. Errors: usage (filter, sizes).
Result<Picture> resize_antialiased(const PictureView& picture, int width, int height, std::string_view filter);

// crop -> (3, S, S) f32: resized to side x side with the recipe's filter, /255, (v - mean) / std per channel, each step
// rounded to f32. Requires out.size() == 3 * side * side. Errors: usage.
Status crop_to_tensor(const PictureView& crop, const CropRecipe& recipe, int side, std::span<float> out);

}  // namespace dfa
