#include "face/judge_face.hpp"

namespace dfa {

// The comparisons are written so that NaN is not usable.
FaceUse judge_face(const Face& face, const FaceRules& rules) {
  if (!(face.probability >= rules.min_probability)) return FaceUse::low_probability;
  if (!(face.box_px.width() >= rules.min_side_px && face.box_px.height() >= rules.min_side_px))
    return FaceUse::too_small;
  return FaceUse::usable;
}

std::string_view face_use_name(FaceUse use) {
  switch (use) {
    case FaceUse::usable:
      return "usable";
    case FaceUse::low_probability:
      return "low_probability";
    case FaceUse::too_small:
      return "too_small";
  }
  return "unknown";
}

}  // namespace dfa
