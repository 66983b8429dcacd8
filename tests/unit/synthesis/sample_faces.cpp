#include "sample_faces.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "media/read_picture.hpp"
#include "support/shared.hpp"

namespace dfa::test {

FaceSource sample_face(std::string_view name) {
  FaceSource face;
  face.picture = read_picture(source_path("samples") / name, {}).value();
  std::ifstream file(source_path("tests/golden/synthesis/landmarks68.jsonl"));
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.at("path") != name) continue;
    for (std::size_t i = 0; i < face.landmarks.points.size(); ++i)
      face.landmarks.points[i] = {json["landmarks68_px"][i][0], json["landmarks68_px"][i][1]};
  }
  face.face.box_px = landmark_box(face.landmarks.points);
  face.face.landmarks_px = five_of_68(face.landmarks);
  face.face.probability = 1;
  return face;
}

Mask widened_mask(const Mask& mask, int reach) {
  const auto pass = [reach](const Mask& from, int dx, int dy) {
    Mask to = from;
    for (int y = 0; y < from.height; ++y)
      for (int x = 0; x < from.width; ++x) {
        std::uint8_t most = 0;
        for (int d = -reach; d <= reach; ++d) {
          const int u = x + d * dx, v = y + d * dy;
          if (u >= 0 && v >= 0 && u < from.width && v < from.height) most = std::max(most, from.at(u, v));
        }
        to.value[static_cast<std::size_t>(y * from.width + x)] = most;
      }
    return to;
  };
  return pass(pass(mask, 1, 0), 0, 1);
}

Differences differences(const Picture& a, const Picture& b, const Mask& mask) {
  Differences found;
  for (std::size_t i = 0; i < mask.value.size(); ++i)
    if (!std::equal(&a.rgb[3 * i], &a.rgb[3 * i] + 3, &b.rgb[3 * i]))
      ++(mask.value[i] == 0 ? found.outside : found.inside);
  return found;
}

}  // namespace dfa::test
