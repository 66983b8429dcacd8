// Blends between two people, as Face X-ray makes them: the face whose landmarks lie nearest is laid over the target,
// given its colours, and blended in by a soft mask.
#pragma once

#include <cstddef>
#include <span>

#include "synthesis/pair.hpp"

namespace dfa {

// Root mean square distance of the 68 points after the best similarity, in eye distances of `to`. Errors:
// landmarks_degenerate.
Result<double> landmark_distance(const Landmarks68& from, const Landmarks68& to);

struct Nearest {
  std::size_t index = 0;  // into the candidates
  double distance = 0;
};
// The nearest of the candidates, the first among equals; candidates without a distance are passed over. Errors: usage
// when there is none.
Result<Nearest> nearest_landmarks(std::span<const Landmarks68> candidates, const Landmarks68& target);

struct CrossBlendDraws {
  Flip flip = Flip::no;  // of both
  MaskDraws mask;
  double ratio = 1;
  FinishDraws finish;
};
CrossBlendDraws draw_cross_blend(const RngStream& stream);

// The hull is the target's. Errors: landmarks_degenerate, usage (options), internal.
Result<BlendedPair> cross_blend_canvas(const FaceSource& target, const FaceSource& source, const CrossBlendDraws& draws,
                                       FinalCrop crop);
Result<FinishedPair> cross_blend(const FaceSource& target, const FaceSource& source, const CrossBlendDraws& draws,
                                 const PairOptions& options);

}  // namespace dfa
