#include "nn/network.hpp"

#include <cstddef>

#include "nn/forward_check.hpp"
#include "nn/vit/fused_network.hpp"
#include "nn/vit/ref_network.hpp"

namespace dfa {
namespace {

Status check_size(std::string_view what, std::size_t got, std::size_t expected) {
  if (got == expected) return {};
  return fail(ErrorCode::usage, "{} hold {} values, expected {}", what, got, expected);
}

Status check_options(const NetworkOptions& options) {
  if (options.threads < 0)
    return fail(ErrorCode::usage, "threads is {}, must be 0 (all processors) or more", options.threads);
  if (options.max_batch < 1) return fail(ErrorCode::usage, "max_batch is {}, must be 1 or more", options.max_batch);
  return {};
}

}  // namespace

std::string_view precision_name(Precision precision) {
  switch (precision) {
    case Precision::ref:
      return "ref";
    case Precision::f32:
      return "f32";
    case Precision::bf16:
      return "bf16";
    case Precision::int8:
      return "int8";
  }
  return "unknown";
}

Status check_forward(const NetworkConfig& config, std::span<const float> images, int n, const ForwardOutput& output) {
  if (n < 1) return fail(ErrorCode::usage, "forward of {} images, need at least 1", n);
  const std::size_t count = static_cast<std::size_t>(n);
  const std::size_t side = static_cast<std::size_t>(config.image);
  DFA_TRY(check_size("images", images.size(), count * 3 * side * side));
  if (!output.logits.empty()) {
    DFA_TRY(check_size("logits", output.logits.size(), count * static_cast<std::size_t>(config.classes)));
  }
  if (!output.feature.empty()) {
    DFA_TRY(check_size("features", output.feature.size(), count * static_cast<std::size_t>(config.dim)));
  }
  return {};
}

Result<std::unique_ptr<Network>> make_network(const NetworkConfig& config, const TensorMap& weights,
                                              const NetworkOptions& options) {
  DFA_TRY(check_options(options));
  DFA_TRY(check_weights(config, weights));
  switch (options.precision) {
    case Precision::ref:
      return make_ref_network(config, weights, options);
    case Precision::f32:
    case Precision::bf16:
    case Precision::int8:
      return make_fused_network(config, weights, options);
  }
  return fail(ErrorCode::usage, "precision {} is not one of this build", static_cast<int>(options.precision));
}

}  // namespace dfa
