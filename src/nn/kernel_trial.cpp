#include "nn/kernel_trial.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "nn/isa.hpp"
#include "nn/layers/kernel_step.hpp"
#include "nn/layers/linear_step.hpp"
#include "nn/layers/token_steps.hpp"
#include "nn/plan/arena.hpp"
#include "nn/plan/value.hpp"

namespace dfa {
namespace {

constexpr std::size_t kValuePeriod = 10007;  // a prime: rows do not repeat

// Values of the size of a unit, the same for every format.
float made_value(std::size_t i) {
  return std::sin(static_cast<float>(i % kValuePeriod));
}

// Fills a slice when the plan first runs; every further run finds it filled.
class FillStep final : public KernelStep {
 public:
  FillStep(Slice dst, std::size_t count) : KernelStep({dst}), count_(count) {}
  Status run(const RunContext&) override {
    for (std::size_t i = 0; i < count_; ++i) {
      switch (element()) {
        case Element::f32:
          pointer(0)[i] = made_value(i);
          break;
        case Element::bf16:
          store(made_value(i), narrow(0)[i]);
          break;
        case Element::u8:
          codes(0)[i] = code_of(made_value(i), codes_of(0)->multipliers.front(), codes_of(0)->zero_point);
          break;
      }
    }
    count_ = 0;
    return {};
  }
  std::string_view op() const override { return "fill"; }
  std::string shape() const override { return std::to_string(count_); }

 private:
  std::size_t count_;
};

// Codes that cover made_value().
Codes codes_for(int channels) {
  return {std::vector<float>(to_size(channels), 127.0F), 128};
}

LinearWeights made_layer(const LinearTrial& shape) {
  LinearWeights layer{shape.in, shape.out, std::vector<float>(to_size(shape.in) * to_size(shape.out)),
                      std::vector<float>(to_size(shape.out))};
  const float scale = 1.0F / std::sqrt(static_cast<float>(shape.in));
  for (std::size_t i = 0; i < layer.weight.size(); ++i) layer.weight[i] = scale * made_value(i);
  return layer;
}

class PlannedTrial final : public KernelTrial {
 public:
  PlannedTrial(Precision precision, int threads) : precision_(precision), threads_(threads) {}

  Status prepare(const LinearTrial& shape) {
    const Element reads = precision_ == Precision::int8 ? Element::u8 : wide_element();
    src_codes_ = codes_for(shape.in);
    dst_codes_ = codes_for(shape.out);
    const Slice src = filled(to_size(shape.rows) * to_size(shape.in), reads, src_codes_);
    const std::size_t results = to_size(shape.rows) * to_size(shape.out);
    const Slice dst = shape.after == After::add_to_destination ? filled(results, Element::f32, dst_codes_)
                                                               : buffer(results, linear_result(shape), dst_codes_);
    const ThreadCount count(threads_);
    DFA_ASSIGN_OR_RETURN(layer_, PackedLinear::pack(library_, store_, made_layer(shape), shape.rows,
                                                    {reads, reads == Element::u8 ? &src_codes_ : nullptr}));
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<Step> step,
                         make_linear_step(library_, plan_, layer_, shape.rows, src, dst, shape.after, threads_));
    return finish(std::move(step));
  }

  Status prepare(const AttentionTrial& shape) {
    const std::size_t dim = to_size(shape.heads) * to_size(shape.head_dim);
    const std::size_t queries = to_size(shape.queries), keys = to_size(shape.keys), images = to_size(shape.images);
    dst_codes_ = codes_for(static_cast<int>(dim));
    const Slice q = filled(images * queries * dim, wide_element(), dst_codes_);
    const Slice kv = filled(images * keys * 2 * dim, wide_element(), dst_codes_);
    const Element result = precision_ == Precision::int8 ? Element::u8 : wide_element();
    const Slice out = buffer(images * queries * dim, result, dst_codes_);
    const AttentionShape layout{.images = shape.images,
                                .heads = shape.heads,
                                .head_dim = shape.head_dim,
                                .queries = shape.queries,
                                .keys = shape.keys,
                                .q = {queries * dim, dim},
                                .kv = {keys * 2 * dim, 2 * dim},
                                .out = {queries * dim, dim}};
    return finish(make_attention_step(plan_, layout, q, kv, kv.at(dim), out, threads_));
  }

  Status run() override {
    const ThreadCount count(threads_);
    return plan_.run({}, nullptr);
  }
  std::string op() const override { return std::string(step_->op()); }
  std::string shape() const override { return step_->shape(); }
  std::string element() const override { return std::string(element_name(step_->element())); }
  std::string kernel() const override { return step_->kernel(); }

 private:
  // Of what is not quantised.
  Element wide_element() const {
    const bool bf16 = precision_ == Precision::bf16 || (precision_ == Precision::int8 && has_bf16_products());
    return bf16 ? Element::bf16 : Element::f32;
  }
  // int8 keeps codes between the two layers of an MLP; what attention reads is wide.
  Element linear_result(const LinearTrial& shape) const {
    return precision_ == Precision::int8 && shape.after != After::nothing ? Element::u8 : wide_element();
  }
  Slice buffer(std::size_t count, Element element, const Codes& codes) {
    return plan_.add_buffer(count, element, element == Element::u8 ? &codes : nullptr);
  }
  Slice filled(std::size_t count, Element element, const Codes& codes) {
    const Slice slice = buffer(count, element, codes);
    plan_.add_step(Part::blocks, "fill", std::make_unique<FillStep>(slice, count));
    return slice;
  }
  Status finish(std::unique_ptr<Step> step) {
    step_ = step.get();
    plan_.add_step(Part::blocks, "trial", std::move(step));
    DFA_ASSIGN_OR_RETURN(workspace_, Arena::reserve(plan_.lay_out()));
    plan_.bind(workspace_.data());
    return {};
  }

  Precision precision_;
  int threads_;
  OneDnn library_;
  WeightStore store_;
  Codes src_codes_, dst_codes_;
  PackedLinear layer_;
  Plan plan_;
  Arena workspace_;
  Step* step_ = nullptr;
};

}  // namespace

double trial_operations(const KernelShape& shape) {
  if (const auto* linear = std::get_if<LinearTrial>(&shape)) return 2.0 * linear->rows * linear->in * linear->out;
  const auto& attention = std::get<AttentionTrial>(shape);
  return 4.0 * attention.images * attention.heads * attention.queries * attention.keys * attention.head_dim;
}

double trial_bytes(const KernelShape& shape) {
  const double size = sizeof(float);
  if (const auto* linear = std::get_if<LinearTrial>(&shape)) {
    const double rows = linear->rows, in = linear->in, out = linear->out;
    return size * (rows * (in + out) + 2.0 * in * out);  // weights twice: as made and as packed
  }
  const auto& attention = std::get<AttentionTrial>(shape);
  const double dim = static_cast<double>(attention.heads) * attention.head_dim;
  return size * attention.images * dim * (2.0 * attention.queries + 2.0 * attention.keys);
}

Result<std::unique_ptr<KernelTrial>> make_kernel_trial(const KernelShape& shape, Precision precision, int threads) {
  if (precision == Precision::ref)
    return fail(ErrorCode::usage, "engine ref is plain loops and has no kernels to time\n  next step: --engine f32");
  if (precision == Precision::bf16 && !has_bf16_products())
    return fail(ErrorCode::usage,
                "engine bf16 needs a processor with AVX512-BF16 or AMX, this one offers {}\n  next step: --engine f32",
                effective_isa());
  cap_highway();
  auto trial = std::make_unique<PlannedTrial>(precision, threads);
  DFA_TRY(std::visit([&](const auto& size) { return trial->prepare(size); }, shape));
  return trial;
}

}  // namespace dfa
