// Linear layers: weights packed once, everything that follows a product fused into it.
#pragma once

#include <memory>
#include <optional>

#include "base/result.hpp"
#include "nn/layers/layer_input.hpp"
#include "nn/layers/linear_weights.hpp"
#include "nn/layers/onednn.hpp"
#include "nn/layers/weight_store.hpp"
#include "nn/ops/gemm.hpp"
#include "nn/plan/plan.hpp"

namespace dfa {

// Weights in the layout that the machine's kernel likes best for about `rows` rows: a kernel of our own for codes and,
// with AMX, for bf16; else oneDNN's.
class PackedLinear {
 public:
  // Errors: internal (oneDNN), out_of_memory.
  static Result<PackedLinear> pack(OneDnn& library, WeightStore& store, const LinearWeights& layer, int rows,
                                   const LayerInput& input);

  int in() const { return in_; }
  int out() const { return out_; }
  const LayerInput& input() const { return input_; }
  // Null: the product is oneDNN's.
  const PackedMatrix* own() const { return own_ ? &*own_ : nullptr; }
  const dnnl::memory& weight() const { return weight_; }
  const dnnl::memory& bias() const { return bias_; }

 private:
  Status pack_own(WeightStore& store, const LinearWeights& layer, GemmKernel kernel);
  Status pack_onednn(OneDnn& library, WeightStore& store, const LinearWeights& layer, int rows);

  int in_ = 0;
  int out_ = 0;
  LayerInput input_;
  std::optional<PackedMatrix> own_;
  dnnl::memory weight_;
  dnnl::memory bias_;
};

// dst (rows, out) = after(src (rows, in) W^T + b). src is of the layer's format, dst of any where the product is our
// own, else f32 or bf16. `layer` outlives the step. Errors: internal.
Result<std::unique_ptr<Step>> make_linear_step(OneDnn& library, Plan& plan, const PackedLinear& layer, int rows,
                                               Slice src, Slice dst, After after, int threads);

}  // namespace dfa
