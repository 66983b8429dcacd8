// A face swap without any network: the source's face is warped triangle by triangle onto the target's landmarks, given
// the target's colours, and blended in inside the hull.
#pragma once

#include "synthesis/pair.hpp"

namespace dfa {

// `target` with the face of `source`; canvas = the whole target picture, nothing random. The mask is 0 outside the
// convex hull of the target's landmarks and 1 from about a fifth of the eye distance inside. A video is swapped frame
// by frame by the same call. Errors: landmarks_degenerate, internal.
Result<BlendedPair> face_swap(const FaceSource& target, const FaceSource& source);

// The swap on the canvas that the crop needs, and steps 8 and 9. Frames of one video get the same draws. Errors: as
// above, usage (options).
Result<FinishedPair> face_swap_pair(const FaceSource& target, const FaceSource& source, const FinishDraws& draws,
                                    const PairOptions& options);

}  // namespace dfa
