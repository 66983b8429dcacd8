#include "train/nets/attention.hpp"

#include <cmath>

namespace dfa::train {
namespace {

at::Tensor split_heads(const at::Tensor& t, std::int64_t heads) {  // (N, T, D) -> (N, H, T, D/H), a view
  return t.unflatten(-1, {heads, t.size(-1) / heads}).transpose(1, 2);
}

at::Tensor join_heads(const at::Tensor& t) {  // (N, H, T, D/H) -> (N, T, D)
  return t.transpose(1, 2).flatten(2);
}

double scale_of(const at::Tensor& q, std::int64_t heads) {
  return 1.0 / std::sqrt(static_cast<double>(q.size(-1) / heads));
}

at::Tensor stacked(const at::Tensor& t, std::int64_t heads) {  // (N, T, D) -> (N * H, T, D/H), contiguous
  return split_heads(t, heads).flatten(0, 1);
}

at::Tensor unstacked(const at::Tensor& t, std::int64_t heads) {  // and back
  return join_heads(t.unflatten(0, {t.size(0) / heads, heads}));
}

// softmax of bf16 sums in f32 and rounds once.
at::Tensor weights_of(const at::Tensor& scaled_q, const at::Tensor& k) {
  return at::bmm(scaled_q, k.transpose(1, 2)).softmax(-1);
}

// Note [Attention weights are computed twice]
// The Tq x Tk weights of all heads are among the largest things that a block would keep for its backward pass, and
// cheap to make again: their product is as long as the head is wide, that of a linear layer as long as the network.
class RecomputedAttention : public torch::autograd::Function<RecomputedAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, std::int64_t heads) {
    const c10::impl::ExcludeDispatchKeyGuard as_it_comes(c10::DispatchKey::AutocastCPU);
    const at::Tensor qs = stacked(q, heads) * scale_of(q, heads), ks = stacked(k, heads), vs = stacked(v, heads);
    context->save_for_backward({qs, ks, vs});
    context->saved_data["heads"] = heads;
    return unstacked(at::bmm(weights_of(qs, ks), vs), heads);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor &qs = saved[0], &ks = saved[1], &vs = saved[2];
    const std::int64_t heads = context->saved_data["heads"].toInt();
    const at::Tensor out = stacked(gradients[0].to(vs.scalar_type()), heads);
    const at::Tensor weights = weights_of(qs, ks);
    const at::Tensor to_v = at::bmm(weights.transpose(1, 2), out);
    const at::Tensor to_weights = at::bmm(out, vs.transpose(1, 2));
    const at::Tensor to_scores = at::_softmax_backward_data(to_weights, weights, -1, weights.scalar_type());
    const double scale = 1.0 / std::sqrt(static_cast<double>(qs.size(-1)));
    const at::Tensor to_q = at::bmm(to_scores, ks) * scale;
    const at::Tensor to_k = at::bmm(to_scores.transpose(1, 2), qs);
    return {unstacked(to_q, heads), unstacked(to_k, heads), unstacked(to_v, heads), at::Tensor()};
  }
};

}  // namespace

at::Tensor attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, int heads, AttentionKernel kernel) {
  if (kernel == AttentionKernel::matrices) return RecomputedAttention::apply(q, k, v, static_cast<std::int64_t>(heads));
  const at::Tensor qh = split_heads(q, heads), kh = split_heads(k, heads), vh = split_heads(v, heads);
  if (kernel == AttentionKernel::timm)
    return join_heads(at::matmul((at::matmul(qh, kh.transpose(-2, -1)) * scale_of(q, heads)).softmax(-1), vh));
  return join_heads(at::scaled_dot_product_attention(qh, kh, vh));
}

}  // namespace dfa::train
