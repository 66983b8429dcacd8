// Whether a found face may be scored. The detector reports more than that, so that a record can say what was seen and
// why it was left out.
#pragma once

#include <string_view>

#include "face/detector.hpp"

namespace dfa {

enum class FaceUse { usable, low_probability, too_small };

struct FaceRules {
  // Below: seen, but too uncertain to be measured. MTCNN takes wall pictures and graphics for faces at 0.82 to 0.93.
  double min_probability = 0.95;
  // Shorter side of the box, in pixels of the original frame.
  int min_side_px = 40;
};

// Probability is judged first.
FaceUse judge_face(const Face& face, const FaceRules& rules);

// "usable", "low_probability", "too_small".
std::string_view face_use_name(FaceUse use);

}  // namespace dfa
