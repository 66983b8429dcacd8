#include "preprocess/crop.hpp"

#include <array>

#include "preprocess/crop_shapes.hpp"

namespace dfa {

Result<Picture> make_crop(const PictureView& frame, const Face& face, const CropRecipe& recipe) {
  if (frame.width <= 0 || frame.height <= 0)
    return fail(ErrorCode::internal, "crop from an empty frame ({}x{})", frame.width, frame.height);
  switch (recipe.kind) {
    case CropKind::aligned:
    case CropKind::aligned_refound:
      return aligned_crop(frame, face.landmarks_px, recipe.scale, recipe.stored_px);
    case CropKind::square_inside:
      return square_crop(frame, face.box_px, recipe.scale, recipe.stored_px, SquarePolicy::inside);
    case CropKind::aligned_lmeds:
      return lmeds_crop(frame, face.landmarks_px, recipe.scale, recipe.stored_px);
    case CropKind::box_stretched:
      return box_crop(frame, face.box_px, recipe.scale, recipe.stored_px, BoxFit::stretch);
    case CropKind::box_letterboxed:
      return box_crop(frame, face.box_px, recipe.scale, recipe.stored_px, BoxFit::letterbox);
  }
  return fail(ErrorCode::internal, "crop kind {} has no implementation", static_cast<int>(recipe.kind));
}

Status crop_to_tensor(const PictureView& crop, const CropRecipe& recipe, int side, std::span<float> out) {
  const std::size_t plane = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  if (side <= 0 || out.size() != 3 * plane)
    return fail(ErrorCode::usage, "tensor of {} values for a side of {}, expected 3 x side x side", out.size(), side);
  DFA_ASSIGN_OR_RETURN(const Picture resized, resize_antialiased(crop, side, side, recipe.interpolation));
  for (std::size_t c = 0; c < 3; ++c) {
    // A byte has 256 values: a table gives the same bits as the arithmetic.
    std::array<float, 256> value_of;
    const float mean = static_cast<float>(recipe.mean[c]), deviation = static_cast<float>(recipe.std[c]);
    for (std::size_t v = 0; v < value_of.size(); ++v) value_of[v] = (static_cast<float>(v) / 255.0f - mean) / deviation;
    const std::span<float> channel = out.subspan(c * plane, plane);
    for (std::size_t i = 0; i < plane; ++i) channel[i] = value_of[resized.rgb[3 * i + c]];
  }
  return {};
}

}  // namespace dfa
