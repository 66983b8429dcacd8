// A tensor as it lies in a file: dtype, shape and contiguous row-major little-endian bytes that are never changed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

enum class Dtype : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

// Bytes an element takes.
std::size_t dtype_size(Dtype dtype);
// The safetensors spelling: "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL".
std::string_view dtype_name(Dtype dtype);
std::optional<Dtype> parse_dtype(std::string_view name);

// Shape as text, "2x768"; "scalar" for rank 0.
std::string shape_text(std::span<const std::int64_t> shape);
// Product of the sizes; nothing for a negative size or more than 2^60 elements. For shapes that come from outside.
std::optional<std::uint64_t> checked_element_count(std::span<const std::int64_t> shape);

struct Tensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  // Exactly element_count * dtype_size bytes. They live as long as `owner`, which several tensors may share (one mapped
  // file).
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;

  std::int64_t element_count() const;
  // A tensor that owns a copy of the values.
  static Tensor from_f32(std::vector<std::int64_t> shape, std::span<const float> values);
  static Tensor from_i64(std::vector<std::int64_t> shape, std::span<const std::int64_t> values);
  static Tensor from_u8(std::vector<std::int64_t> shape, std::span<const std::uint8_t> values);
  // Values as f32, converted from f64, f32, f16 or bf16. Errors: model_format for integer dtypes.
  Result<std::vector<float>> to_f32() const;
};

// Floating-point values rounded once (to nearest, ties to even) to another floating-point dtype; exact where it is the
// wider one. Tensors of integers come back unchanged.
Tensor convert_floats(const Tensor& tensor, Dtype to);

// Ordered by name, which is also the order of writing: equal content gives equal bytes.
using TensorMap = std::map<std::string, Tensor, std::less<>>;

// A whole safetensors file: tensors and the text-to-text metadata.
struct TensorFile {
  TensorMap tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

}  // namespace dfa
