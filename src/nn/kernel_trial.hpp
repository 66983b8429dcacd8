// One kernel of the engine alone, at a size of the caller's: what `dfa bench --kernels` times.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "base/result.hpp"
#include "nn/network.hpp"
#include "nn/ops/gemm.hpp"

namespace dfa {

// y (rows, out) = after(x (rows, in) W^T + b)
struct LinearTrial {
  int rows = 0;
  int in = 0;
  int out = 0;
  After after = After::nothing;
};

// out (N, Tq, H * d) = softmax(q k^T) v, k and v side by side as the engine has them.
struct AttentionTrial {
  int images = 0;   // N
  int heads = 0;    // H
  int queries = 0;  // Tq
  int keys = 0;     // Tk
  int head_dim = 0;
};

using KernelShape = std::variant<LinearTrial, AttentionTrial>;

class KernelTrial {
 public:
  virtual ~KernelTrial() = default;
  // The kernel once, on operands that stay the same. Errors: internal.
  virtual Status run() = 0;
  // As the trace of class dispatch has them: "linear", "1576x768x3072", "bf16", "amx_bf16".
  virtual std::string op() const = 0;
  virtual std::string shape() const = 0;
  virtual std::string element() const = 0;
  virtual std::string kernel() const = 0;
};

// Multiplications and additions of one run, the products' alone.
double trial_operations(const KernelShape& shape);
// Bytes of operands and results in f32, an upper bound of what a trial keeps.
double trial_bytes(const KernelShape& shape);

// The kernel that the engine of `precision` takes here for that size, with operands made up. What the engine stores
// narrow is stored narrow: with int8 a linear layer behind an activation, and attention, write codes.
// Requires sizes of at least 1. Errors: usage for ref, which has no kernels, and for bf16 where the processor has none;
// out_of_memory; internal (oneDNN).
Result<std::unique_ptr<KernelTrial>> make_kernel_trial(const KernelShape& shape, Precision precision, int threads);

}  // namespace dfa
