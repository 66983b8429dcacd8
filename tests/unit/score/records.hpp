// Hand-made pieces of records for tests.
#pragma once

#include <optional>
#include <vector>

#include "score/persons.hpp"
#include "score/result.hpp"

namespace dfa::test {

inline FaceRecord face_at(double x, double y, double side, std::optional<double> p_fake,
                          FaceFate fate = FaceFate::scored) {
  FaceRecord face;
  face.box_px = {x, y, x + side, y + side};
  face.landmarks_px = {Point{x + 1, y + 1}, Point{x + 2, y + 1}, Point{x + 1.5, y + 2}, Point{x + 1, y + 3},
                       Point{x + 2, y + 3}};
  face.detector_score = 0.99;
  face.quality = {side, fate};
  face.p_fake = p_fake;
  return face;
}

// Stamps the frame's place on its faces, as the pipeline does.
inline SampledFrame frame_at(std::int64_t index, double seconds, std::vector<FaceRecord> faces) {
  for (FaceRecord& face : faces) {
    face.frame = index;
    face.pts_seconds = seconds;
  }
  return {index, seconds, std::move(faces)};
}

inline RunRecord some_run() {
  RunRecord run;
  run.tool = {"0.1.0", "abc"};
  run.model = {"tiny", std::string(64, 'a'), "a \"card\"\nof two lines"};
  run.engine = {"f32", "avx2 fma", 2};
  run.crop = {"aligned1.3", std::string(64, 'b'), "mtcnn", "", CropForced::no, ""};
  run.operating_point = {"not validated", std::nullopt, std::nullopt, std::nullopt, std::nullopt};
  return run;
}

}  // namespace dfa::test
