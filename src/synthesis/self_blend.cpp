#include "synthesis/self_blend.hpp"

namespace dfa {
namespace {

// Step 1.
constexpr double kFlipP = 0.5;
// Step 4. The published hue and saturation shift is practically nil; it is kept.
constexpr ColourChances kSourceColours{0.3, 20, 1, 0.3, 1, 0.1};
constexpr double kChangeSourceP = 0.5, kCoarsenP = 0.5;
constexpr int kCoarsenRatios[] = {2, 4};
constexpr double kLowestAlpha = 0.2, kHighestAlpha = 0.5, kLowestLightness = 0.5, kHighestLightness = 1;
// Step 5.
constexpr double kShiftX = 0.03, kShiftY = 0.015, kSmallestScale = 0.95;

enum StepStream : std::uint64_t { kFlipStep = 1, kSourceStep = 4, kMoveStep = 50, kRatioStep = 7 };

Result<Picture> change(const Picture& picture, const SelfBlendDraws& draws) {
  DFA_ASSIGN_OR_RETURN(const Picture coloured, shift_colours(picture, draws.colours));
  if (draws.degradation == Degradation::coarsen) return coarsen(coloured, draws.coarsen_ratio);
  return sharpen(coloured, draws.sharpen_alpha, draws.sharpen_lightness);
}

}  // namespace

SelfBlendDraws draw_self_blend(const RngStream& stream) {
  RngStream flip = stream.child(kFlipStep), source = stream.child(kSourceStep), move = stream.child(kMoveStep),
            ratio = stream.child(kRatioStep);
  SelfBlendDraws draws{.mask = draw_mask(stream), .finish = draw_finish(stream)};
  draws.flip = flip.chance(kFlipP) ? Flip::yes : Flip::no;
  draws.changed = source.chance(kChangeSourceP) ? ChangedSide::source : ChangedSide::target;
  draws.colours = draw_colour_shift(kSourceColours, source);
  draws.degradation = source.chance(kCoarsenP) ? Degradation::coarsen : Degradation::sharpen;
  draws.coarsen_ratio = kCoarsenRatios[source.below(std::size(kCoarsenRatios))];
  draws.sharpen_alpha = source.uniform(kLowestAlpha, kHighestAlpha);
  draws.sharpen_lightness = source.uniform(kLowestLightness, kHighestLightness);
  draws.mask.moved.shift_x = move.uniform(-kShiftX, kShiftX);
  draws.mask.moved.shift_y = move.uniform(-kShiftY, kShiftY);
  draws.mask.moved.scale_x = move.uniform(kSmallestScale, 1 / kSmallestScale);
  draws.mask.moved.scale_y = move.uniform(kSmallestScale, 1 / kSmallestScale);
  draws.ratio = draw_blend_ratio(ratio);
  return draws;
}

Result<BlendedPair> self_blend_canvas(const FaceSource& source, const SelfBlendDraws& draws, FinalCrop crop) {
  DFA_ASSIGN_OR_RETURN(FaceSource canvas, cut_canvas(source, crop));
  if (draws.flip == Flip::yes) canvas = flipped(canvas);
  BlendedPair pair;
  pair.face = canvas.face;
  DFA_ASSIGN_OR_RETURN(pair.mask, make_mask(canvas.landmarks, draws.mask, canvas.picture.width, canvas.picture.height));
  DFA_ASSIGN_OR_RETURN(Picture changed, change(canvas.picture, draws));
  Picture& unchanged = canvas.picture;
  const bool source_changed = draws.changed == ChangedSide::source;
  DFA_ASSIGN_OR_RETURN(const Picture moved, move_picture(source_changed ? changed : unchanged, draws.mask.moved));
  pair.real = std::move(source_changed ? unchanged : changed);
  DFA_ASSIGN_OR_RETURN(pair.fake, blend(pair.real, moved, pair.mask, draws.ratio));
  return pair;
}

Result<FinishedPair> self_blend(const FaceSource& source, const SelfBlendDraws& draws, const PairOptions& options) {
  DFA_ASSIGN_OR_RETURN(const BlendedPair pair, self_blend_canvas(source, draws, options.crop));
  return finish(pair, draws.finish, options);
}

}  // namespace dfa
