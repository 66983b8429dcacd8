#include "train/devices/shared_batch_norm.hpp"

#include "train/devices/tensor_sum.hpp"

#include <stdexcept>

namespace dfa::train {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kChannels = 1;  // the axis

// Sums f64 values over the ranks. Throws, because torch's backward pass lies between here and whoever takes a Result.
at::Tensor sum_over_ranks(const at::Tensor& values, RankGroup& group) {
  const at::Tensor sums = values.to(summing_device(values, group), torch::kFloat64).contiguous();
  const Status met = sum_tensor(sums, group);
  if (!met) throw std::runtime_error(met.error().message);
  return sums;
}

// (C) as (1, C, 1, 1) for whatever rank x has.
at::Tensor over_channels(const at::Tensor& values, const at::Tensor& x) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
  shape[kChannels] = values.numel();
  return values.view(shape);
}

at::Tensor widen(const at::Tensor& x) {
  return at::isReducedFloatingType(x.scalar_type()) ? x.to(torch::kFloat32) : x;
}

struct WholeStatistics {
  at::Tensor mean, variance;  // (C), of x's dtype, widened; the variance is the biased one
  double count = 0;           // values a channel on all ranks
};

// Sums are made of each rank's mean and variance in f64: the difference of sums of squares loses nothing of f32 there.
WholeStatistics statistics_over_ranks(const at::Tensor& x, RankGroup& group) {
  std::vector<std::int64_t> axes;
  for (std::int64_t axis = 0; axis < x.dim(); ++axis)
    if (axis != kChannels) axes.push_back(axis);
  const at::Tensor wide = widen(x);
  const auto [local_variance, local_mean] = at::var_mean(wide, axes, /*correction=*/0);
  const double local_count = static_cast<double>(x.numel() / x.size(kChannels));
  const at::Tensor m = local_mean.to(torch::kFloat64), v = local_variance.to(torch::kFloat64);
  const at::Tensor sums = sum_over_ranks(
      at::cat({local_count * m, local_count * (v + m * m), torch::full({1}, local_count, m.options())}), group);
  WholeStatistics whole;
  whole.count = sums[-1].item<double>();
  const std::int64_t channels = x.size(kChannels);
  const at::Tensor mean = sums.narrow(0, 0, channels) / whole.count;
  const at::Tensor variance = (sums.narrow(0, channels, channels) / whole.count - mean * mean).clamp_min(0);
  whole.mean = mean.to(wide.options());
  whole.variance = variance.to(wide.options());
  return whole;
}

// y from given statistics; backward as in the header.
class Normalise : public torch::autograd::Function<Normalise> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& variance, double count,
                            double eps, std::int64_t group) {
    context->save_for_backward({x, weight, mean, variance});
    context->saved_data["count"] = count;
    context->saved_data["eps"] = eps;
    context->saved_data["group"] = group;
    return at::batch_norm(x, weight, bias, mean, variance, /*training=*/false, 0.0, eps, /*cudnn_enabled=*/false);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &variance = saved[3];
    const double count = context->saved_data["count"].toDouble(), eps = context->saved_data["eps"].toDouble();
    auto& group = *reinterpret_cast<RankGroup*>(context->saved_data["group"].toInt());
    // As if the statistics were constants: w g / s, sum(g h), sum(g) of this rank.
    const auto [direct, local_gh, local_g] = at::native_batch_norm_backward(
        gradients[0], x, weight, mean, variance, {}, {}, /*train=*/false, eps, {true, true, true});
    const at::Tensor sums = sum_over_ranks(at::cat({local_g, local_gh}), group) / count;
    const at::Tensor mean_g = sums.narrow(0, 0, mean.numel()).to(mean.options());
    const at::Tensor mean_gh = sums.narrow(0, mean.numel(), mean.numel()).to(mean.options());
    const at::Tensor inverse = at::rsqrt(variance + eps);
    const at::Tensor scale = weight.detach() * inverse;
    const at::Tensor centred = widen(x) - over_channels(mean, x);
    const at::Tensor indirect =
        over_channels(scale * mean_g, x) + centred * over_channels(scale * inverse * mean_gh, x);
    const at::Tensor dx = (widen(direct) - indirect).to(x.scalar_type());
    return {dx, local_gh, local_g, {}, {}, {}, {}, {}};
  }
};

template <class Norm>
at::Tensor forward_over_ranks(Norm& norm, const at::Tensor& x, RankGroup& group) {
  const double momentum = norm.options.momentum().value();
  const WholeStatistics whole = [&] {
    const torch::NoGradGuard no_grad;
    WholeStatistics found = statistics_over_ranks(x, group);
    norm.num_batches_tracked += 1;
    norm.running_mean.lerp_(found.mean.to(norm.running_mean.scalar_type()), momentum);
    norm.running_var.lerp_((found.variance * (found.count / (found.count - 1))).to(norm.running_var.scalar_type()),
                           momentum);
    return found;
  }();
  // Autograd's functions take no undefined tensors: a norm without an affine part gets the one that changes nothing.
  const at::Tensor weight = norm.weight.defined() ? norm.weight : at::ones_like(whole.mean);
  const at::Tensor bias = norm.bias.defined() ? norm.bias : at::zeros_like(whole.mean);
  return Normalise::apply(x, weight, bias, whole.mean, whole.variance, whole.count, norm.options.eps(),
                          reinterpret_cast<std::int64_t>(&group));
}

bool meets(const RankGroup* group, bool training) {
  return training && group != nullptr && !group->is_alone();
}

}  // namespace

at::Tensor SharedBatchNorm1dImpl::forward(const at::Tensor& input) {
  if (!meets(group, is_training())) return BatchNorm1dImpl::forward(input);
  return forward_over_ranks(*this, input, *group);
}

at::Tensor SharedBatchNorm2dImpl::forward(const at::Tensor& input) {
  if (!meets(group, is_training())) return BatchNorm2dImpl::forward(input);
  return forward_over_ranks(*this, input, *group);
}

}  // namespace dfa::train
