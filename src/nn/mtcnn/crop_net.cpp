#include "nn/mtcnn/crop_net.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace dfa::mtcnn {

float face_probability(const float* logits) {
  const float largest = std::max(logits[0], logits[1]);
  const float none = std::exp(logits[0] - largest), face = std::exp(logits[1] - largest);
  return face / (none + face);
}

CropNet::CropNet(const Net& net) : net_(net), trunk_(net) {
  features_.resize(static_cast<std::size_t>(kMostWindows * net.dense.front().in_channels));
  for (const ConvLayer& layer : net.dense)
    layers_.emplace_back(static_cast<std::size_t>(kMostWindows * layer.out_stride()));
}

void CropNet::flatten_map(float* features) {
  for (int y = 0; y < trunk_.height(); ++y)
    features = std::copy_n(trunk_.row(y), trunk_.width() * net_.trunk.back().conv.out_stride(), features);
}

void CropNet::run(const PictureSource& picture, std::span<const Region> windows, std::span<WindowScore> out) {
  assert(windows.size() <= kMostWindows && out.size() == windows.size());
  const int feature_count = net_.dense.front().in_channels;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    trunk_.start(picture, windows[i], net_.input_px, net_.input_px);
    flatten_map(features_.data() + static_cast<std::ptrdiff_t>(i) * feature_count);
  }
  const float* below = features_.data();
  for (std::size_t layer = 0; layer < net_.dense.size(); ++layer) {
    conv_row(net_.dense[layer], &below, static_cast<int>(windows.size()), layers_[layer].data());
    below = layers_[layer].data();
  }
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const float* const heads = below + i * kPanel;
    out[i].score = face_probability(heads);
    std::copy_n(heads + 2, 4, out[i].correction);
    std::copy_n(heads + 6, 10, out[i].points);
  }
}

}  // namespace dfa::mtcnn
