#include "face/crop_points.hpp"

#include <utility>

#include "face/detector.hpp"

namespace dfa {
namespace {

// A crop's face fills most of it: 80 px and more without doubling the picture, in crops from 110 px on.
constexpr int kUpsamplings = 0;

class DlibCropPoints final : public CropPointFinder {
 public:
  DlibCropPoints(std::unique_ptr<Detector> detector, std::shared_ptr<const LandmarkFinder> finder)
      : detector_(std::move(detector)), finder_(std::move(finder)) {}

  std::string_view name() const override { return finder_->name(); }
  std::string_view model_sha256() const override { return finder_->model_sha256(); }

  Result<std::optional<Landmarks68>> find(const PictureView& crop) override {
    DFA_ASSIGN_OR_RETURN(const std::vector<Face> faces, detector_->detect(crop));
    const double x = crop.width / 2.0, y = crop.height / 2.0;
    for (const Face& face : faces) {  // largest first
      const Box& box = face.box_px;
      if (x < box.x1 || x > box.x2 || y < box.y1 || y > box.y2) continue;
      DFA_ASSIGN_OR_RETURN(const Landmarks68 landmarks, finder_->find(crop, box));
      if (check_landmarks(landmarks, crop.width, crop.height)) return std::optional(landmarks);
      return std::optional<Landmarks68>();
    }
    return std::optional<Landmarks68>();
  }

 private:
  std::unique_ptr<Detector> detector_;
  std::shared_ptr<const LandmarkFinder> finder_;
};

}  // namespace

Result<std::unique_ptr<CropPointFinder>> make_crop_point_finder() {
  DFA_ASSIGN_OR_RETURN(auto detector, make_detector("dlib", {.threads = 1, .upsampling = kUpsamplings}));
  DFA_ASSIGN_OR_RETURN(auto finder, make_landmark_finder("dlib"));
  return std::make_unique<DlibCropPoints>(std::move(detector), std::move(finder));
}

}  // namespace dfa
