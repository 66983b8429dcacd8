// dlib's frontal detector: five HOG templates of 80 pixels over a pyramid. The detector of the DeepfakeBench and SBI
// crops.
#include <dlib/array2d.h>
#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_transforms/image_pyramid.h>

#include <algorithm>
#include <cmath>

#include "face/dlib_part.hpp"
#include "face/dlib_view.hpp"
#include "face/search_guard.hpp"

namespace dfa {
namespace {

constexpr int kMostUpsamplings = 3;  // 64 times the pixels

// The detector gives distances from its decision plane and no probabilities. Everything it reports is used by the
// recipes it belongs to, so a reported face is one that may be scored (0.95, see FaceRules); above that, farther from
// the plane is surer. False alarms are among them, near 0.95: those recipes take the largest face.
double probability_of(double margin) {
  return 1 - 0.05 * std::exp(-std::max(margin, 0.0));
}

class DlibDetector final : public Detector {
 public:
  DlibDetector(const DetectorOptions& options, std::shared_ptr<const LandmarkFinder> landmarks)
      : detector_(dlib::get_frontal_face_detector()),
        landmarks_(std::move(landmarks)),
        upsampling_(options.upsampling),
        min_face_px_(options.min_face_px) {}

  std::string_view name() const override { return "dlib"; }
  std::string_view weights_sha256() const override { return landmarks_->model_sha256(); }
  const DetectorWork& work() const override { return work_; }

  Result<std::vector<Face>> detect(const PictureView& picture) override {
    return guarded_search(picture, [&] { return find(picture); });
  }

 private:
  Result<std::vector<Face>> find(const PictureView& picture) {
    const dlib::pyramid_down<2> pyramid;
    dlib::array2d<dlib::rgb_pixel> image;
    dlib::assign_image(image, DlibView{picture});
    for (int i = 0; i < upsampling_; ++i) dlib::pyramid_up(image, pyramid);
    std::vector<dlib::rect_detection> found;
    detector_(image, found);
    std::vector<Face> faces;
    for (const dlib::rect_detection& detection : found) {
      const dlib::rectangle box = pyramid.rect_down(detection.rect, static_cast<unsigned int>(upsampling_));
      Face face;
      face.box_px = {static_cast<double>(box.left()), static_cast<double>(box.top()), static_cast<double>(box.right()),
                     static_cast<double>(box.bottom())};
      if (face.box_px.shorter_side() < min_face_px_) continue;
      face.probability = probability_of(detection.detection_confidence);
      DFA_ASSIGN_OR_RETURN(const Landmarks68 landmarks, landmarks_->find(picture, face.box_px));
      face.landmarks_px = five_of_68(landmarks);
      faces.push_back(face);
    }
    std::stable_sort(faces.begin(), faces.end(),
                     [](const Face& a, const Face& b) { return a.box_px.area() > b.box_px.area(); });
    ++work_.frames;
    work_.faces += static_cast<long>(faces.size());
    return faces;
  }

  dlib::frontal_face_detector detector_;
  const std::shared_ptr<const LandmarkFinder> landmarks_;
  const int upsampling_;
  const int min_face_px_;
  DetectorWork work_;
};

}  // namespace

Result<std::unique_ptr<Detector>> make_dlib_detector(const DetectorOptions& options) {
  if (options.upsampling < 0 || options.upsampling > kMostUpsamplings)
    return fail(ErrorCode::usage, "detector dlib: {} upsamplings, expected 0 to {}", options.upsampling,
                kMostUpsamplings);
  DFA_ASSIGN_OR_RETURN(auto landmarks, make_dlib_landmark_finder(options.landmark_model));
  return std::make_unique<DlibDetector>(options, std::move(landmarks));
}

}  // namespace dfa
