#include "train/nets/activation.hpp"

#include "nn/vit/weight_reader.hpp"

namespace dfa::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// x sigmoid(s x) = silu(s x) / s, s the slope of quick-GELU.
at::Tensor quick_gelu(const at::Tensor& x) {
  at::Tensor y = x * kQuickGeluSlope;
  return at::silu_(y).div_(kQuickGeluSlope);
}

// No gradient.
at::Tensor values_of(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return at::gelu(x);
    case Activation::quick_gelu:
      return quick_gelu(x);
    case Activation::silu:
      return at::silu(x);
  }
  return x;
}

// The gradient at x, of that at activation(x).
at::Tensor gradient_at(const at::Tensor& x, Activation activation, const at::Tensor& gradient) {
  switch (activation) {
    case Activation::gelu:
      return at::gelu_backward(gradient, x);
    case Activation::quick_gelu:
      return at::silu_backward(gradient, x * kQuickGeluSlope);  // the slope and its inverse cancel
    case Activation::silu:
      return at::silu_backward(gradient, x);
  }
  return gradient;
}

class QuickGelu : public torch::autograd::Function<QuickGelu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x) {
    context->save_for_backward({x});
    return quick_gelu(x);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    return {gradient_at(context->get_saved_variables()[0], Activation::quick_gelu, gradients[0])};
  }
};

class Gated : public torch::autograd::Function<Gated> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& both, std::int64_t activation) {
    context->save_for_backward({both});
    context->saved_data["activation"] = activation;
    const auto halves = both.chunk(2, -1);
    return values_of(halves[0], static_cast<Activation>(activation)).mul_(halves[1]);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const auto halves = context->get_saved_variables()[0].chunk(2, -1);
    const at::Tensor to_first = gradient_at(halves[0], activation, gradients[0] * halves[1]);
    return {at::cat({to_first, values_of(halves[0], activation).mul_(gradients[0])}, -1), at::Tensor()};
  }
};

}  // namespace

at::Tensor activated(const at::Tensor& x, Activation activation) {
  return activation == Activation::quick_gelu ? QuickGelu::apply(x) : values_of(x, activation);
}

at::Tensor gated(const at::Tensor& both, Activation activation) {
  return Gated::apply(both, static_cast<std::int64_t>(activation));
}

}  // namespace dfa::train
