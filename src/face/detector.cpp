#include "face/detector.hpp"

#include "face/dlib_part.hpp"
#include "face/mtcnn_detector.hpp"

namespace dfa {

Result<std::unique_ptr<Detector>> make_detector(std::string_view name, const DetectorOptions& options) {
  if (name == kMtcnn.name) return make_mtcnn_detector(kMtcnn, options);
  if (name == kMtcnnReference.name) return make_mtcnn_detector(kMtcnnReference, options);
  if (name == "dlib") return make_dlib_detector(options);
  return fail(ErrorCode::usage, "detector '{}' is not known; known: mtcnn, mtcnn-reference, dlib", name);
}

}  // namespace dfa
