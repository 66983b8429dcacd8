// The strict check of a set of weights against the network's own list.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string>
#include <vector>

#include "nn/network.hpp"

namespace dfa {
namespace {

bool is_float(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

bool dtype_fits(const ParameterSpec& spec, Dtype dtype) {
  return spec.kind == ParameterKind::counter ? dtype == Dtype::i64 : is_float(dtype);
}

std::string mismatch_text(const ParameterSpec& spec, const Tensor& tensor) {
  return fmt::format("{} is {} {}, expected {} {}", spec.name, dtype_name(tensor.dtype), shape_text(tensor.shape),
                     spec.kind == ParameterKind::counter ? "I64" : "F32, F16 or BF16", shape_text(spec.shape));
}

struct Findings {
  std::size_t matched = 0;
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<std::string> misshaped;

  bool clean() const { return missing.empty() && unexpected.empty() && misshaped.empty(); }
};

Findings compare_with_list(const std::vector<ParameterSpec>& expected, const TensorMap& weights) {
  Findings findings;
  std::set<std::string, std::less<>> known;
  for (const ParameterSpec& spec : expected) {
    known.insert(spec.name);
    const auto found = weights.find(spec.name);
    if (found == weights.end()) {
      findings.missing.push_back(spec.name);
    } else if (found->second.shape != spec.shape || !dtype_fits(spec, found->second.dtype)) {
      findings.misshaped.push_back(mismatch_text(spec, found->second));
    } else {
      ++findings.matched;
    }
  }
  for (const auto& [name, tensor] : weights) {
    if (!known.contains(name)) {
      findings.unexpected.push_back(
          fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
    }
  }
  return findings;
}

std::string list_text(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  return fmt::format("\n  {} ({}):\n    {}", title, lines.size(), fmt::join(lines, "\n    "));
}

}  // namespace

Status check_weights(const NetworkConfig& config, const TensorMap& weights) {
  DFA_TRY(check_config(config));
  return check_weights(network_parameters(config), weights);
}

Status check_weights(const std::vector<ParameterSpec>& expected, const TensorMap& weights) {
  const Findings findings = compare_with_list(expected, weights);
  if (findings.clean()) return {};
  return fail(ErrorCode::model_tensors,
              "{} tensors fit, {} missing, {} unexpected, {} of the wrong shape or type{}{}{}\n"
              "  likely cause: weights of another configuration or of another program\n"
              "  next step: give the configuration that these weights were trained with",
              findings.matched, findings.missing.size(), findings.unexpected.size(), findings.misshaped.size(),
              list_text("missing", findings.missing), list_text("unexpected", findings.unexpected),
              list_text("wrong shape or type", findings.misshaped));
}

}  // namespace dfa
