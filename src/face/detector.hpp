// Face detection. One interface, so that detectors can be exchanged; which one was used is part of every record.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/trace.hpp"
#include "geometry/geometry.hpp"
#include "media/picture.hpp"

namespace dfa {

struct Face {
  Box box_px;                         // in the original frame; may leave it
  double probability = 0;             // detector's own score in [0, 1]
  std::array<Point, 5> landmarks_px;  // eye, eye, nose, mouth corner, mouth corner; picture left first
};

// Counters of one detector since it was made.
struct DetectorWork {
  long frames = 0;
  long candidates_first = 0;  // windows after the first stage
  long candidates_second = 0;
  long faces = 0;
  long followed = 0;  // frames of which only the places around the faces of the one before were searched
};

// Not thread-safe: one detect() at a time per object; make one a thread.
class Detector {
 public:
  virtual ~Detector() = default;
  virtual std::string_view name() const = 0;
  virtual std::string_view weights_sha256() const = 0;  // empty where it has none
  // Faces, largest box first. An empty answer is a result, not an error.
  virtual Result<std::vector<Face>> detect(const PictureView& picture) = 0;
  virtual const DetectorWork& work() const = 0;
  // The same for a frame whose neighbour in time has been searched: looks around the faces `before` alone, where the
  // detector can, and everywhere when there are none or one that was sure has been lost. A face that comes into the
  // picture elsewhere is missed. The plain way is detect().
  virtual Result<std::vector<Face>> follow(const PictureView& picture, std::span<const Face> before) {
    (void)before;
    return detect(picture);
  }
};

struct DetectorOptions {
  int threads = 0;             // 0: every processor this process may use
  int min_face_px = 0;         // shortest side searched for, in pixels of the original frame; 0: the detector's own
  TraceSink* trace = nullptr;  // class check: why a candidate was dropped
  // Of "dlib" alone.
  int upsampling = 1;  // times that the picture is doubled first: 1 finds faces from 40 px, 0 from 80
  std::filesystem::path landmark_model{};  // of the 68 points; empty: the file that the build was told of
};

// name: "mtcnn" (64 px of zeros around the frame, so that faces cut by its border are found; min_face_px 40) or
// "mtcnn-reference" (the behaviour of facenet-pytorch 2.6.0; min_face_px 20). Both report faces of probability above
// 0.7. "dlib" (an optional part of the build): HOG frontal detector with five of 68 points, as DeepfakeBench and SBI
// use it; no probabilities of its own, every face it reports is at 0.95 or above. Errors: usage (name, min_face_px
// below 12, upsampling, a build without dlib), for dlib also those of make_landmark_finder().
Result<std::unique_ptr<Detector>> make_detector(std::string_view name, const DetectorOptions& options);

}  // namespace dfa
