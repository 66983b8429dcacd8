#include "train/parity/parity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "model/model.hpp"
#include "train/optim/optimizer.hpp"

namespace dfa::train {

namespace {

// Tolerances of the project's contract: f32 sums of this size in another order differ by a few 1e-7 relative; a wrong
// formula by 1e-2.
constexpr double kLogitsTolerance = 1e-5;
constexpr double kLossTolerance = 1e-6;
constexpr double kGradTolerance = 1e-4;
constexpr double kGradF32Tolerance = 1e-3;
constexpr double kStatsTolerance = 1e-5;
constexpr double kSgdTolerance = 1e-4;

constexpr int kSgdSteps = 3;
constexpr double kSgdRate = 0.05;

constexpr double kInfinite = std::numeric_limits<double>::infinity();

enum class Norm { element, vector };

double element_difference(const std::vector<float>& got, const std::vector<float>& want) {
  double largest = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double difference =
        std::abs(static_cast<double>(got[i]) - want[i]) / std::max(1.0, std::abs(static_cast<double>(want[i])));
    if (!(difference <= largest)) largest = difference;  // NaN comes through
    if (std::isnan(largest)) return kInfinite;
  }
  return largest;
}

double vector_difference(const std::vector<float>& got, const std::vector<float>& want) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    difference += std::pow(static_cast<double>(got[i]) - want[i], 2);
    norm += std::pow(static_cast<double>(want[i]), 2);
  }
  if (!std::isfinite(difference) || !std::isfinite(norm)) return kInfinite;
  if (difference == 0) return 0;
  return norm > 0 ? std::sqrt(difference / norm) : kInfinite;
}

// Compares our values with golden tensors and files the outcome under a group.
class Comparer {
 public:
  Comparer(const TensorFile& golden, ParityGroup& group, Norm norm) : golden_(golden), group_(group), norm_(norm) {}

  void compare(const std::string& name, std::span<const float> got, const std::vector<std::int64_t>& shape) {
    const auto found = golden_.tensors.find(name);
    if (found == golden_.tensors.end()) {
      group_.missing.push_back(name);
      return;
    }
    const auto want = found->second.to_f32();
    if (!want || found->second.shape != shape) {
      group_.unusable.push_back(fmt::format("{}: got {} {}, expected a floating-point {}", name,
                                            dtype_name(found->second.dtype), shape_text(found->second.shape),
                                            shape_text(shape)));
      return;
    }
    const std::vector<float> ours(got.begin(), got.end());
    group_.compared[name] = norm_ == Norm::vector ? vector_difference(ours, *want) : element_difference(ours, *want);
  }

  void compare(const std::string& name, const Tensor& got) {
    const auto values = got.to_f32();
    compare(name, values ? *values : std::vector<float>{}, got.shape);
  }

  // Golden tensors below `prefix` that were neither compared nor found unusable: nobody here knows them.
  void refuse_rest(std::string_view prefix) {
    for (auto it = golden_.tensors.lower_bound(prefix); it != golden_.tensors.end() && it->first.starts_with(prefix);
         ++it) {
      const auto told = [&](const std::string& text) { return text.starts_with(it->first + ":"); };
      if (!group_.compared.contains(it->first) && std::none_of(group_.unusable.begin(), group_.unusable.end(), told))
        group_.unusable.push_back(it->first + ": the network trains no such tensor");
    }
  }

 private:
  const TensorFile& golden_;
  ParityGroup& group_;
  Norm norm_;
};

struct Batch {
  std::vector<float> images;  // (N, 3, S, S)
  std::vector<std::int64_t> labels;
  int n() const { return static_cast<int>(labels.size()); }
};

Result<Batch> golden_batch(const TensorFile& golden, const NetworkConfig& config) {
  const auto images = golden.tensors.find("images");
  const auto labels = golden.tensors.find("labels");
  if (images == golden.tensors.end() || labels == golden.tensors.end())
    return fail(ErrorCode::model_format,
                "the golden file holds no tensor \"{}\", expected images (N, 3, S, S) and labels (N)",
                images == golden.tensors.end() ? "images" : "labels");
  const std::int64_t n = labels->second.element_count();
  if (labels->second.dtype != Dtype::i64 || labels->second.shape.size() != 1 || n < 1)
    return fail(ErrorCode::model_format, "golden labels: got {} {}, expected I64 of rank 1",
                dtype_name(labels->second.dtype), shape_text(labels->second.shape));
  if (images->second.shape != std::vector<std::int64_t>{n, 3, config.image, config.image})
    return fail(ErrorCode::model_format, "golden images: got shape {}, expected {}x3x{}x{}",
                shape_text(images->second.shape), n, config.image, config.image);
  Batch batch;
  DFA_ASSIGN_OR_RETURN(batch.images, images->second.to_f32());
  batch.labels.resize(static_cast<std::size_t>(n));
  std::copy(labels->second.bytes.begin(), labels->second.bytes.end(),
            std::as_writable_bytes(std::span(batch.labels)).begin());
  return batch;
}

ParityGroup make_group(std::string name, double tolerance, const std::set<std::string>& required,
                       Norm norm = Norm::element) {
  ParityGroup group;
  group.required = required.contains(name == "grad_f32" ? "grad" : name);
  group.name = std::move(name);
  group.tolerance = tolerance;
  group.norm = norm == Norm::vector ? "|difference| / |expected|, Euclidean norms of the tensor"
                                    : "max |difference| / max(1, |expected|)";
  return group;
}

// The gradients of the step that `network` took last.
void compare_gradients(const TrainNetwork& network, const TensorFile& golden, ParityGroup& group) {
  const TensorMap gradients = network.gradients();
  Comparer comparer(golden, group, Norm::vector);
  for (const std::string& name : network.trained_names()) {
    const auto found = gradients.find(name);
    if (found == gradients.end())
      group.missing.push_back("grad." + name + " (from this program)");
    else
      comparer.compare("grad." + name, found->second);
  }
  comparer.refuse_rest("grad.");
}

// eval.*, train.logits, train.loss, grad.*, after_forward.*: one eval-mode forward and one train-mode step from the
// same weights.
Status compare_one_step(TrainNetwork& network, const Batch& batch, const TensorFile& golden,
                        const std::set<std::string>& required, std::vector<ParityGroup>& groups) {
  const NetworkConfig& config = network.config();
  DFA_ASSIGN_OR_RETURN(const ForwardValues eval, network.forward(batch.images, batch.n(), Mode::eval));
  DFA_ASSIGN_OR_RETURN(const LossValues step, network.loss_and_gradients(batch.images, batch.labels, {}));
  const TensorMap after = network.tensors();

  ParityGroup& logits = groups.emplace_back(make_group("logits", kLogitsTolerance, required));
  Comparer compare_logits(golden, logits, Norm::element);
  compare_logits.compare("eval.feature", eval.feature, {batch.n(), config.dim});
  compare_logits.compare("eval.logits", eval.logits, {batch.n(), config.classes});
  compare_logits.compare("train.logits", step.logits, {batch.n(), config.classes});

  ParityGroup& loss = groups.emplace_back(make_group("loss", kLossTolerance, required));
  const std::array<float, 1> loss_value = {static_cast<float>(step.loss)};
  const auto wanted = golden.tensors.find("train.loss");  // some writers keep a scalar as rank 0
  const bool scalar = wanted != golden.tensors.end() && wanted->second.shape.empty();
  Comparer(golden, loss, Norm::element)
      .compare("train.loss", loss_value, scalar ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{1});

  compare_gradients(network, golden,
                    groups.emplace_back(make_group("grad_f32", kGradF32Tolerance, required, Norm::vector)));

  ParityGroup& stats = groups.emplace_back(make_group("stats", kStatsTolerance, required));
  Comparer compare_stats(golden, stats, Norm::element);
  for (const ParameterSpec& spec : network_parameters(config))
    if (spec.kind == ParameterKind::statistic)
      compare_stats.compare("after_forward." + spec.name, after.find(spec.name)->second);
  compare_stats.refuse_rest("after_forward.");
  return {};
}

// Three steps of SGD from the given weights: losses before each step and the tensors after the last.
Status compare_three_steps(TrainNetwork& network, const Batch& batch, const TensorFile& golden, ParityGroup& group) {
  OptimizerOptions options;  // SGD, momentum 0.9, weight decay 1e-4 on everything trained
  options.weight_decay = 1e-4;
  DFA_ASSIGN_OR_RETURN(const auto optimizer, Optimizer::create(network, options));
  std::vector<float> losses;
  for (int i = 0; i < kSgdSteps; ++i) {
    DFA_ASSIGN_OR_RETURN(const LossValues step, network.loss_and_gradients(batch.images, batch.labels, {}));
    losses.push_back(static_cast<float>(step.loss));
    DFA_TRY(optimizer->step(kSgdRate));
  }
  Comparer comparer(golden, group, Norm::element);
  comparer.compare("sgd3.losses", losses, {kSgdSteps});
  const TensorMap after = network.tensors();
  for (const std::string& name : network.trained_names())
    if (golden.tensors.contains("sgd3." + name)) comparer.compare("sgd3." + name, after.find(name)->second);
  comparer.refuse_rest("sgd3.");
  return {};
}

std::vector<std::string> unknown_tensors(const TensorFile& golden) {
  std::vector<std::string> unknown;
  for (const auto& [name, tensor] : golden.tensors) {
    const bool known = name == "images" || name == "labels" || name == "eval.feature" || name == "eval.logits" ||
                       name == "train.logits" || name == "train.loss" || name.starts_with("grad.") ||
                       name.starts_with("after_forward.") || name.starts_with("sgd3.");
    if (!known) unknown.push_back(name);
  }
  return unknown;
}

}  // namespace

double ParityGroup::largest() const {
  double largest = 0;
  for (const auto& [tensor, difference] : compared) largest = std::max(largest, difference);
  return largest;
}

std::string ParityGroup::worst() const {
  const auto by_difference = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto found = std::max_element(compared.begin(), compared.end(), by_difference);
  return found == compared.end() ? "" : found->first;
}

bool ParityGroup::ok() const {
  if (!unusable.empty() || !(largest() <= tolerance)) return false;
  return !required || (missing.empty() && !compared.empty());
}

bool ParityReport::ok() const {
  const auto compared = [](const ParityGroup& group) { return !group.compared.empty(); };
  return unknown.empty() && std::any_of(groups.begin(), groups.end(), compared) &&
         std::all_of(groups.begin(), groups.end(), [](const ParityGroup& group) { return group.ok(); });
}

std::set<std::string> parity_group_names() {
  return {"logits", "loss", "grad", "stats", "sgd3"};
}

Result<NetworkConfig> golden_config(const TensorFile& golden) {
  NetworkConfig config;
  for (const char* name : {"image", "dim", "depth", "heads", "lsa_heads", "bottleneck", "stages"})
    if (!golden.metadata.contains(name))
      return fail(ErrorCode::model_incompatible,
                  "the golden file's metadata has no \"{}\", expected image, dim, depth, heads, lsa_heads, bottleneck "
                  "and stages\n"
                  "  next step: name the configuration in the file's metadata, each value as JSON text",
                  name);
  for (const char* name :
       {"image",    "dim",        "depth",     "heads",     "lsa_heads",   "bottleneck",  "stages",
        "patch",    "mlp",        "spm_width", "classes",   "norm_eps",    "activation",  "gated_mlp",
        "pre_norm", "patch_bias", "distilled", "registers", "layer_scale", "rotary_base", "lsa.source"})
    if (const auto found = golden.metadata.find(name); found != golden.metadata.end())
      DFA_TRY(set_network_field(config, fmt::format("{}={}", name, found->second)));
  if (!golden.metadata.contains("mlp")) config.mlp = 4 * config.dim;
  DFA_TRY(check_config(config));
  return config;
}

Result<ParityReport> run_parity(const TensorMap& weights, const TensorFile& golden,
                                const std::set<std::string>& required, AttentionPath attention) {
  ParityReport report;
  report.attention = attention;
  DFA_ASSIGN_OR_RETURN(report.config, golden_config(golden));
  DFA_ASSIGN_OR_RETURN(const Batch batch, golden_batch(golden, report.config));
  DFA_ASSIGN_OR_RETURN(const auto network, TrainNetwork::create(report.config, adapter_groups(), attention));
  report.counts = network->counts();
  DFA_TRY(network->load(weights));
  DFA_TRY(compare_one_step(*network, batch, golden, required, report.groups));
  DFA_TRY(network->load(weights));
  DFA_TRY(network->loss_and_gradients(batch.images, batch.labels, {.label_smoothing = 0, .compute = Compute::f64}));
  compare_gradients(*network, golden,
                    report.groups.emplace_back(make_group("grad", kGradTolerance, required, Norm::vector)));
  DFA_TRY(network->load(weights));
  DFA_TRY(compare_three_steps(*network, batch, golden,
                              report.groups.emplace_back(make_group("sgd3", kSgdTolerance, required))));
  report.unknown = unknown_tensors(golden);
  return report;
}

std::string parity_json(const ParityReport& report, std::string_view weights, std::string_view golden) {
  using nlohmann::ordered_json;
  ordered_json groups = ordered_json::array();
  for (const ParityGroup& group : report.groups) {
    ordered_json entry = {{"name", group.name},         {"ok", group.ok()},
                          {"required", group.required}, {"compared", group.compared.size()},
                          {"largest", group.largest()}, {"tolerance", group.tolerance},
                          {"worst", group.worst()},     {"norm", group.norm},
                          {"missing", group.missing},   {"unusable", group.unusable}};
    if (group.compared.empty()) entry["largest"] = nullptr;  // nothing was measured
    entry["tensors"] = group.compared;
    groups.push_back(std::move(entry));
  }
  const ordered_json json = {{"schema", "dfa.parity/1"},
                             {"ok", report.ok()},
                             {"weights", weights},
                             {"golden", golden},
                             {"attention", attention_name(report.attention)},
                             {"config", ordered_json::parse(network_config_json(report.config))},
                             {"parameters", {{"trained", report.counts.trained}, {"frozen", report.counts.frozen}}},
                             {"groups", groups},
                             {"unknown", report.unknown}};
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace dfa::train
