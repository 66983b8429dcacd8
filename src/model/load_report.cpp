#include "model/load_report.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>

namespace dfa {
namespace {

bool is_float(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

bool dtype_fits(const ParameterSpec& spec, Dtype dtype) {
  return spec.kind == ParameterKind::counter ? dtype == Dtype::i64 : is_float(dtype);
}

// All ones in the exponent is NaN or infinity, in every one of the three formats.
template <class Bits>
bool all_finite(std::span<const std::byte> bytes, Bits exponent) {
  // Looked at a block at a time: a loop that may end at every value is not made of vectors.
  constexpr std::size_t kBlock = std::size_t{16} << 10;
  for (std::size_t begin = 0; begin < bytes.size(); begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, bytes.size());
    Bits found = 0;
    for (std::size_t at = begin; at < end; at += sizeof(Bits)) {
      Bits bits;
      std::memcpy(&bits, bytes.data() + at, sizeof(Bits));
      found = static_cast<Bits>(found | static_cast<Bits>((bits & exponent) == exponent));
    }
    if (found != 0) return false;
  }
  return true;
}

bool is_finite(const Tensor& tensor) {
  switch (tensor.dtype) {
    case Dtype::f32:
      return all_finite<std::uint32_t>(tensor.bytes, 0x7f800000u);
    case Dtype::f16:
      return all_finite<std::uint16_t>(tensor.bytes, 0x7c00u);
    case Dtype::bf16:
      return all_finite<std::uint16_t>(tensor.bytes, 0x7f80u);
    default:
      return true;
  }
}

std::string list_text(std::string_view title, const std::vector<std::string>& names, std::size_t most) {
  if (names.empty()) return {};
  const std::size_t shown = std::min(most, names.size());
  std::string text =
      fmt::format("\n  {} ({}):\n    {}", title, names.size(),
                  fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), "\n    "));
  if (shown < names.size()) text += fmt::format("\n    ... and {} more", names.size() - shown);
  return text;
}

}  // namespace

std::string LoadReport::text(std::size_t most) const {
  std::string text = fmt::format("{} tensors matched, {} missing, {} unexpected, {} of the wrong shape or type",
                                 matched, missing.size(), unexpected.size(), wrong_shape.size());
  if (!ignored.empty()) text += fmt::format(", {} ignored by name", ignored.size());
  text += list_text("missing", missing, most);
  text += list_text("unexpected", unexpected, most);
  text += list_text("wrong shape or type", wrong_shape, most);
  text += list_text("NaN or infinity", not_finite, most);
  text += list_text("ignored by name", ignored, most);
  return text;
}

LoadReport compare_tensors(const std::vector<ParameterSpec>& expected, const TensorMap& weights) {
  LoadReport report;
  std::set<std::string_view> known;
  for (const ParameterSpec& spec : expected) {
    known.insert(spec.name);
    const auto found = weights.find(spec.name);
    if (found == weights.end()) {
      report.missing.push_back(spec.name);
      continue;
    }
    const Tensor& tensor = found->second;
    if (tensor.shape != spec.shape || !dtype_fits(spec, tensor.dtype)) {
      report.wrong_shape.push_back(
          fmt::format("{} is {} {}, expected {} {}", spec.name, dtype_name(tensor.dtype), shape_text(tensor.shape),
                      spec.kind == ParameterKind::counter ? "I64" : "F32, F16 or BF16", shape_text(spec.shape)));
      continue;
    }
    ++report.matched;
    if (!is_finite(tensor)) report.not_finite.push_back(spec.name);
  }
  for (const auto& [name, tensor] : weights)
    if (!known.contains(name))
      report.unexpected.push_back(fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
  return report;
}

Status require_all(const LoadReport& report, std::string_view likely_cause, std::string_view next_step) {
  if (report.ok()) return {};
  return fail(ErrorCode::model_tensors, "{}\n  likely cause: {}\n  next step: {}", report.text(), likely_cause,
              next_step);
}

std::vector<ParameterSpec> trunk_parameters(const NetworkConfig& config) {
  std::vector<ParameterSpec> specs = network_parameters(config);
  std::erase_if(specs, [](const ParameterSpec& spec) { return spec.group != ParameterGroup::trunk; });
  return specs;
}

}  // namespace dfa
