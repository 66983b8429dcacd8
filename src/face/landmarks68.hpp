// The 68 points of a face in the numbering of the iBUG 300-W annotations, and who finds them. Indices from 0; left and
// right are the picture's:
//   0-16 jaw from left to right, 8 the chin | 17-21, 22-26 brows | 27-30 bridge of the nose, 31-35 its base
//   36-41, 42-47 eyes, each from its left corner over the upper lid | 48-59 outer lips, 60-67 inner lips
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "geometry/geometry.hpp"
#include "media/picture.hpp"

namespace dfa {

struct Landmarks68 {
  std::array<Point, 68> points;  // pixels of the picture; may leave it
};

// The smallest box around the points.
Box landmark_box(std::span<const Point> points);
// The points after a left-right mirror of a picture of that width: mirrored, and renumbered so that each keeps its
// meaning.
Landmarks68 mirrored(const Landmarks68& landmarks, int width);
// Eye, eye, nose, mouth, mouth as DeepfakeBench takes them: points 37, 44, 30, 49, 55. 37 and 44 lie on the upper lids,
// 49 and 55 beside the corners of the mouth: kept as published, since its crops are the common ground of the field.
std::array<Point, 5> five_of_68(const Landmarks68& landmarks);
// Distance between the centres of the eyes.
double eye_distance(const Landmarks68& landmarks);
// Errors: landmarks_degenerate when a point is not finite, the eyes coincide, or the points lie more than twice
// the picture's longer side away.
Status check_landmarks(const Landmarks68& landmarks, int width, int height);

// Thread-safe: find() may be called from several threads.
class LandmarkFinder {
 public:
  virtual ~LandmarkFinder() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view model_sha256() const = 0;
  // The points of the face in `box_px`, as the detector of the same name draws boxes: others shift the points. Errors:
  // internal.
  virtual Result<Landmarks68> find(const PictureView& picture, const Box& box_px) const = 0;
};

// name: "dlib". `model` empty: the file that the build was told of. Equal paths share one model in memory (about
// 100 MB). Errors: usage (name; a build without dlib, with the next step), file_not_found, file_unreadable,
// limit_exceeded, model_format, model_incompatible (not 68 points).
Result<std::shared_ptr<const LandmarkFinder>> make_landmark_finder(std::string_view name,
                                                                   const std::filesystem::path& model = {});

}  // namespace dfa
