// Self-blended images (Shiohara and Yamasaki, CVPR 2022): a forgery made of one picture and a slightly changed copy of
// itself, so that a network learns the traces of blending and not those of one generator.
//
// The published steps, with all their ranges:
//   1 flip p .5 | 2 generous crop around the 68 points | 3 one of four hulls | 4 colours and sharpness of EITHER the
//   source OR the target | 5 shift and scale of source and mask, elastic deformation of the mask | 6 soft mask
//   7 m = r m', r from {.25, .5, .75, 1, 1, 1} | 8 colours and JPEG, the same for both | 9 final crop, the same for
//   both
// Deviations, all named: the hulls (masks.hpp); outside the moved source its edge pixels stand instead of black; steps
// 8 and 9 end at the asked size with the antialiased resampler that crops have everywhere in this program.
#pragma once

#include "synthesis/pair.hpp"

namespace dfa {

// Step 4: which of the two is changed.
enum class ChangedSide { source, target };
enum class Degradation { coarsen, sharpen };

struct SelfBlendDraws {
  Flip flip = Flip::no;
  ChangedSide changed = ChangedSide::source;
  ColourShift colours{};
  Degradation degradation = Degradation::coarsen;
  int coarsen_ratio = 2;
  double sharpen_alpha = 0, sharpen_lightness = 0;
  MaskDraws mask;
  double ratio = 1;  // r
  FinishDraws finish;
};
// Everything that is random, before a pixel is looked at: equal streams give equal draws whatever the picture.
SelfBlendDraws draw_self_blend(const RngStream& stream);

// Steps 1 to 7. Errors: landmarks_degenerate, internal.
Result<BlendedPair> self_blend_canvas(const FaceSource& source, const SelfBlendDraws& draws, FinalCrop crop);
// All steps. Errors: as above, usage (options).
Result<FinishedPair> self_blend(const FaceSource& source, const SelfBlendDraws& draws, const PairOptions& options);

}  // namespace dfa
