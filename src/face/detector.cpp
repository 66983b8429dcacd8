#include "face/detector.hpp"

#include "face/mtcnn_detector.hpp"

namespace dfa {

Result<std::unique_ptr<Detector>> make_detector(std::string_view name, const DetectorOptions& options) {
  if (name == kMtcnn.name) return make_mtcnn_detector(kMtcnn, options);
  if (name == kMtcnnReference.name) return make_mtcnn_detector(kMtcnnReference, options);
  if (name == "dlib")
    return fail(ErrorCode::usage, "this build has no dlib detector yet; known: mtcnn, mtcnn-reference");
  return fail(ErrorCode::usage, "detector '{}' is not known; known: mtcnn, mtcnn-reference", name);
}

}  // namespace dfa
