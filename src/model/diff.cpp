#include "model/diff.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "model/metadata.hpp"
#include "model/quantised_json.hpp"

namespace dfa {
namespace {

// Everything in a model file that is a tensor.
TensorMap all_tensors(const Model& model) {
  TensorMap tensors = model.weights;
  if (model.golden) {
    tensors["golden.crops"] =
        Tensor::from_u8({model.golden->count, model.golden->side, model.golden->side, 3}, model.golden->crops);
    tensors["golden.logits"] = Tensor::from_f32({model.golden->count, model.config.classes}, model.golden->logits);
  }
  if (model.quantised) put_multipliers(model.quantised->codes, tensors);
  return tensors;
}

double value_at(std::span<const std::byte> bytes, Dtype dtype, std::size_t i) {
  const auto load = [&]<class T>(T value) {
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return static_cast<double>(value);
  };
  switch (dtype) {
    case Dtype::i64:
      return load(std::int64_t{});
    case Dtype::i32:
      return load(std::int32_t{});
    case Dtype::i16:
      return load(std::int16_t{});
    case Dtype::i8:
      return load(std::int8_t{});
    default:
      return load(std::uint8_t{});
  }
}

std::vector<double> values_of(const Tensor& tensor) {
  if (const auto floats = tensor.to_f32()) return {floats->begin(), floats->end()};
  std::vector<double> values(static_cast<std::size_t>(tensor.element_count()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_at(tensor.bytes, tensor.dtype, i);
  return values;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> left = values_of(a), right = values_of(b);
  double largest = 0;
  for (std::size_t i = 0; i < left.size(); ++i) {
    const double difference =
        left[i] == right[i] ? 0 : std::abs(left[i] - right[i]);  // equal infinities differ by nothing
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

void compare_tensor(const std::string& name, const Tensor& a, const Tensor& b, ModelDiff& diff) {
  if (a.shape != b.shape) {
    diff.tensors.push_back({name, fmt::format("shape {} against {}", shape_text(a.shape), shape_text(b.shape)), {}});
    return;
  }
  const double largest = largest_difference(a, b);
  if (a.dtype == b.dtype && largest == 0) {
    ++diff.equal_tensors;
    return;
  }
  const std::string kind =
      a.dtype == b.dtype ? "" : fmt::format("type {} against {}", dtype_name(a.dtype), dtype_name(b.dtype));
  diff.tensors.push_back({name, kind, largest});
}

void compare_metadata(const Metadata& a, const Metadata& b, ModelDiff& diff) {
  Metadata keys = a;
  keys.insert(b.begin(), b.end());
  const auto value = [](const Metadata& metadata, const std::string& key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::optional<std::string>{} : found->second;
  };
  for (const auto& [key, unused] : keys)
    if (value(a, key) != value(b, key)) diff.metadata.push_back({key, value(a, key), value(b, key)});
}

// Other shapes, then NaN, then by size.
double rank(const TensorDifference& difference) {
  if (!difference.largest || std::isnan(*difference.largest)) return std::numeric_limits<double>::infinity();
  return *difference.largest;
}

}  // namespace

ModelDiff diff_models(const Model& a, const Model& b) {
  ModelDiff diff;
  compare_metadata(model_metadata(a), model_metadata(b), diff);
  const TensorMap left = all_tensors(a), right = all_tensors(b);
  for (const auto& [name, tensor] : left) {
    const auto other = right.find(name);
    if (other == right.end())
      diff.only_in_a.push_back(name);
    else
      compare_tensor(name, tensor, other->second, diff);
  }
  for (const auto& [name, tensor] : right)
    if (!left.contains(name)) diff.only_in_b.push_back(name);
  std::stable_sort(diff.tensors.begin(), diff.tensors.end(),
                   [](const auto& x, const auto& y) { return rank(x) > rank(y); });
  return diff;
}

}  // namespace dfa
