#include "train/nets/scaled_linear.hpp"

#include "train/nets/autocast.hpp"
#include "train/nets/vit.hpp"

namespace dfa::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

enum Input { kTokens, kWeight, kBias, kScale };

at::Tensor column(const at::Tensor& scale) {
  return scale.unsqueeze(1);
}

class ScaledLinear : public torch::autograd::Function<ScaledLinear> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& tokens, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& scale) {
    const at::Tensor rows = tokens.contiguous().reshape({-1, tokens.size(-1)});
    context->save_for_backward({rows, weight, bias, scale});
    return (at::linear(rows, weight, bias) * scale).view({tokens.size(0), tokens.size(1), weight.size(0)});
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &rows = saved[kTokens], &weight = saved[kWeight], &bias = saved[kBias], &scale = saved[kScale];
    const at::Tensor out = gradients[0].contiguous(), g = out.view({-1, out.size(-1)});
    const bool to_scale = context->needs_input_grad(kScale);
    variable_list to(4);
    if (context->needs_input_grad(kTokens))
      to[kTokens] = at::mm(g, weight * column(scale)).view({out.size(0), out.size(1), rows.size(1)});
    const bool to_weight = to_scale || context->needs_input_grad(kWeight);
    const bool to_bias = to_scale || context->needs_input_grad(kBias);
    const at::Tensor at_weight = to_weight ? at::mm(g.t(), rows) : at::Tensor();
    const at::Tensor at_bias = to_bias ? g.sum(0) : at::Tensor();
    if (context->needs_input_grad(kWeight)) to[kWeight] = at_weight * column(scale);
    if (context->needs_input_grad(kBias)) to[kBias] = at_bias * scale;
    if (to_scale) {
      const at::Tensor by_output = (at_weight * weight).sum(1) + at_bias * bias;
      to[kScale] = scale.numel() == 1 ? by_output.sum().view(scale.sizes()) : by_output;
    }
    return to;
  }
};

}  // namespace

at::Tensor scaled_linear(const at::Tensor& tokens, const at::Tensor& weight, const at::Tensor& bias,
                         const at::Tensor& scale) {
  if (is_autocast_on(tokens)) return linear_tokens(tokens, weight * column(scale), bias * scale);
  return ScaledLinear::apply(tokens, weight, bias, scale);
}

}  // namespace dfa::train
