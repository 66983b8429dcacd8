#include "exchange/name_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <set>

namespace dfa {
namespace {

using Shape = std::vector<std::int64_t>;

std::size_t count_of(const Shape& shape) {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<std::int64_t>()));
}

bool is_weight_type(Dtype dtype) {
  return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

Shape permuted_shape(const Shape& shape, const std::vector<int>& axes) {
  Shape permuted;
  for (const int axis : axes) permuted.push_back(shape[static_cast<std::size_t>(axis)]);
  return permuted;
}

std::vector<int> inverse(const std::vector<int>& axes) {
  std::vector<int> back(axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) back[static_cast<std::size_t>(axes[i])] = static_cast<int>(i);
  return back;
}

// Elements of `from` (shape) in the order of permuted_shape(shape, axes).
void permute(const std::byte* from, const Shape& shape, const std::vector<int>& axes, std::size_t element,
             std::byte* to) {
  const std::size_t rank = shape.size();
  std::vector<std::size_t> stride(rank, 1);
  for (std::size_t i = rank - 1; i-- > 0;) stride[i] = stride[i + 1] * static_cast<std::size_t>(shape[i + 1]);
  const Shape out = permuted_shape(shape, axes);
  std::vector<std::int64_t> index(rank, 0);
  for (std::size_t k = 0; k < count_of(shape); ++k) {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < rank; ++i)
      offset += static_cast<std::size_t>(index[i]) * stride[static_cast<std::size_t>(axes[i])];
    std::memcpy(to + k * element, from + offset * element, element);
    for (std::size_t i = rank; i-- > 0;) {
      if (++index[i] < out[i]) break;
      index[i] = 0;
    }
  }
}

// A tensor of its own memory, zeros.
std::pair<Tensor, std::byte*> make_tensor(Dtype dtype, Shape shape) {
  auto bytes = std::make_shared<std::vector<std::byte>>(count_of(shape) * dtype_size(dtype));
  std::byte* data = bytes->data();
  const std::span<const std::byte> view(*bytes);
  return {Tensor{dtype, std::move(shape), view, std::move(bytes)}, data};
}

// The part's tensor where it is there and fits, else nullptr and a line in the report.
const Tensor* find_part(const SourcePart& part, const TensorMap& theirs, LoadReport& report) {
  const auto found = theirs.find(part.name);
  if (found == theirs.end()) {
    report.missing.push_back(part.name);
    return nullptr;
  }
  const Tensor& tensor = found->second;
  if (tensor.shape == part.shape && is_weight_type(tensor.dtype)) {
    ++report.matched;
    return &tensor;
  }
  report.wrong_shape.push_back(fmt::format("{} is {} {}, expected F32, F16 or BF16 {}", part.name,
                                           dtype_name(tensor.dtype), shape_text(tensor.shape), shape_text(part.shape)));
  return nullptr;
}

Tensor join(const MappedTensor& mapped, const std::vector<const Tensor*>& parts) {
  std::set<Dtype> types;
  for (const Tensor* part : parts)
    if (part != nullptr) types.insert(part->dtype);
  const Dtype dtype = types.size() == 1 ? *types.begin() : Dtype::f32;
  const std::size_t element = dtype_size(dtype);
  auto [whole, data] = make_tensor(dtype, mapped.shape);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const SourcePart& part = mapped.parts[i];
    if (parts[i] != nullptr) {
      const Tensor values = parts[i]->dtype == dtype ? *parts[i] : convert_floats(*parts[i], dtype);
      if (part.axes.empty())
        std::memcpy(data, values.bytes.data(), values.bytes.size());
      else
        permute(values.bytes.data(), part.shape, part.axes, element, data);
    }
    data += count_of(part.shape) * element;
  }
  return whole;
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

Status check_name_map(const NameMap& map, const std::vector<ParameterSpec>& expected) {
  if (map.size() != expected.size())
    return fail(ErrorCode::internal, "the map names {} tensors, the network has {}", map.size(), expected.size());
  for (const MappedTensor& mapped : map) {
    const auto spec = std::ranges::find(expected, mapped.name, &ParameterSpec::name);
    if (spec == expected.end())
      return fail(ErrorCode::internal, "the map names {}, which the network has not", mapped.name);
    std::size_t count = 0;
    for (const SourcePart& part : mapped.parts) count += count_of(part.shape);
    if (mapped.shape != spec->shape || count != count_of(spec->shape))
      return fail(ErrorCode::internal, "the map makes {} of {} values as {}, the network has {}", mapped.name, count,
                  shape_text(mapped.shape), shape_text(spec->shape));
  }
  return {};
}

Renamed to_ours(const NameMap& map, const TensorMap& theirs, const std::function<void()>& copied) {
  Renamed result;
  std::set<std::string_view> known;
  for (const MappedTensor& mapped : map) {
    std::vector<const Tensor*> parts;
    bool whole = true;
    for (const SourcePart& part : mapped.parts) {
      if (part.name.empty()) {
        parts.push_back(nullptr);
        continue;
      }
      known.insert(part.name);
      parts.push_back(find_part(part, theirs, result.report));
      whole = whole && parts.back() != nullptr;
    }
    if (!whole) continue;
    if (parts.size() == 1 && mapped.parts[0].axes.empty()) {
      Tensor view = *parts[0];
      view.shape = mapped.shape;
      result.tensors.emplace(mapped.name, std::move(view));
    } else {
      result.tensors.emplace(mapped.name, join(mapped, parts));
      if (copied) copied();
    }
  }
  for (const auto& [name, tensor] : theirs)
    if (!known.contains(name))
      result.report.unexpected.push_back(
          fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
  return result;
}

Result<TensorMap> to_theirs(const NameMap& map, const TensorMap& ours) {
  TensorMap theirs;
  for (const MappedTensor& mapped : map) {
    const auto found = ours.find(mapped.name);
    if (found == ours.end()) return fail(ErrorCode::model_tensors, "there is no tensor {} to write", mapped.name);
    const Tensor& tensor = found->second;
    const std::size_t element = dtype_size(tensor.dtype);
    std::size_t offset = 0;
    for (const SourcePart& part : mapped.parts) {
      const auto bytes = tensor.bytes.subspan(offset, count_of(part.shape) * element);
      offset += bytes.size();
      if (part.name.empty()) {
        if (all_zero(bytes)) continue;
        return fail(ErrorCode::model_incompatible,
                    "{} has values where the other library has none\n  likely cause: it was trained, and that library "
                    "cannot hold what it learned\n  next step: keep the model file, or tune without biases",
                    mapped.name);
      }
      if (part.axes.empty()) {
        theirs.emplace(part.name, Tensor{tensor.dtype, part.shape, bytes, tensor.owner});
        continue;
      }
      auto [whole, data] = make_tensor(tensor.dtype, part.shape);
      permute(bytes.data(), permuted_shape(part.shape, part.axes), inverse(part.axes), element, data);
      theirs.emplace(part.name, std::move(whole));
    }
  }
  return theirs;
}

}  // namespace dfa
