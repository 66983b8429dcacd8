#include "nn/vit/fused_network.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "base/machine.hpp"
#include "nn/forward_check.hpp"
#include "nn/isa.hpp"
#include "nn/vit/fused_plan.hpp"

namespace dfa {
namespace {

class FusedNetwork final : public Network {
 public:
  FusedNetwork(const NetworkConfig& config, const NetworkOptions& options, UnreadRows unread)
      : config_(config), options_(options), unread_(unread) {
    if (options_.threads == 0) options_.threads = usable_processors();
    if (options_.observer != nullptr) unread_ = UnreadRows::compute;
  }

  // Ready to run: shares packed weights and the engine that they belong to. Plans are made when they are needed.
  FusedNetwork(const NetworkConfig& config, const NetworkOptions& options, UnreadRows unread, dnnl::engine engine,
               std::shared_ptr<const FusedWeights> weights)
      : config_(config),
        options_(options),
        unread_(unread),
        library_(std::move(engine)),
        weights_(std::move(weights)) {}

  Status prepare(const TensorMap& weights) {
    cap_highway();
    const ThreadCount threads(options_.threads);
    DFA_ASSIGN_OR_RETURN(FusedWeights packed,
                         pack_weights(library_, config_, WeightReader(weights),
                                      {options_.max_batch, unread_, element(), options_.quantisation}));
    weights_ = std::make_shared<const FusedWeights>(std::move(packed));
    options_.quantisation = nullptr;  // copied
    // The largest plan at once: it shows that planning works and how large the workspace is.
    DFA_ASSIGN_OR_RETURN(Plan * plan, plan_for(options_.max_batch));
    (void)plan;
    return {};
  }

  const NetworkConfig& config() const override { return config_; }

  Result<std::unique_ptr<Network>> make_instance() const override {
    return std::make_unique<FusedNetwork>(config_, options_, unread_, library_.engine, weights_);
  }

  std::optional<Footprint> footprint() const override {
    return Footprint{weights_->store.bytes(), workspace_.size() * sizeof(float)};
  }

  Status forward(std::span<const float> images, int n, ForwardOutput output) override {
    DFA_TRY(check_forward(config_, images, n, output));
    const ThreadCount threads(options_.threads);
    const std::size_t image_floats = images.size() / static_cast<std::size_t>(n);
    for (int first = 0; first < n; first += options_.max_batch) {
      DFA_ASSIGN_OR_RETURN(Plan * plan, plan_for(std::min(options_.max_batch, n - first)));
      const std::size_t index = static_cast<std::size_t>(first);
      DFA_TRY(plan->run({.images = images.data() + index * image_floats,
                         .logits = rows_from(output.logits, index, config_.classes),
                         .feature = rows_from(output.feature, index, config_.dim)},
                        options_.trace));
    }
    return {};
  }

 private:
  // Of what is not quantised.
  Element element() const {
    const bool bf16 =
        options_.precision == Precision::bf16 || (options_.precision == Precision::int8 && has_bf16_products());
    return bf16 ? Element::bf16 : Element::f32;
  }

  static float* rows_from(std::span<float> values, std::size_t row, int width) {
    return values.empty() ? nullptr : values.data() + row * static_cast<std::size_t>(width);
  }

  // Made at the first use of a batch size, then kept.
  Result<Plan*> plan_for(int images) {
    const auto known = plans_.find(images);
    if (known != plans_.end()) return &known->second;
    DFA_ASSIGN_OR_RETURN(Plan plan, build_fused_plan(library_, config_, *weights_,
                                                     {images, options_.threads, element(), unread_, options_.observer,
                                                      options_.activations}));
    const std::size_t floats = plan.lay_out();
    DFA_TRY(grow_workspace(floats));
    plan.bind(workspace_.data());
    if (options_.trace != nullptr && options_.trace->wants(TraceClass::dispatch)) {
      plan.trace_dispatch(*options_.trace, effective_isa());
    }
    return &plans_.emplace(images, std::move(plan)).first->second;
  }

  // One workspace serves all plans: only one runs at a time.
  Status grow_workspace(std::size_t floats) {
    if (floats <= workspace_.size()) return {};
    DFA_ASSIGN_OR_RETURN(workspace_, Arena::reserve(floats));
    for (auto& [images, plan] : plans_) plan.bind(workspace_.data());
    return {};
  }

  NetworkConfig config_;
  NetworkOptions options_;
  UnreadRows unread_;
  OneDnn library_;  // before the weights, which belong to its engine
  std::shared_ptr<const FusedWeights> weights_;
  Arena workspace_;
  std::map<int, Plan> plans_;  // by number of images
};

// The options with what their precision does not use left out.
Result<NetworkOptions> check_precision(const NetworkConfig& config, NetworkOptions options) {
  if (options.activations != nullptr && options.precision != Precision::f32)
    return fail(ErrorCode::usage, "activations are observed in engine f32, not {}", precision_name(options.precision));
  if (options.precision == Precision::bf16 && !has_bf16_products())
    return fail(ErrorCode::usage,
                "engine bf16 needs a processor with AVX512-BF16 or AMX, this one offers {}\n  next step: --engine f32",
                effective_isa());
  if (options.precision != Precision::int8) {
    options.quantisation = nullptr;
    return options;
  }
  if (options.quantisation == nullptr || options.quantisation->empty())
    return fail(ErrorCode::usage,
                "engine int8 needs a model that carries scales, this one has none\n  next step: dfa export MODEL --to "
                "int8 --calibrate MANIFEST, or --engine f32");
  DFA_TRY(check_quantisation(config, *options.quantisation));
  return options;
}

}  // namespace

Result<std::unique_ptr<Network>> make_fused_network(const NetworkConfig& config, const TensorMap& weights,
                                                    const NetworkOptions& options, UnreadRows unread) {
  DFA_ASSIGN_OR_RETURN(const NetworkOptions checked, check_precision(config, options));
  auto network = std::make_unique<FusedNetwork>(config, checked, unread);
  DFA_TRY(network->prepare(weights));
  return network;
}

}  // namespace dfa
