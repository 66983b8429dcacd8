// MTCNN as a Detector, in two ways of use.
#pragma once

#include "face/detector.hpp"

namespace dfa {

struct MtcnnKind {
  std::string_view name;
  int min_face_px;  // unless told otherwise
  int border_px;    // zero pixels around the frame
};

// The package's behaviour.
inline constexpr MtcnnKind kMtcnnReference{"mtcnn-reference", 20, 0};
// Faces cut by the border are found, and their points come out 3 to 20 times closer, when the frame has 64 zero pixels
// around it. A smaller face than 40 px is not scored: looking for it would take half as long again.
inline constexpr MtcnnKind kMtcnn{"mtcnn", 40, 64};

// Errors: usage (min_face_px), model_tensors.
Result<std::unique_ptr<Detector>> make_mtcnn_detector(const MtcnnKind& kind, const DetectorOptions& options);

}  // namespace dfa
