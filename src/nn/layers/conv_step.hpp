// Convolutions and pooling by oneDNN, on maps with channels last: (N, side, side, C). The rows of such a map are
// tokens.
#pragma once

#include <memory>
#include <vector>

#include "base/result.hpp"
#include "nn/layers/layer_input.hpp"
#include "nn/layers/linear_weights.hpp"
#include "nn/layers/onednn.hpp"
#include "nn/layers/weight_store.hpp"
#include "nn/plan/plan.hpp"

namespace dfa {

// A square map's shape.
struct MapShape {
  int images = 0;
  int channels = 0;
  int side = 0;

  int rows() const { return images * side * side; }  // one a pixel
  std::size_t values() const { return static_cast<std::size_t>(rows()) * static_cast<std::size_t>(channels); }
};

class PackedConv {
 public:
  // `src`: the map of the largest batch. Codes need has_vnni(); their zero point is 0 unless the layer has
  // no padding. Errors: internal (oneDNN), out_of_memory.
  static Result<PackedConv> pack(OneDnn& library, WeightStore& store, const ConvWeights& layer, MapShape src,
                                 const LayerInput& input);

  MapShape output(MapShape src) const;
  const ConvWeights& shape() const { return shape_; }
  const LayerInput& input() const { return input_; }
  const std::vector<float>& scales() const { return scales_; }
  const dnnl::memory& weight() const { return weight_; }
  const dnnl::memory& bias() const { return bias_; }

 private:
  ConvWeights shape_;  // sizes only
  LayerInput input_;
  std::vector<float> scales_;  // (out) of the weights, codes only
  dnnl::memory weight_;
  dnnl::memory bias_;  // f32; of codes: in units of their sums
};

// dst = ReLU(conv(src) + b). src is of the layer's format; dst of any where that is codes, else f32 or bf16.
Result<std::unique_ptr<Step>> make_conv_relu_step(OneDnn& library, Plan& plan, const PackedConv& layer, MapShape shape,
                                                  Slice src, Slice dst);

// The map of make_max_pool_step.
inline MapShape pooled(MapShape map) {
  return {map.images, map.channels, (map.side + 1) / 2};
}

// 3x3, stride 2, padding 1. src and dst of one format; the largest of codes is the code of the largest value.
Result<std::unique_ptr<Step>> make_max_pool_step(OneDnn& library, Plan& plan, MapShape shape, Slice src, Slice dst);

}  // namespace dfa
