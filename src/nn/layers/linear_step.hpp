// Linear layers by oneDNN's matmul: weights packed once, everything that follows a product fused into it.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "nn/layers/linear_weights.hpp"
#include "nn/layers/onednn.hpp"
#include "nn/layers/weight_store.hpp"
#include "nn/ops/gemm.hpp"
#include "nn/plan/plan.hpp"

namespace dfa {

// Weights in the layout that the machine's kernel likes best for about `rows` rows.
class PackedLinear {
 public:
  // Errors: internal (oneDNN), out_of_memory.
  static Result<PackedLinear> pack(OneDnn& library, WeightStore& store, const LinearWeights& layer, int rows,
                                   Element element);

  int in() const { return in_; }
  int out() const { return out_; }
  Element element() const { return element_; }  // of weights and input; bias and sums are f32
  const dnnl::memory& weight() const { return weight_; }
  const dnnl::memory& bias() const { return bias_; }

 private:
  int in_ = 0;
  int out_ = 0;
  Element element_ = Element::f32;
  dnnl::memory weight_;
  dnnl::memory bias_;
};

// dst (rows, out) = after(src (rows, in) W^T + b). src is of the layer's element, dst of
// either. `layer` outlives the step. Errors: internal.
Result<std::unique_ptr<Step>> make_linear_step(OneDnn& library, Plan& plan, const PackedLinear& layer, int rows,
                                               Slice src, Slice dst, After after);

}  // namespace dfa
