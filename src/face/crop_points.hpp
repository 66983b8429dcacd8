// The 68 points of the face that a crop was made of, found in the crop itself: whatever detector drew the frame's
// boxes, the points' model sees the boxes that it was trained with.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "face/landmarks68.hpp"
#include "media/picture.hpp"

namespace dfa {

// One thread at a time; make one a worker.
class CropPointFinder {
 public:
  virtual ~CropPointFinder() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view model_sha256() const = 0;
  // Pixels of the crop. Nothing where no face is found around the crop's middle, or where its points make no sense.
  // Errors: those of the detector.
  virtual Result<std::optional<Landmarks68>> find(const PictureView& crop) = 0;
};

// dlib's frontal detector and its points. Errors: those of make_detector("dlib") and make_landmark_finder().
Result<std::unique_ptr<CropPointFinder>> make_crop_point_finder();

}  // namespace dfa
