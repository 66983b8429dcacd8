#include "train/nets/norm_linear.hpp"

#include <ATen/Parallel.h>

#include <array>
#include <functional>
#include <tuple>
#include <vector>

#include "train/nets/autocast.hpp"
#include "train/nets/bf16_bits.hpp"
#include "train/nets/vit.hpp"

namespace dfa::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kRowsATask = 16;
// Sums over rows are taken in this many parts, whatever the number of threads: the same sums to the bit.
constexpr std::int64_t kParts = 16;

enum Saved { kX, kMoments, kNormWeight, kNormBias, kWeight };
enum Input { kInX, kInNormWeight, kInNormBias, kInWeight, kInBias };

RowMoments moments_of(const float* moments, std::int64_t row) {
  return {moments[2 * row], moments[2 * row + 1]};
}

void for_rows(std::int64_t rows, const std::function<void(std::int64_t)>& work) {
  at::parallel_for(0, rows, kRowsATask, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t row = from; row < to; ++row) work(row);
  });
}

at::Tensor moments_of_rows(const at::Tensor& x, double eps) {  // (R, D) -> (R, 2)
  at::Tensor moments = at::empty({x.size(0), 2}, x.options());
  const auto dim = static_cast<std::size_t>(x.size(1));
  for_rows(x.size(0), [&, from = x.const_data_ptr<float>(), to = moments.data_ptr<float>()](std::int64_t row) {
    const RowMoments one = row_moments(from + row * x.size(1), dim, static_cast<float>(eps));
    to[2 * row] = one.mean;
    to[2 * row + 1] = one.scale;
  });
  return moments;
}

at::Tensor normalized(const at::Tensor& x, const at::Tensor& moments, const at::Tensor& weight,
                      const at::Tensor& bias) {
  at::Tensor y = at::empty(x.sizes(), x.options().dtype(at::kBFloat16));
  const auto dim = static_cast<std::size_t>(x.size(1));
  for_rows(x.size(0), [&, from = x.const_data_ptr<float>(), to = bits(y)](std::int64_t row) {
    normalize_row(from + row * x.size(1), moments_of(moments.const_data_ptr<float>(), row),
                  weight.const_data_ptr<float>(), bias.const_data_ptr<float>(), dim, to + row * x.size(1));
  });
  return y;
}

void input_gradient(const at::Tensor& x, const at::Tensor& moments, const at::Tensor& weight, const at::Tensor& dy,
                    const at::Tensor& dx) {
  const auto dim = static_cast<std::size_t>(x.size(1));
  for_rows(x.size(0), [&, to = dx.data_ptr<float>()](std::int64_t row) {
    const std::int64_t at = row * x.size(1);
    row_input_gradient(x.const_data_ptr<float>() + at, moments_of(moments.const_data_ptr<float>(), row),
                       weight.const_data_ptr<float>(), const_bits(dy) + at, dim, to + at);
  });
}

// Calls add(row, sums) for every row, with the sums (count, dim) of the part that the row is in; -> the sums of all.
at::Tensor summed(std::int64_t rows, std::int64_t count, std::int64_t dim, const at::TensorOptions& options,
                  const std::function<void(std::int64_t, float*)>& add) {
  at::Tensor parts = at::zeros({kParts, count, dim}, options);
  at::parallel_for(0, kParts, 1, [&, sums = parts.data_ptr<float>()](std::int64_t from, std::int64_t to) {
    for (std::int64_t part = from; part < to; ++part)
      for (std::int64_t row = rows * part / kParts; row < rows * (part + 1) / kParts; ++row)
        add(row, sums + part * count * dim);
  });
  return parts.sum(0);
}

// -> (2, D): the gradients at the norm's weight and bias. `dx`: that at x as well, in the same pass over the rows; may
// be undefined.
at::Tensor affine_gradients(const at::Tensor& x, const at::Tensor& moments, const at::Tensor& weight,
                            const at::Tensor& dy, const at::Tensor& dx) {
  const std::int64_t dim = x.size(1);
  float* to = dx.defined() ? dx.data_ptr<float>() : nullptr;
  return summed(x.size(0), 2, dim, x.options(), [&](std::int64_t row, float* sums) {
    const float* from = x.const_data_ptr<float>() + row * dim;
    const RowMoments one = moments_of(moments.const_data_ptr<float>(), row);
    const Bf16Bits* out = const_bits(dy) + row * dim;
    add_row_affine_gradient(from, one, out, static_cast<std::size_t>(dim), sums, sums + dim);
    if (to != nullptr)
      row_input_gradient(from, one, weight.const_data_ptr<float>(), out, static_cast<std::size_t>(dim), to + row * dim);
  });
}

at::Tensor column_sums(const at::Tensor& g) {  // (R, D) bf16 -> (D) f32
  const std::int64_t dim = g.size(1);
  return summed(g.size(0), 1, dim, g.options().dtype(at::kFloat),
                [&](std::int64_t row, float* sums) {
                  add_row(const_bits(g) + row * dim, static_cast<std::size_t>(dim), sums);
                })
      .squeeze(0);
}

class NormLinear : public torch::autograd::Function<NormLinear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& norm_weight,
                            const at::Tensor& norm_bias, const at::Tensor& weight, const at::Tensor& bias, double eps) {
    const c10::impl::ExcludeDispatchKeyGuard as_it_comes(c10::DispatchKey::AutocastCPU);
    const at::Tensor rows = x.contiguous().view({-1, x.size(-1)});
    const at::Tensor moments = moments_of_rows(rows, eps);
    const at::Tensor narrow_weight = weight.to(at::kBFloat16).contiguous();
    context->save_for_backward({rows, moments, norm_weight, norm_bias, narrow_weight});
    context->saved_data["weight type"] = static_cast<std::int64_t>(weight.scalar_type());
    const at::Tensor y = normalized(rows, moments, norm_weight, norm_bias);
    return at::linear(y, narrow_weight, bias.to(at::kBFloat16)).view({x.size(0), x.size(1), weight.size(0)});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[kX], &moments = saved[kMoments];
    const at::Tensor out = gradients[0].to(at::kBFloat16).contiguous();
    const at::Tensor g = out.view({-1, out.size(-1)});
    variable_list to(6);  // x, norm's weight and bias, weight, bias, eps
    if (context->needs_input_grad(kInWeight)) {
      const at::Tensor y = normalized(x, moments, saved[kNormWeight], saved[kNormBias]);
      to[kInWeight] = at::mm(g.t(), y).to(static_cast<at::ScalarType>(context->saved_data["weight type"].toInt()));
    }
    if (context->needs_input_grad(kInBias)) to[kInBias] = column_sums(g);
    const bool affine = context->needs_input_grad(kInNormWeight) || context->needs_input_grad(kInNormBias);
    if (!affine && !context->needs_input_grad(kInX)) return to;
    const at::Tensor dy = at::mm(g, saved[kWeight]);
    const at::Tensor dx = context->needs_input_grad(kInX) ? at::empty_like(x) : at::Tensor();
    if (affine) {
      const at::Tensor both = affine_gradients(x, moments, saved[kNormWeight], dy, dx);
      to[kInNormWeight] = both[0];
      to[kInNormBias] = both[1];
    } else {
      input_gradient(x, moments, saved[kNormWeight], dy, dx);
    }
    if (dx.defined()) to[kInX] = dx.view({out.size(0), out.size(1), x.size(1)});
    return to;
  }
};

// The two modules by torch's own operators, but for what is kept.
class KeepingX : public torch::autograd::Function<KeepingX> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& norm_weight,
                            const at::Tensor& norm_bias, const at::Tensor& weight, const at::Tensor& bias, double eps) {
    const auto [y, mean, scale] = at::native_layer_norm(x, {x.size(-1)}, norm_weight, norm_bias, eps);
    context->save_for_backward({x, mean, scale, norm_weight, norm_bias, weight});
    context->saved_data["eps"] = eps;
    return linear_tokens(y, weight, bias);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &mean = saved[1], &scale = saved[2], &norm_weight = saved[3], &norm_bias = saved[4];
    const at::Tensor out = gradients[0].contiguous(), g = out.view({-1, out.size(-1)});
    const std::vector<std::int64_t> shape = {x.size(-1)};
    variable_list to(6);  // as in NormLinear
    if (context->needs_input_grad(kInWeight)) {
      const at::Tensor y =
          std::get<0>(at::native_layer_norm(x, shape, norm_weight, norm_bias, context->saved_data["eps"].toDouble()));
      to[kInWeight] = at::mm(g.t(), y.view({-1, x.size(-1)}));
    }
    if (context->needs_input_grad(kInBias)) to[kInBias] = g.sum(0);
    const std::array<bool, 3> wanted = {context->needs_input_grad(kInX), context->needs_input_grad(kInNormWeight),
                                        context->needs_input_grad(kInNormBias)};
    if (!wanted[0] && !wanted[1] && !wanted[2]) return to;
    const at::Tensor dy = at::mm(g, saved[5]).view(x.sizes());
    std::tie(to[kInX], to[kInNormWeight], to[kInNormBias]) =
        at::native_layer_norm_backward(dy, x, shape, mean, scale, norm_weight, norm_bias, wanted);
    return to;
  }
};

}  // namespace

bool is_narrowed(const at::Tensor& x) {
  return at::autocast::is_autocast_enabled(at::kCPU) && at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16 &&
         x.scalar_type() == at::kFloat && x.device().is_cpu();
}

at::Tensor norm_linear(torch::nn::LayerNorm& norm, const at::Tensor& x, const at::Tensor& weight,
                       const at::Tensor& bias) {
  if (!is_narrowed(x)) {
    const bool keeps_less = weight.requires_grad() && !is_autocast_on(x);
    if (keeps_less) return KeepingX::apply(x, norm->weight, norm->bias, weight, bias, norm->options.eps());
    return linear_tokens(norm->forward(x), weight, bias);
  }
  return NormLinear::apply(x, norm->weight, norm->bias, weight, bias, norm->options.eps());
}

}  // namespace dfa::train
