// What the fused plan is written with: buffers in the right format, and the steps that every part of a network uses.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>

#include "nn/layers/conv_step.hpp"
#include "nn/layers/token_steps.hpp"
#include "nn/vit/fused_plan.hpp"

namespace dfa {

// Tokens of all images, (N * tokens, D), and their normalised form while it is current.
struct Stream {
  Slice values;
  int tokens = 0;
  std::optional<Slice> normalised;
};

// What attention reads: D columns of a projection whose rows are row_values long.
struct Projection {
  Slice values;
  int tokens = 0;
  int row_values = 0;
};

class PlanWriter {
 public:
  PlanWriter(OneDnn& library, const NetworkConfig& config, const FusedPlanOptions& options)
      : library_(library), config_(config), options_(options) {}

  const FusedPlanOptions& options() const { return options_; }
  Plan& plan() { return plan_; }

  // Buffers. What lies between two products and is not quantised:
  Slice add_rows(int rows, int width);
  // Queries, keys or values, which come from `products` and are attended to for `reader`; one format for all.
  Slice add_attended_rows(int rows, int width, std::initializer_list<const PackedLinear*> products,
                          const PackedLinear& reader);
  // What `reader` reads, in its format.
  Slice add_input(int rows, const PackedLinear& reader);
  Slice add_map(const MapShape& shape, const LayerInput& reader);
  // The streams themselves and what the head reads, `tokens` of each image: f32 in every engine.
  Slice add_wide_rows(int tokens, int width);

  void add_step(Part part, std::string name, std::unique_ptr<Step> step);
  // dst = after(src W^T + b); dst of any format. Errors: internal (oneDNN).
  Status add_linear(Part part, const std::string& name, const PackedLinear& layer, int rows, Slice src, Slice dst,
                    After after);
  void add_layer_norm(Part part, const std::string& name, int rows, const NormWeights& norm, Slice src, Slice dst);
  // The stream without mean and deviation, as `reader` reads it; weight and bias are in that layer. Made once for all
  // its readers, which share one format.
  Slice normalised(Part part, const std::string& name, Stream& stream, const PackedLinear& reader);
  // Of `images` images. Returns (images * q.tokens, D), as `reader` reads it.
  Slice add_attention(Part part, const std::string& name, int images, int heads, Projection q, Projection k,
                      Projection v, const PackedLinear& reader);
  // Token 0 of every image as a stream of its own.
  Stream first_rows(Part part, const std::string& name, const Stream& stream);
  // Calibration sees each site once, where the first of its readers reads it.
  void observe_site(Part part, const std::string& reader, const LayerInput& input, int rows, int width, Slice src);
  // dst = ReLU(conv(src) + b), dst of any format. Errors: internal (oneDNN).
  Status add_conv(Part part, const std::string& name, const PackedConv& layer, const MapShape& shape, Slice src,
                  Slice dst);

 private:
  Status add_encoded(Part part, const std::string& name, const PackedLinear& layer, int rows, Slice src, Slice dst,
                     After after);

  OneDnn& library_;
  const NetworkConfig& config_;
  FusedPlanOptions options_;
  std::map<std::string, std::string> first_readers_;  // by site
  Plan plan_;
};

// A LayerNorm whose weight and bias are in the layer behind it.
inline const NormWeights kNoAffine;

}  // namespace dfa
