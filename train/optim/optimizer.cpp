#include "train/optim/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "train/nets/network_impl.hpp"
#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {

namespace {

bool decays(const ParameterSpec& spec, Decay decay) {
  if (decay == Decay::all) return true;
  const bool is_embedding = spec.name == "level_embed" || spec.name == "pos_embed" ||
                            spec.name == "readout_query.queries" || spec.name.ends_with("_token");
  return spec.shape.size() >= 2 && !is_embedding;
}

// A trained tensor with its momenta.
struct Slot {
  NamedTensor item;
  double weight_decay = 0;
  at::Tensor first;   // sgd: momentum buffer; adamw: mean of gradients. Undefined until the first step with sgd
  at::Tensor second;  // adamw: mean of squared gradients
  at::Tensor steps;   // adamw: f32 scalar
};

double joint_norm(const std::vector<Slot>& slots) {
  double sum = 0;
  for (const Slot& slot : slots)
    if (const at::Tensor& grad = slot.item.tensor.grad(); grad.defined()) {
      const double norm = at::linalg_vector_norm(grad).item<double>();
      sum += norm * norm;
    }
  return std::sqrt(sum);
}

class TorchOptimizer : public Optimizer {
 public:
  TorchOptimizer(TrainNetwork& network, const OptimizerOptions& options) : options_(options) {
    for (const auto* tensors : {&network.impl().tensors, &network.impl().loss_tensors})
      for (const NamedTensor& item : *tensors)
        if (item.trained)
          slots_.push_back({item, decays(item.spec, options.decay) ? options.weight_decay : 0.0, {}, {}, {}});
  }

  using Optimizer::step;
  Result<double> step(double learning_rate, const GradientsAgain& again, NotFinite not_finite) override {
    DFA_ASSIGN_OR_RETURN(double norm, norm_of_gradients(not_finite));
    if (!std::isfinite(norm)) return norm;
    if (options_.sam_rho > 0 && norm > 0) {  // without a gradient there is no way up
      DFA_TRY(take_gradients_above(norm, again));
      DFA_ASSIGN_OR_RETURN(norm, norm_of_gradients(not_finite));
      if (!std::isfinite(norm)) return norm;
    }
    const torch::NoGradGuard no_grad;
    DFA_TRY(torch_guard("optimiser step", [&] {
      if (options_.clip_norm > 0 && norm > options_.clip_norm) scale_gradients(options_.clip_norm / norm);
      for (Slot& slot : slots_)
        if (slot.item.tensor.grad().defined())
          options_.rule == Rule::sgd ? step_sgd(slot, learning_rate) : step_adamw(slot, learning_rate);
    }));
    return norm;
  }

  TensorMap state() const override {
    TensorMap out;
    for (const Slot& slot : slots_) {
      if (slot.first.defined()) out["first." + slot.item.spec.name] = from_torch(slot.first);
      if (slot.second.defined()) out["second." + slot.item.spec.name] = from_torch(slot.second);
      if (slot.steps.defined()) out["steps." + slot.item.spec.name] = from_torch(slot.steps);
    }
    return out;
  }

  Status restore(const TensorMap& state) override {
    std::size_t used = 0;
    for (Slot& slot : slots_) {
      const std::vector<std::int64_t>& shape = slot.item.spec.shape;
      const at::Device device = slot.item.tensor.device();
      DFA_TRY(take(state, "first." + slot.item.spec.name, shape, device, slot.first, used));
      DFA_TRY(take(state, "second." + slot.item.spec.name, shape, device, slot.second, used));
      DFA_TRY(take(state, "steps." + slot.item.spec.name, {}, device, slot.steps, used));
    }
    if (used != state.size())
      return fail(ErrorCode::model_tensors,
                  "the optimiser state holds {} tensors, {} of them fit this run's trained tensors", state.size(),
                  used);
    return {};
  }

 private:
  static Status take(const TensorMap& state, const std::string& name, const std::vector<std::int64_t>& shape,
                     const at::Device& device, at::Tensor& to, std::size_t& used) {
    to = at::Tensor();
    const auto found = state.find(name);
    if (found == state.end()) return {};
    if (found->second.shape != shape)
      return fail(ErrorCode::model_tensors, "optimiser state {}: got shape {}, expected {}", name,
                  shape_text(found->second.shape), shape_text(shape));
    DFA_ASSIGN_OR_RETURN(const at::Tensor value, to_torch(found->second));
    to = value.to(device);
    ++used;
    return {};
  }

  Result<double> norm_of_gradients(NotFinite not_finite) const {
    const torch::NoGradGuard no_grad;
    DFA_ASSIGN_OR_RETURN(const double norm, torch_guard("gradient norm", [&] { return joint_norm(slots_); }));
    if (!std::isfinite(norm) && not_finite == NotFinite::fail)
      return fail(ErrorCode::non_finite_loss, "the gradient's norm is {}, expected a finite number", norm);
    return norm;
  }

  // See Note [Sharpness-aware step]. Leaves the weights as they were and the other gradients in place, also on errors.
  Status take_gradients_above(double norm, const GradientsAgain& again) {
    if (!again)
      return fail(ErrorCode::usage, "sam_rho is {}, and the step was given no way to compute gradients again",
                  options_.sam_rho);
    std::vector<at::Tensor> start(slots_.size());
    DFA_TRY(torch_guard("SAM's ascent", [&] {
      const torch::NoGradGuard no_grad;
      for (std::size_t i = 0; i < slots_.size(); ++i) {
        at::Tensor& weight = slots_[i].item.tensor;
        if (!weight.grad().defined()) continue;
        start[i] = weight.detach().clone();
        weight.add_(weight.grad(), options_.sam_rho / norm);
      }
    }));
    const Status taken = again();
    DFA_TRY(torch_guard("SAM's return", [&] {
      const torch::NoGradGuard no_grad;
      for (std::size_t i = 0; i < slots_.size(); ++i)
        if (start[i].defined()) slots_[i].item.tensor.copy_(start[i]);
    }));
    return taken;
  }

  void scale_gradients(double factor) {
    for (Slot& slot : slots_)
      if (slot.item.tensor.grad().defined()) slot.item.tensor.mutable_grad().mul_(factor);
  }

  void step_sgd(Slot& slot, double learning_rate) const {
    const bool is_first = !slot.first.defined();
    std::vector<at::Tensor> momentum;  // the kernel wants no buffer at all where there is no momentum
    if (options_.momentum > 0) {
      if (is_first) slot.first = torch::zeros_like(slot.item.tensor);
      momentum = {slot.first};
    }
    at::_fused_sgd_({slot.item.tensor}, {slot.item.tensor.grad()}, momentum, slot.weight_decay, options_.momentum,
                    learning_rate, /*dampening=*/0.0, /*nesterov=*/false, /*maximize=*/false, is_first);
  }

  void step_adamw(Slot& slot, double learning_rate) const {
    if (!slot.first.defined()) {
      slot.first = torch::zeros_like(slot.item.tensor);
      slot.second = torch::zeros_like(slot.item.tensor);
      slot.steps = torch::zeros({}, slot.item.tensor.options());
    }
    slot.steps.add_(1);
    at::_fused_adamw_({slot.item.tensor}, {slot.item.tensor.grad()}, {slot.first}, {slot.second}, {}, {slot.steps},
                      learning_rate, options_.beta1, options_.beta2, slot.weight_decay, options_.epsilon,
                      /*amsgrad=*/false, /*maximize=*/false);
  }

  OptimizerOptions options_;
  std::vector<Slot> slots_;
};

class TorchAverage : public WeightAverage {
 public:
  TorchAverage(TrainNetwork& network, double decay) : decay_(decay) {
    for (const NamedTensor& item : network.impl().tensors)
      if (item.trained || item.spec.kind == ParameterKind::statistic)
        pairs_.push_back({item, item.tensor.detach().clone()});
  }
  void update() override {
    const torch::NoGradGuard no_grad;
    for (Pair& pair : pairs_) pair.average.lerp_(pair.item.tensor, 1.0 - decay_);
  }
  void swap() override {
    const torch::NoGradGuard no_grad;
    for (Pair& pair : pairs_) {
      const at::Tensor live = pair.item.tensor.detach().clone();
      pair.item.tensor.copy_(pair.average);
      pair.average.copy_(live);
    }
  }
  TensorMap state() const override {
    TensorMap out;
    for (const Pair& pair : pairs_) out[pair.item.spec.name] = from_torch(pair.average);
    return out;
  }
  Status restore(const TensorMap& state) override {
    for (Pair& pair : pairs_) {
      const auto found = state.find(pair.item.spec.name);
      if (found == state.end() || found->second.shape != pair.item.spec.shape)
        return fail(ErrorCode::model_tensors, "the weight average lacks {} with shape {}", pair.item.spec.name,
                    shape_text(pair.item.spec.shape));
      DFA_ASSIGN_OR_RETURN(const at::Tensor value, to_torch(found->second));
      pair.average = value.to(pair.item.tensor.device());
    }
    return {};
  }

 private:
  struct Pair {
    NamedTensor item;
    at::Tensor average;
  };
  double decay_;
  std::vector<Pair> pairs_;
};

}  // namespace

Result<std::unique_ptr<Optimizer>> Optimizer::create(TrainNetwork& network, const OptimizerOptions& options) {
  const bool sane = options.momentum >= 0 && options.momentum < 1 && options.weight_decay >= 0 &&
                    options.clip_norm >= 0 && options.beta1 >= 0 && options.beta1 < 1 && options.beta2 >= 0 &&
                    options.beta2 < 1 && options.epsilon > 0 && options.sam_rho >= 0;
  if (!sane)
    return fail(
        ErrorCode::usage,
        "optimiser: momentum and betas must be in [0, 1), weight decay, clip norm and sam_rho >= 0, epsilon > 0");
  return std::make_unique<TorchOptimizer>(network, options);
}

std::unique_ptr<WeightAverage> WeightAverage::create(TrainNetwork& network, double decay) {
  return std::make_unique<TorchAverage>(network, decay);
}

}  // namespace dfa::train
