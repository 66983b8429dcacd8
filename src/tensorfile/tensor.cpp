#include "tensorfile/tensor.hpp"

#include <cassert>
#include <cstring>

#include "tensorfile/float_bits.hpp"

namespace dfa {
namespace {

template <class T>
Tensor owning_copy(Dtype dtype, std::vector<std::int64_t> shape, std::span<const T> values) {
  auto storage = std::make_shared<std::vector<std::byte>>(values.size_bytes());
  if (!values.empty()) std::memcpy(storage->data(), values.data(), values.size_bytes());
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.bytes = *storage;
  tensor.owner = std::move(storage);
  assert(tensor.element_count() == static_cast<std::int64_t>(values.size()));
  return tensor;
}

// Bytes of a file may lie at any address: elements are copied out, never pointed at.
template <class T>
T element(std::span<const std::byte> bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
  return value;
}

template <class Stored, class Out, class Convert>
std::vector<Out> convert_each(std::span<const std::byte> bytes, Convert convert) {
  std::vector<Out> out(bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = convert(element<Stored>(bytes, i));
  return out;
}

bool is_float(Dtype dtype) {
  return dtype == Dtype::f64 || dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

// Requires a float dtype. `keep_odd`: f64 is rounded to odd because a second rounding follows.
std::vector<float> widen(const Tensor& tensor, bool keep_odd) {
  switch (tensor.dtype) {
    case Dtype::f64:
      if (keep_odd) return convert_each<double, float>(tensor.bytes, f32_rounded_to_odd);
      return convert_each<double, float>(tensor.bytes, [](double value) { return static_cast<float>(value); });
    case Dtype::f16:
      return convert_each<std::uint16_t, float>(tensor.bytes, f32_from_f16);
    case Dtype::bf16:
      return convert_each<std::uint16_t, float>(tensor.bytes, f32_from_bf16);
    default: {
      std::vector<float> out(tensor.bytes.size() / sizeof(float));
      if (!out.empty()) std::memcpy(out.data(), tensor.bytes.data(), out.size() * sizeof(float));
      return out;
    }
  }
}

}  // namespace

std::size_t dtype_size(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
    case Dtype::i64:
      return 8;
    case Dtype::f32:
    case Dtype::i32:
      return 4;
    case Dtype::f16:
    case Dtype::bf16:
    case Dtype::i16:
      return 2;
    case Dtype::i8:
    case Dtype::u8:
    case Dtype::boolean:
      return 1;
  }
  return 1;
}

std::string_view dtype_name(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "F64";
    case Dtype::f32:
      return "F32";
    case Dtype::f16:
      return "F16";
    case Dtype::bf16:
      return "BF16";
    case Dtype::i64:
      return "I64";
    case Dtype::i32:
      return "I32";
    case Dtype::i16:
      return "I16";
    case Dtype::i8:
      return "I8";
    case Dtype::u8:
      return "U8";
    case Dtype::boolean:
      return "BOOL";
  }
  return "?";
}

std::optional<Dtype> parse_dtype(std::string_view name) {
  for (const Dtype dtype : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i64, Dtype::i32, Dtype::i16,
                            Dtype::i8, Dtype::u8, Dtype::boolean})
    if (dtype_name(dtype) == name) return dtype;
  return std::nullopt;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (const std::int64_t size : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(size);
  }
  return text;
}

std::optional<std::uint64_t> checked_element_count(std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  bool empty = false;
  for (const std::int64_t size : shape) {
    if (size < 0) return std::nullopt;
    if (size == 0) empty = true;
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(size == 0 ? 1 : size), &count)) return std::nullopt;
  }
  // 2^60 elements of 8 bytes still fit into 64 bits.
  if (count > (std::uint64_t{1} << 60)) return std::nullopt;
  return empty ? 0 : count;
}

std::int64_t Tensor::element_count() const {
  return static_cast<std::int64_t>(bytes.size() / dtype_size(dtype));
}

Tensor Tensor::from_f32(std::vector<std::int64_t> shape, std::span<const float> values) {
  return owning_copy(Dtype::f32, std::move(shape), values);
}

Tensor Tensor::from_i64(std::vector<std::int64_t> shape, std::span<const std::int64_t> values) {
  return owning_copy(Dtype::i64, std::move(shape), values);
}

Tensor Tensor::from_u8(std::vector<std::int64_t> shape, std::span<const std::uint8_t> values) {
  return owning_copy(Dtype::u8, std::move(shape), values);
}

Result<std::vector<float>> Tensor::to_f32() const {
  if (!is_float(dtype))
    return fail(ErrorCode::model_format, "got a {} tensor ({}), expected floating-point values", dtype_name(dtype),
                shape_text(shape));
  return widen(*this, false);
}

Tensor convert_floats(const Tensor& tensor, Dtype to) {
  if (tensor.dtype == to || !is_float(tensor.dtype) || !is_float(to)) return tensor;
  if (to == Dtype::f64) {
    const std::vector<float> values = widen(tensor, false);
    const std::vector<double> wide(values.begin(), values.end());
    return owning_copy<double>(to, tensor.shape, wide);
  }
  const std::vector<float> values = widen(tensor, to != Dtype::f32);
  if (to == Dtype::f32) return owning_copy<float>(to, tensor.shape, values);
  std::vector<std::uint16_t> narrow(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    narrow[i] = to == Dtype::f16 ? f16_from_f32(values[i]) : bf16_from_f32(values[i]);
  return owning_copy<std::uint16_t>(to, tensor.shape, narrow);
}

}  // namespace dfa
