// R-Net or O-Net for one thread.
#pragma once

#include <span>
#include <vector>

#include "nn/mtcnn/networks.hpp"
#include "nn/mtcnn/trunk.hpp"

namespace dfa::mtcnn {

// Windows that share one pass over the dense weights: O-Net's are 1.2 MB and would otherwise be read for each window.
inline constexpr int kMostWindows = 12;

// Softmax of (no face, face), the second.
float face_probability(const float* logits);

class CropNet {
 public:
  explicit CropNet(const Net& net);

  // At most kMostWindows windows, as many as `out`.
  void run(const PictureSource& picture, std::span<const Region> windows, std::span<WindowScore> out);

 private:
  void flatten_map(float* features);

  const Net& net_;
  Trunk trunk_;
  std::vector<float> features_;             // (N, side * side * channels)
  std::vector<std::vector<float>> layers_;  // one a dense layer: (N, out_stride)
};

}  // namespace dfa::mtcnn
