#include "nn/layers/token_steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/isa.hpp"
#include "nn/layers/kernel_step.hpp"
#include "nn/ops/attention_amx.hpp"
#include "nn/ops/attention_vnni.hpp"
#include "nn/plan/value.hpp"

namespace dfa {
namespace {

class LayerNormStep final : public KernelStep {
 public:
  LayerNormStep(const LayerNormShape& shape, const NormWeights& weights, Slice src, Slice dst, int threads)
      : KernelStep({src, dst}), shape_(shape), weights_(weights), threads_(threads) {}
  Status run(const RunContext&) override {
    const bool affine = !weights_.weight.empty();
    const float* weight = affine ? weights_.weight.data() : nullptr;
    const float* bias = affine ? weights_.bias.data() : nullptr;
    switch (element_of(1)) {
      case Element::f32:
        layer_norm(shape_, pointer(0), weight, bias, pointer(1), threads_);
        break;
      case Element::bf16:
        layer_norm_bf16(shape_, pointer(0), weight, bias, narrow(1), threads_);
        break;
      case Element::u8:
        layer_norm_u8(shape_, pointer(0), weight, bias, *codes_of(1), codes(1), threads_);
        break;
    }
    return {};
  }
  std::string_view op() const override { return "layer_norm"; }
  std::string shape() const override { return fmt::format("{}x{}", shape_.rows, shape_.dim); }
  std::string kernel() const override { return "highway"; }

 private:
  LayerNormShape shape_;
  const NormWeights& weights_;
  int threads_;
};

enum class AttentionKernel { highway, amx, vnni };

// Whole numbers serve the int8 engine alone: its results become codes. Beside tiles they would take only heads that do
// not fill one, which are small, at more error than bf16.
AttentionKernel attention_kernel(const AttentionShape& shape, Element operands, Element out) {
  if (operands == Element::bf16 && has_amx() && fits_amx(shape)) return AttentionKernel::amx;
  if (out == Element::u8 && has_avx512_vnni() && !has_amx()) return AttentionKernel::vnni;
  return AttentionKernel::highway;
}

std::size_t scratch_of(AttentionKernel kernel, const AttentionShape& shape, int threads) {
  switch (kernel) {
    case AttentionKernel::amx:
      return attention_amx_scratch(shape, threads);
    case AttentionKernel::vnni:
      return attention_vnni_scratch(shape, threads);
    case AttentionKernel::highway:
      break;
  }
  return attention_scratch(shape, threads);
}

class AttentionStep final : public KernelStep {
 public:
  AttentionStep(AttentionKernel kernel, const AttentionShape& shape, Slice q, Slice k, Slice v, Slice out,
                Slice scratch, int threads)
      : KernelStep({q, k, v, out, scratch}), kernel_(kernel), shape_(shape), threads_(threads) {}
  Status run(const RunContext&) override {
    const AttentionOut out{bytes(3), element_of(3), codes_of(3)};
    if (element() == Element::bf16)
      bf16_kernel()(shape_, narrow(0), narrow(1), narrow(2), out, pointer(4), threads_);
    else
      (kernel_ == AttentionKernel::vnni ? attention_vnni : attention)(shape_, pointer(0), pointer(1), pointer(2), out,
                                                                      pointer(4), threads_);
    return {};
  }
  std::string_view op() const override { return "attention"; }
  std::string shape() const override {
    return fmt::format("{}x{}x{}x{}x{}", shape_.images, shape_.heads, shape_.queries, shape_.keys, shape_.head_dim);
  }
  std::string kernel() const override {
    switch (kernel_) {
      case AttentionKernel::amx:
        return "amx";
      case AttentionKernel::vnni:
        return "avx512_vnni";
      case AttentionKernel::highway:
        break;
    }
    return "highway";
  }

 private:
  decltype(&attention_bf16) bf16_kernel() const {
    switch (kernel_) {
      case AttentionKernel::amx:
        return attention_amx;
      case AttentionKernel::vnni:
        return attention_vnni_bf16;
      case AttentionKernel::highway:
        break;
    }
    return attention_bf16;
  }

  AttentionKernel kernel_;
  AttentionShape shape_;
  int threads_;
};

class TurnStep final : public KernelStep {
 public:
  TurnStep(const RotaryTable& table, const TurnedRows& rows, int threads)
      : KernelStep({rows.values}), table_(table), rows_(rows), threads_(threads) {}
  Status run(const RunContext&) override {
    const std::size_t row = to_size(rows_.row);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int image = 0; image < rows_.images; ++image) {
      const std::size_t first = (to_size(image) * to_size(rows_.tokens) + to_size(rows_.prefix)) * row;
      if (element() == Element::bf16)
        turn_heads_bf16(table_, rows_.heads, narrow(0) + first, row);
      else
        turn_heads(table_, rows_.heads, pointer(0) + first, row);
    }
    return {};
  }
  std::string_view op() const override {
    return "turn";
  }
  std::string shape() const override {
    return fmt::format("{}x{}x{}x{}", rows_.images, rows_.tokens, rows_.heads, 2 * table_.half);
  }

 private:
  const RotaryTable& table_;
  TurnedRows rows_;
  int threads_;
};

float activate(Activation activation, float x) {
  constexpr float kQuickGeluSlope = 1.702F;
  switch (activation) {
    case Activation::gelu:
      return 0.5F * x * (1.0F + std::erf(x / std::numbers::sqrt2_v<float>));
    case Activation::quick_gelu:
      return x / (1.0F + std::exp(-kQuickGeluSlope * x));
    case Activation::silu:
      break;
  }
  return x / (1.0F + std::exp(-x));
}

class GateStep final : public KernelStep {
 public:
  GateStep(int rows, int width, Activation activation, Slice src, Slice dst, int threads)
      : KernelStep({src, dst}), rows_(rows), width_(width), activation_(activation), threads_(threads) {}
  Status run(const RunContext&) override {
    const std::size_t width = to_size(width_);
#pragma omp parallel for num_threads(threads_) schedule(static)
    for (int row = 0; row < rows_; ++row) {
      const std::size_t src = to_size(row) * 2 * width, dst = to_size(row) * width;
      if (element_of(1) == Element::u8)
        gate_codes(src, dst, width);
      else if (element() == Element::bf16)
        gate_row(narrow(0) + src, narrow(1) + dst, width);
      else
        gate_row(pointer(0) + src, pointer(1) + dst, width);
    }
    return {};
  }
  std::string_view op() const override {
    return "gate";
  }
  std::string shape() const override {
    return fmt::format("{}x{}", rows_, width_);
  }

 private:
  template <class From, class To>
  void gate_row(const From* src, To* dst, std::size_t width) const {
    for (std::size_t i = 0; i < width; ++i) store(activate(activation_, wide(src[i])) * wide(src[width + i]), dst[i]);
  }

  void gate_codes(std::size_t src, std::size_t dst, std::size_t width) const {
    std::vector<float> gated(width);
    if (element() == Element::bf16)
      gate_row(narrow(0) + src, gated.data(), width);
    else
      gate_row(pointer(0) + src, gated.data(), width);
    encode_row(gated.data(), *codes_of(1), codes(1) + dst);
  }

  int rows_, width_;
  Activation activation_;
  int threads_;
};

class NarrowStep final : public KernelStep {
 public:
  NarrowStep(int rows, int channels, Slice src, Slice dst, int threads)
      : KernelStep({src, dst}), rows_(rows), channels_(channels), threads_(threads) {}
  Status run(const RunContext&) override {
    if (element_of(1) == Element::u8)
      encode_values(pointer(0), rows_, *codes_of(1), codes(1), threads_);
    else
      narrow_values(pointer(0), to_size(rows_) * to_size(channels_), narrow(1), threads_);
    return {};
  }
  std::string_view op() const override { return "narrow"; }
  std::string shape() const override { return fmt::format("{}x{}", rows_, channels_); }
  std::string kernel() const override { return "highway"; }

 private:
  int rows_, channels_, threads_;
};

}  // namespace

std::unique_ptr<Step> make_layer_norm_step(const LayerNormShape& shape, const NormWeights& weights, Slice src,
                                           Slice dst, int threads) {
  return std::make_unique<LayerNormStep>(shape, weights, src, dst, threads);
}

std::unique_ptr<Step> make_attention_step(Plan& plan, const AttentionShape& shape, Slice q, Slice k, Slice v, Slice out,
                                          int threads) {
  const AttentionKernel kernel = attention_kernel(shape, q.element, out.element);
  const Slice scratch = plan.add_buffer(scratch_of(kernel, shape, threads));
  return std::make_unique<AttentionStep>(kernel, shape, q, k, v, out, scratch, threads);
}

std::unique_ptr<Step> make_turn_step(const RotaryTable& table, const TurnedRows& rows, int threads) {
  return std::make_unique<TurnStep>(table, rows, threads);
}

std::unique_ptr<Step> make_gate_step(int rows, int width, Activation activation, Slice src, Slice dst, int threads) {
  return std::make_unique<GateStep>(rows, width, activation, src, dst, threads);
}

std::unique_ptr<Step> make_narrow_step(int rows, int channels, Slice src, Slice dst, int threads) {
  return std::make_unique<NarrowStep>(rows, channels, src, dst, threads);
}

}  // namespace dfa
