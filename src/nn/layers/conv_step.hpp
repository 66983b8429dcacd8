// Convolutions and pooling by oneDNN, on maps with channels last: (N, side, side, C). The rows of such a map are
// tokens.
#pragma once

#include <memory>

#include "base/result.hpp"
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

  std::size_t values() const {
    return static_cast<std::size_t>(images) * static_cast<std::size_t>(channels) * static_cast<std::size_t>(side) *
           static_cast<std::size_t>(side);
  }
};

class PackedConv {
 public:
  // `src`: the map of the largest batch. Errors: internal (oneDNN), out_of_memory.
  static Result<PackedConv> pack(OneDnn& library, WeightStore& store, const ConvWeights& layer, MapShape src,
                                 Element element);

  MapShape output(MapShape src) const;
  const ConvWeights& shape() const { return shape_; }
  Element element() const { return element_; }  // of weights and maps; the bias is f32
  const dnnl::memory& weight() const { return weight_; }
  const dnnl::memory& bias() const { return bias_; }

 private:
  ConvWeights shape_;  // sizes only
  Element element_ = Element::f32;
  dnnl::memory weight_;
  dnnl::memory bias_;
};

// dst = ReLU(conv(src) + b)
Result<std::unique_ptr<Step>> make_conv_relu_step(OneDnn& library, Plan& plan, const PackedConv& layer, MapShape shape,
                                                  Slice src, Slice dst);

// 3x3, stride 2, padding 1: side -> ceil(side / 2).
Result<std::unique_ptr<Step>> make_max_pool_step(OneDnn& library, Plan& plan, MapShape shape, Slice src, Slice dst);

}  // namespace dfa
