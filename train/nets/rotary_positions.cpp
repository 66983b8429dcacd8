#include "train/nets/rotary_positions.hpp"

#include "nn/ops/rotary.hpp"

namespace dfa::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor as_tensor(const std::vector<float>& values, const RotaryTable& table) {
  return torch::tensor(values, at::kFloat).view({table.patches, table.half});
}

// q and k of the patches: (N, patches, 2 H, 2, D/H / 2), a view. The fourth axis: first and second half of a head.
at::Tensor halves_of(const at::Tensor& qkv, const at::Tensor& cos, std::int64_t prefix) {
  const std::int64_t half = cos.size(1), both = qkv.size(2) / 3 * 2;
  return qkv.narrow(1, prefix, cos.size(0)).narrow(2, 0, both).unflatten(2, {both / (2 * half), 2, half});
}

at::Tensor turn(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, std::int64_t prefix) {
  const at::Tensor from = halves_of(qkv, cos, prefix), first = from.select(3, 0), second = from.select(3, 1);
  const at::ScalarType type = at::promote_types(qkv.scalar_type(), at::kFloat);
  const at::Tensor c = cos.to(type).unsqueeze(1), s = sin.to(type).unsqueeze(1);
  at::Tensor out = qkv.clone(at::MemoryFormat::Contiguous);
  const at::Tensor to = halves_of(out, cos, prefix);
  to.select(3, 0).copy_(first * c - second * s);
  to.select(3, 1).copy_(second * c + first * s);
  return out;
}

class Turn : public torch::autograd::Function<Turn> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& qkv, const at::Tensor& cos,
                            const at::Tensor& sin, std::int64_t prefix) {
    context->save_for_backward({cos, sin});
    context->saved_data["prefix"] = prefix;
    return turn(qkv, cos, sin, prefix);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    return {turn(gradients[0], saved[0], -saved[1], context->saved_data["prefix"].toInt()), at::Tensor(), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

RotaryPositions make_rotary_positions(const NetworkConfig& config) {
  if (config.positions != Positions::rotary) return {};
  const RotaryTable table = make_rotary_table(config);
  return {as_tensor(table.cos, table), as_tensor(table.sin, table), config.prefix_tokens()};
}

at::Tensor turned(const at::Tensor& qkv, const RotaryPositions& positions) {
  return Turn::apply(qkv, positions.cos.to(qkv.device()), positions.sin.to(qkv.device()), positions.prefix);
}

}  // namespace dfa::train
