#include "train/nets/recomputed_blocks.hpp"

#include <utility>

#include "train/nets/autocast.hpp"

namespace dfa::train {
namespace {

using Blocks = std::function<at::Tensor(const at::Tensor&)>;

// A function among what autograd keeps.
struct HeldBlocks : torch::CustomClassHolder {
  explicit HeldBlocks(Blocks held) : blocks(std::move(held)) {}
  Blocks blocks;
};

class RecomputedBlocks : public torch::autograd::Function<RecomputedBlocks> {
 public:
  // `anchor` asks for a gradient, so that the result does where x does not.
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& anchor,
                            const Blocks& blocks) {
    static_cast<void>(anchor);
    context->save_for_backward({x});
    context->saved_data["blocks"] = c10::IValue::make_capsule(c10::make_intrusive<HeldBlocks>(blocks));
    context->saved_data["compute"] = static_cast<std::int64_t>(autocast_of(x));
    return blocks(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const auto held = context->saved_data["blocks"].toCapsule();
    const Blocks& blocks = static_cast<HeldBlocks*>(held.get())->blocks;
    const at::Tensor x = context->get_saved_variables()[0].detach().requires_grad_(true);
    at::Tensor out;
    {
      const at::AutoGradMode with_gradients(true);
      const AutocastScope autocast(static_cast<Compute>(context->saved_data["compute"].toInt()), x.device().type());
      out = blocks(x);
    }
    torch::autograd::backward({out}, {gradients[0].to(out.scalar_type())});
    return {x.grad(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor recomputed(const Blocks& blocks, const at::Tensor& x) {
  return RecomputedBlocks::apply(x, torch::zeros({1}).requires_grad_(true), blocks);
}

}  // namespace dfa::train
