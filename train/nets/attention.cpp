#include "train/nets/attention.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "train/nets/bf16_bits.hpp"

namespace dfa::train {
namespace {

constexpr std::int64_t kRowsATask = 32;
constexpr std::int64_t kChunkElements = 3 << 19;

at::Tensor split_heads(const at::Tensor& t, std::int64_t heads) {  // (N, T, D) -> (N, H, T, D/H), a view
  return t.unflatten(-1, {heads, t.size(-1) / heads}).transpose(1, 2);
}

at::Tensor join_heads(const at::Tensor& t) {  // (N, H, T, D/H) -> (N, T, D)
  return t.transpose(1, 2).flatten(2);
}

at::Tensor stacked(const at::Tensor& t, std::int64_t heads) {  // (N, T, D) -> (N * H, T, D/H), contiguous
  return split_heads(t, heads).contiguous().flatten(0, 1);
}

at::Tensor unstacked(const at::Tensor& t, std::int64_t heads) {  // and back
  return join_heads(t.unflatten(0, {t.size(0) / heads, heads}));
}

void unstack_into(const at::Tensor& packed, const at::Tensor& t, std::int64_t heads) {
  split_heads(packed, heads).copy_(t.unflatten(0, {t.size(0) / heads, heads}));
}

// scale * a b, rounded once.
at::Tensor scaled_product(const at::Tensor& a, const at::Tensor& b, double scale) {
  return at::baddbmm(at::empty({a.size(0), a.size(1), b.size(2)}, a.options()), a, b, 0, scale);
}

void for_rows(const at::Tensor& t, const std::function<void(std::int64_t first)>& work) {  // first: of a row's elements
  const std::int64_t width = t.size(-1);
  at::parallel_for(0, t.numel() / width, kRowsATask, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t row = from; row < to; ++row) work(row * width);
  });
}

void scaled_product_into(at::Tensor out, const at::Tensor& a, const at::Tensor& b, double scale) {
  at::baddbmm_out(out, out, a, b, 0, scale);
}

// Whether rows are worked on by the kernels of row_kernels.hpp.
bool has_narrow_rows(const at::Tensor& t) {
  return t.scalar_type() == at::kBFloat16 && t.is_cpu();
}

// Softmax of bf16 sums in f32 and rounds once.
at::Tensor weights_of(const at::Tensor& q, const at::Tensor& k, double scale) {
  at::Tensor scores = scaled_product(q, k.transpose(1, 2), scale);
  if (!has_narrow_rows(scores)) return scores.softmax(-1);
  const auto width = static_cast<std::size_t>(scores.size(-1));
  for_rows(scores, [&, rows = bits(scores)](std::int64_t first) { softmax_row(rows + first, width); });
  return scores;
}

// The gradient at the scores; `to_weights` is overwritten where that serves.
at::Tensor softmax_gradient(const at::Tensor& weights, const at::Tensor& to_weights) {
  if (!has_narrow_rows(weights)) return at::_softmax_backward_data(to_weights, weights, -1, weights.scalar_type());
  const auto width = static_cast<std::size_t>(weights.size(-1));
  for_rows(weights, [&, from = bits(weights), to = bits(to_weights)](std::int64_t first) {
    softmax_gradient_row(from + first, width, to + first);
  });
  return to_weights;
}

// The parts of what lies side by side; `kv` without elements: `first` has all three.
struct Parts {
  Parts(const at::Tensor& first, const at::Tensor& kv) {
    const at::Tensor& rest = kv.numel() > 0 ? kv : first;
    const std::int64_t from = kv.numel() > 0 ? 0 : first.size(-1) / 3;
    const std::int64_t dim = (rest.size(-1) - from) / 2;
    q = first.narrow(-1, 0, dim);
    k = rest.narrow(-1, from, dim);
    v = rest.narrow(-1, from + dim, dim);
  }
  at::Tensor q, k, v;
};

// Heads that are worked on together: the weights of all would be among the largest things that a step holds.
struct Chunk {
  std::int64_t first, count;
  at::Tensor of(const at::Tensor& t) const { return t.narrow(0, first, count); }
};

void for_chunks(const at::Tensor& q, const at::Tensor& k, const std::function<void(const Chunk&)>& work) {
  const std::int64_t step = std::max<std::int64_t>(1, kChunkElements / (q.size(1) * k.size(1)));
  for (std::int64_t first = 0; first < q.size(0); first += step) work({first, std::min(step, q.size(0) - first)});
}

// Note [Attention weights are computed twice]
// The Tq x Tk weights of all heads are among the largest things that a block would keep for its backward pass, and
// cheap to make again: their product is as long as the head is wide, that of a linear layer as long as the network.
class RecomputedAttention : public torch::autograd::Function<RecomputedAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& first, const at::Tensor& kv,
                            std::int64_t heads) {
    const c10::impl::ExcludeDispatchKeyGuard as_it_comes(
        c10::DispatchKeySet({c10::DispatchKey::AutocastCPU, c10::DispatchKey::AutocastCUDA}));
    const Parts parts(first, kv);
    const at::Tensor q = stacked(parts.q, heads), k = stacked(parts.k, heads), v = stacked(parts.v, heads);
    context->save_for_backward({q, k, v});
    context->saved_data["heads"] = heads;
    context->saved_data["joint"] = kv.numel() == 0;
    at::Tensor out = at::empty_like(q);
    for_chunks(q, k, [&](const Chunk& chunk) {
      at::Tensor part = chunk.of(out);
      at::bmm_out(part, weights_of(chunk.of(q), chunk.of(k), scale_of(q)), chunk.of(v));
    });
    return unstacked(out, heads);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2];
    const std::int64_t heads = context->saved_data["heads"].toInt();
    const double scale = scale_of(q);
    const at::Tensor out = stacked(gradients[0].to(v.scalar_type()), heads);
    const std::int64_t n = q.size(0) / heads, dim = heads * q.size(2);
    const bool joint = context->saved_data["joint"].toBool();
    const at::Tensor to_first = at::empty({n, q.size(1), joint ? 3 * dim : dim}, q.options());
    const at::Tensor to_kv = at::empty({n, joint ? 0 : k.size(1), 2 * dim}, q.options());
    const Parts to(to_first, to_kv);
    at::Tensor to_q = at::empty_like(q), to_k = at::empty_like(k), to_v = at::empty_like(v);
    for_chunks(q, k, [&](const Chunk& chunk) {
      const at::Tensor weights = weights_of(chunk.of(q), chunk.of(k), scale), g = chunk.of(out);
      at::Tensor v_part = chunk.of(to_v);
      at::bmm_out(v_part, weights.transpose(1, 2), g);
      const at::Tensor to_scores = softmax_gradient(weights, at::bmm(g, chunk.of(v).transpose(1, 2)));
      scaled_product_into(chunk.of(to_q), to_scores, chunk.of(k), scale);
      scaled_product_into(chunk.of(to_k), to_scores.transpose(1, 2), chunk.of(q), scale);
    });
    unstack_into(to.q, to_q, heads);
    unstack_into(to.k, to_k, heads);
    unstack_into(to.v, to_v, heads);
    return {to_first, joint ? at::Tensor() : to_kv, at::Tensor()};
  }

 private:
  static double scale_of(const at::Tensor& q) { return 1.0 / std::sqrt(static_cast<double>(q.size(2))); }
};

at::Tensor attend_parts(const Parts& parts, std::int64_t heads, AttentionKernel kernel) {
  const at::Tensor q = split_heads(parts.q, heads), k = split_heads(parts.k, heads), v = split_heads(parts.v, heads);
  if (kernel == AttentionKernel::fused) return join_heads(at::scaled_dot_product_attention(q, k, v));
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  return join_heads(at::matmul((at::matmul(q, k.transpose(-2, -1)) * scale).softmax(-1), v));
}

}  // namespace

at::Tensor attend_to_itself(const at::Tensor& qkv, int heads, AttentionKernel kernel) {
  if (kernel == AttentionKernel::matrices) return RecomputedAttention::apply(qkv, at::empty({0}), heads);
  return attend_parts(Parts(qkv, at::empty({0})), heads, kernel);
}

at::Tensor attend(const at::Tensor& q, const at::Tensor& kv, int heads, AttentionKernel kernel) {
  if (kernel == AttentionKernel::matrices) return RecomputedAttention::apply(q, kv, heads);
  return attend_parts(Parts(q, kv), heads, kernel);
}

}  // namespace dfa::train
