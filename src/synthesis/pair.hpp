// What every kind of synthesis shares: the face that it starts from, the blend, and the last steps, which treat the
// real picture and the forged one alike. The step numbers are those of self-blended images (self_blend.hpp).
//
// Note [Where real and fake are equal]
// A blended pair (BlendedPair) is equal to the bit wherever its mask is 0, and by the chosen rounding also where the
// mask is so small that no grey level changes. The colours of step 8 change each pixel by its own value alone: that
// stays true. JPEG does not keep it near the mask: it works on squares of 16 pixels and its colours are smoothed into
// the next one, so after it both are equal from 32 pixels off the mask on. The final crop is a resampling: equality
// then holds where no pixel under the filter differed. The periphery of both went through the same steps with the same
// numbers, so nothing there tells which of the two is the forgery.
//
// All functions are pure and thread-safe.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "face/detector.hpp"
#include "face/landmarks68.hpp"
#include "media/picture.hpp"
#include "preprocess/crop_recipe.hpp"
#include "synthesis/colour.hpp"
#include "synthesis/masks.hpp"

namespace dfa {

// A face in a picture. `face` places the final crop; the landmarks place everything else.
struct FaceSource {
  Picture picture;
  Landmarks68 landmarks;
  Face face;
};

enum class Flip { no, yes };
// Picture, landmarks and face as in a mirror; the five points keep their order (picture left first).
FaceSource flipped(const FaceSource& source);

// How the pair is cut out at the end.
enum class FinalCrop {
  margins,  // step 9: the face's box and 5 to 20 % of its side on each side, drawn for each side
  whole,    // the whole picture: for pictures that are crops already
  recipe    // a crop recipe, as for detection
};

struct PairOptions {
  FinalCrop crop = FinalCrop::margins;
  CropRecipe recipe;  // of FinalCrop::recipe alone; its stored_px is not used
  int side = 256;     // pixels of the square result
};
// Errors: usage.
Status check_pair_options(const PairOptions& options);

// Step 2: the surroundings of the face that the work is done on. Errors: landmarks_degenerate.
Result<FaceSource> cut_canvas(const FaceSource& source, FinalCrop crop);

// Step 3 and 6: which hull, and how it is deformed and softened.
struct MaskDraws {
  Hull hull = Hull::filled;
  AxisAffine moved;  // step 5; neutral where the kind of synthesis has none
  Elastic elastic;
  RngStream elastic_noise;
  Softening softening;
};
MaskDraws draw_mask(const RngStream& stream);
// m' of the drawn steps. Errors: landmarks_degenerate.
Result<Mask> make_mask(const Landmarks68& landmarks, const MaskDraws& draws, int width, int height);

// Step 7: r, uniformly one of {.25, .5, .75, 1, 1, 1}.
double draw_blend_ratio(RngStream& stream);
// m source + (1 - m) target with m = r m' in doubles, rounded to nearest. Sizes must be equal. Errors: usage.
Result<Picture> blend(const Picture& target, const Picture& source, const Mask& mask, double ratio);

// Real and fake on the canvas, before anything is done to both.
struct BlendedPair {
  Picture real;
  Picture fake;
  Mask mask;  // m', before r
  Face face;  // on the canvas
};

// Steps 8 and 9.
struct FinishDraws {
  ColourShift colours{};
  int jpeg_quality = 0;                             // 0: not re-encoded
  double left = 0, top = 0, right = 0, bottom = 0;  // margins in shares of the box's width and height
};
FinishDraws draw_finish(const RngStream& stream);

struct FinishedPair {
  Picture real;
  Picture fake;
  Mask mask;
};
// The same draws on both sides; the mask is cut like them. Errors: landmarks_degenerate, usage, internal.
Result<FinishedPair> finish(const BlendedPair& pair, const FinishDraws& draws, const PairOptions& options);

}  // namespace dfa
