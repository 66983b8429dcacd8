#include "train/nets/train_network.hpp"

#include <malloc.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>

#include "base/machine.hpp"
#include "nn/network.hpp"
#include "train/losses/keep_statistics.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/losses/training_loss.hpp"
#include "train/nets/autocast.hpp"
#include "train/nets/network_impl.hpp"
#include "train/nets/tensor_bridge.hpp"

namespace dfa::train {

namespace {

// A step allocates and frees the same large blocks again and again. By default each goes back to the kernel, which
// hands it out anew page by page, cleared. 32 MiB is the most that the first setting takes.
void keep_freed_memory() {
  constexpr int kLargestKept = 32 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestKept);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

std::vector<float> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.detach().to(torch::kFloat32).cpu().contiguous();
  const float* begin = flat.const_data_ptr<float>();
  return {begin, begin + flat.numel()};
}

// Pairs each entry of training_parameters() with the module's live tensor of that name. Errors: internal when the two
// lists differ.
Result<std::vector<NamedTensor>> match_tensors(const NetworkConfig& config, const NetworkModule& module,
                                               const Tuning& tuning) {
  std::map<std::string, at::Tensor> live;
  for (const auto& item : module->named_parameters()) live[item.key()] = item.value();
  for (const auto& item : module->named_buffers()) live[item.key()] = item.value();
  std::vector<NamedTensor> matched;
  for (ParameterSpec& spec : training_parameters(config, tuning)) {
    const auto found = live.find(spec.name);
    if (found == live.end()) return fail(ErrorCode::internal, "the torch modules have no tensor {}", spec.name);
    if (found->second.sizes().vec() != spec.shape)
      return fail(ErrorCode::internal, "the torch modules have {} with shape {}, expected {}", spec.name,
                  shape_text(found->second.sizes().vec()), shape_text(spec.shape));
    const bool trained = learns(tuning, spec);
    matched.push_back({std::move(spec), found->second, trained});
    live.erase(found);
  }
  if (!live.empty())
    return fail(ErrorCode::internal, "the torch modules have a tensor nobody else knows: {}", live.begin()->first);
  return matched;
}

// (N, 3, S, S) that shares the caller's memory.
Result<at::Tensor> view_images(const NetworkConfig& config, std::span<const float> images, int n) {
  const std::size_t expected =
      static_cast<std::size_t>(n) * 3 * static_cast<std::size_t>(config.image) * static_cast<std::size_t>(config.image);
  if (n < 1 || images.size() != expected)
    return fail(ErrorCode::usage, "got {} image values for {} images, expected {}", images.size(), n, expected);
  return torch::from_blob(const_cast<float*>(images.data()), {n, 3, config.image, config.image}, torch::kFloat32);
}

Status check_labels(const NetworkConfig& config, std::span<const std::int64_t> labels) {
  for (const std::int64_t label : labels)
    if (label < 0 || label >= config.classes)
      return fail(ErrorCode::usage, "got label {}, expected 0 to {}", label, config.classes - 1);
  return {};
}

// Each head that the loss trains must be there.
Status check_heads(const NetworkImpl& impl, const LossOptions& options) {
  for (const ParameterSpec& spec : loss_head_parameters(impl.module->config, options))
    if (std::ranges::none_of(impl.loss_tensors, [&](const NamedTensor& item) { return item.spec.name == spec.name; }))
      return fail(ErrorCode::usage, "the loss needs {}: add_loss_heads() comes first", spec.name);
  return {};
}

void drop_gradients(NetworkImpl& impl) {
  for (auto* tensors : {&impl.tensors, &impl.loss_tensors})
    for (NamedTensor& item : *tensors) item.tensor.mutable_grad().reset();
}

// Divides: the inverse of a great power of two is too small for f32.
void unscale_gradients(NetworkImpl& impl, double scale) {
  if (scale == 1) return;
  const torch::NoGradGuard no_grad;
  for (auto* tensors : {&impl.tensors, &impl.loss_tensors})
    for (NamedTensor& item : *tensors)
      if (item.tensor.grad().defined()) item.tensor.mutable_grad().div_(scale);
}

// Weights and statistics in f64 for a scope, without losing a bit of the f32 ones.
class WideScope {
 public:
  WideScope(NetworkImpl& impl, Compute compute) : impl_(impl), on_(compute == Compute::f64) {
    convert(torch::kFloat64);
  }
  ~WideScope() { convert(torch::kFloat32); }
  WideScope(const WideScope&) = delete;
  WideScope& operator=(const WideScope&) = delete;
  at::Tensor input(const at::Tensor& images) const { return on_ ? images.to(torch::kFloat64) : images; }

 private:
  void convert(at::ScalarType to) {
    if (!on_) return;
    for (auto* tensors : {&impl_.tensors, &impl_.loss_tensors})
      for (NamedTensor& item : *tensors) {
        if (!item.tensor.is_floating_point()) continue;
        const at::Tensor gradient = item.tensor.grad();
        item.tensor.mutable_grad().reset();
        item.tensor.set_data(item.tensor.detach().to(to));
        if (gradient.defined()) item.tensor.mutable_grad() = gradient.to(to);
      }
  }
  NetworkImpl& impl_;
  bool on_;
};

}  // namespace

std::string_view attention_name(AttentionPath path) {
  switch (path) {
    case AttentionPath::fused:
      return "fused";
    case AttentionPath::matrices:
      return "matrices";
    case AttentionPath::published:
      return "published";
  }
  return "unknown";
}

Result<AttentionPath> attention_by_name(std::string_view name) {
  for (const AttentionPath path : {AttentionPath::fused, AttentionPath::matrices, AttentionPath::published})
    if (attention_name(path) == name) return path;
  return fail(ErrorCode::usage, "got attention \"{}\", expected fused, matrices or published", name);
}

void set_torch_threads(int threads) {
  at::set_num_threads(threads > 0 ? threads : usable_processors());
  keep_freed_memory();
}

TrainNetwork::TrainNetwork(std::unique_ptr<NetworkImpl> impl) : impl_(std::move(impl)) {}
TrainNetwork::~TrainNetwork() = default;

Result<std::unique_ptr<TrainNetwork>> TrainNetwork::create(const NetworkConfig& config, const Tuning& tuning,
                                                           AttentionPath attention, const Device& device) {
  DFA_TRY(check_config(config));
  DFA_ASSIGN_OR_RETURN(auto impl, torch_guard("building the network", [&] {
                         return std::make_unique<NetworkImpl>(config, tuning, attention, device);
                       }));
  DFA_ASSIGN_OR_RETURN(impl->tensors, match_tensors(config, impl->module, tuning));
  for (NamedTensor& item : impl->tensors)
    if (item.spec.kind == ParameterKind::weight) item.tensor.set_requires_grad(item.trained);
  return std::unique_ptr<TrainNetwork>(new TrainNetwork(std::move(impl)));
}

void TrainNetwork::set_recompute(Recompute what) {
  impl_->module->recompute_stages = what == Recompute::stages;
}

const NetworkConfig& TrainNetwork::config() const {
  return impl_->module->config;
}

const Tuning& TrainNetwork::tuning() const {
  return impl_->tuning;
}

TrainedCounts TrainNetwork::counts() const {
  TrainedCounts counts;
  for (const NamedTensor& item : impl_->tensors) {
    if (item.spec.kind != ParameterKind::weight) continue;
    (item.trained ? counts.trained : counts.frozen) += item.tensor.numel();
    if (item.trained) counts.trained_by_group[item.spec.group] += item.tensor.numel();
  }
  return counts;
}

std::vector<std::string> TrainNetwork::trained_names() const {
  std::vector<std::string> names;
  for (const NamedTensor& item : impl_->tensors)
    if (item.trained) names.push_back(item.spec.name);
  return names;
}

Status TrainNetwork::load(const TensorMap& weights) {
  DFA_TRY(check_weights(training_parameters(config(), tuning()), weights));
  DFA_TRY(impl_->narrow_trunk.widen(impl_->tensors));
  impl_->narrow_trunk.forget();
  const torch::NoGradGuard no_grad;
  for (NamedTensor& item : impl_->tensors) {
    DFA_ASSIGN_OR_RETURN(const at::Tensor value, to_torch(weights.find(item.spec.name)->second));
    DFA_TRY(torch_guard("loading weights", [&] { item.tensor.copy_(value); }));
  }
  return {};
}

TensorMap TrainNetwork::tensors() const {
  TensorMap out;
  for (std::size_t i = 0; i < impl_->tensors.size(); ++i) {
    const Result<at::Tensor> values = impl_->narrow_trunk.values(impl_->tensors, i);
    if (!values) throw std::runtime_error(values.error().message);
    out[impl_->tensors[i].spec.name] = from_torch(*values);
  }
  return out;
}

TensorMap TrainNetwork::gradients() const {
  TensorMap out;
  for (const NamedTensor& item : impl_->tensors)
    if (item.trained && item.tensor.grad().defined()) out[item.spec.name] = from_torch(item.tensor.grad());
  for (const NamedTensor& item : impl_->loss_tensors)
    if (item.tensor.grad().defined()) out[item.spec.name] = from_torch(item.tensor.grad());
  return out;
}

Result<ForwardValues> TrainNetwork::forward(std::span<const float> images, int n, Mode mode, Compute compute) {
  DFA_ASSIGN_OR_RETURN(const at::Tensor input, view_images(config(), images, n));
  DFA_TRY(impl_->settle(compute));
  return torch_guard("forward", [&] {
    const torch::NoGradGuard no_grad;
    const WideScope wide(*impl_, compute);
    const AutocastScope autocast(compute, impl_->device.type());
    impl_->module->train(mode == Mode::train);
    const NetworkOutput out = impl_->module->forward(wide.input(sent_to(impl_->device, input)));
    return ForwardValues{values_of(out.feature), values_of(out.logits)};
  });
}

Result<LossValues> TrainNetwork::loss_and_gradients(const StepInput& input, const LossOptions& options) {
  const int n = static_cast<int>(input.labels.size());
  DFA_ASSIGN_OR_RETURN(const at::Tensor images, view_images(config(), input.images, n));
  DFA_TRY(check_labels(config(), input.labels));
  DFA_TRY(check_losses(config(), tuning(), options));
  DFA_TRY(check_heads(*impl_, options));
  LossInput batch{images, input.labels, {}, {}};
  if (needs_masks(options)) {
    DFA_ASSIGN_OR_RETURN(batch.targets, spatial_targets(config(), input.masks, input.mask_known, input.labels.size()));
  }
  if (needs_strong_view(options)) {
    if (input.strong.empty())
      return fail(ErrorCode::usage, "loss.consistency needs a second view of each crop, and the batch has none");
    DFA_ASSIGN_OR_RETURN(batch.strong, view_images(config(), input.strong, n));
  }
  DFA_TRY(impl_->settle(options.compute));
  return torch_guard("training step", [&] {
    impl_->module->train(true);
    drop_gradients(*impl_);
    const WideScope wide(*impl_, options.compute);
    std::optional<KeepStatistics> kept;
    if (options.statistics == Statistics::keep) kept.emplace(*impl_);
    batch.images = wide.input(sent_to(impl_->device, batch.images));
    if (batch.strong.defined()) batch.strong = wide.input(sent_to(impl_->device, batch.strong));
    LossGraph graph = training_loss(*impl_, batch, options);
    const double total = graph.total.item<double>();
    (options.scale == 1 ? graph.total : graph.total * options.scale).backward();
    unscale_gradients(*impl_, options.scale);
    return LossValues{total, std::move(graph.terms), values_of(graph.logits)};
  });
}

Status TrainNetwork::add_loss_heads(const TensorMap& heads) {
  if (!impl_->loss_tensors.empty()) return fail(ErrorCode::internal, "the network has loss heads already");
  for (const auto& [name, tensor] : heads) {
    DFA_ASSIGN_OR_RETURN(at::Tensor made, to_torch(tensor));
    impl_->loss_tensors.push_back({{name, tensor.shape, ParameterGroup::head, ParameterKind::weight},
                                   made.to(impl_->device).set_requires_grad(true),
                                   /*trained=*/true});
  }
  return {};
}

Status TrainNetwork::load_loss_heads(const TensorMap& heads) {
  std::vector<NamedTensor>& live = impl_->loss_tensors;
  if (heads.size() != live.size())
    return fail(ErrorCode::model_tensors, "got {} tensors of loss heads, expected {}", heads.size(), live.size());
  const torch::NoGradGuard no_grad;
  for (NamedTensor& item : live) {
    const auto found = heads.find(item.spec.name);
    if (found == heads.end() || found->second.shape != item.spec.shape)
      return fail(ErrorCode::model_tensors, "the loss heads lack {} with shape {}", item.spec.name,
                  shape_text(item.spec.shape));
    DFA_ASSIGN_OR_RETURN(const at::Tensor value, to_torch(found->second));
    item.tensor.copy_(value);
  }
  return {};
}

TensorMap TrainNetwork::loss_heads() const {
  TensorMap out;
  for (const NamedTensor& item : impl_->loss_tensors) out[item.spec.name] = from_torch(item.tensor);
  return out;
}

Result<std::vector<std::vector<float>>> TrainNetwork::stage_tokens(std::span<const float> images, int n) {
  DFA_ASSIGN_OR_RETURN(const at::Tensor input, view_images(config(), images, n));
  DFA_TRY(impl_->settle(Compute::f32));
  return torch_guard("forward", [&] {
    const torch::NoGradGuard no_grad;
    impl_->module->train(false);
    std::vector<at::Tensor> stages;
    impl_->module->forward(sent_to(impl_->device, input), &stages);
    std::vector<std::vector<float>> out;
    for (const at::Tensor& tokens : stages) out.push_back(values_of(tokens));
    return out;
  });
}

}  // namespace dfa::train
