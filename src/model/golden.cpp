#include "model/golden.hpp"

#include <algorithm>

#include "base/rng.hpp"
#include "model/model_save.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

constexpr int kBlocksPerSide = 8;
constexpr double kNoise = 40;  // levels up and down
constexpr int kBatch = 8;

std::size_t pixel_bytes(int side) {
  return static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3;
}

}  // namespace

std::vector<std::uint8_t> synthetic_crops(int count, int side) {
  RngStream noise(0, "golden.crops");
  std::vector<std::uint8_t> crops;
  crops.reserve(static_cast<std::size_t>(count) * pixel_bytes(side));
  for (int crop = 0; crop < count; ++crop) {
    std::vector<double> blocks(static_cast<std::size_t>(kBlocksPerSide) * kBlocksPerSide * 3);
    for (double& level : blocks) level = noise.uniform(0, 256);
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        for (std::size_t channel = 0; channel < 3; ++channel) {
          const auto block =
              static_cast<std::size_t>(y * kBlocksPerSide / side * kBlocksPerSide + x * kBlocksPerSide / side);
          crops.push_back(static_cast<std::uint8_t>(
              std::clamp(blocks[3 * block + channel] + noise.uniform(-kNoise, kNoise), 0.0, 255.0)));
        }
  }
  return crops;
}

Result<std::vector<float>> golden_images(const Model& model, std::span<const std::uint8_t> crops, int count) {
  const int stored = model.crop.stored_px;
  if (count < 1 || crops.size() != static_cast<std::size_t>(count) * pixel_bytes(stored))
    return fail(ErrorCode::usage, "{} crops in {} bytes, expected {} bytes a crop ({} px)", count, crops.size(),
                pixel_bytes(stored), stored);
  const int side = model.config.image;
  std::vector<float> images(static_cast<std::size_t>(count) * pixel_bytes(side));
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(i);
    const PictureView crop{.width = stored,
                           .height = stored,
                           .stride = 3 * static_cast<std::ptrdiff_t>(stored),
                           .rgb = crops.data() + index * pixel_bytes(stored)};
    DFA_TRY(crop_to_tensor(crop, model.crop, side,
                           std::span(images).subspan(index * pixel_bytes(side), pixel_bytes(side))));
  }
  return images;
}

Result<NetworkOutput> run_network(Network& network, std::span<const float> images, int count) {
  const NetworkConfig& config = network.config();
  const auto classes = static_cast<std::size_t>(config.classes), dim = static_cast<std::size_t>(config.dim);
  const std::size_t pixels = pixel_bytes(config.image);
  NetworkOutput output;
  output.logits.resize(static_cast<std::size_t>(count) * classes);
  output.feature.resize(static_cast<std::size_t>(count) * dim);
  for (int first = 0; first < count; first += kBatch) {
    const int n = std::min(kBatch, count - first);
    const auto at = static_cast<std::size_t>(first), part = static_cast<std::size_t>(n);
    DFA_TRY(network.forward(images.subspan(at * pixels, part * pixels), n,
                            {.logits = std::span(output.logits).subspan(at * classes, part * classes),
                             .feature = std::span(output.feature).subspan(at * dim, part * dim)}));
  }
  return output;
}

Result<GoldenVectors> make_golden(const Model& model, std::vector<std::uint8_t> crops, int count, Dtype weights_dtype,
                                  int threads) {
  DFA_ASSIGN_OR_RETURN(const auto images, golden_images(model, crops, count));
  DFA_ASSIGN_OR_RETURN(const TensorMap weights, stored_weights(model, weights_dtype));
  DFA_ASSIGN_OR_RETURN(const auto network,
                       make_network(model.config, weights, {.precision = Precision::ref, .threads = threads}));
  DFA_ASSIGN_OR_RETURN(NetworkOutput output, run_network(*network, images, count));
  return GoldenVectors{
      .count = count, .side = model.crop.stored_px, .crops = std::move(crops), .logits = std::move(output.logits)};
}

}  // namespace dfa
