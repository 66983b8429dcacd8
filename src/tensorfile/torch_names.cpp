#include "tensorfile/torch_names.hpp"

namespace dfa {
namespace {

struct NamedDtype {
  std::string_view name;
  Dtype dtype;
};

constexpr NamedDtype kStorages[] = {{"FloatStorage", Dtype::f32},     {"HalfStorage", Dtype::f16},
                                    {"BFloat16Storage", Dtype::bf16}, {"DoubleStorage", Dtype::f64},
                                    {"LongStorage", Dtype::i64},      {"IntStorage", Dtype::i32},
                                    {"ShortStorage", Dtype::i16},     {"CharStorage", Dtype::i8},
                                    {"ByteStorage", Dtype::u8},       {"BoolStorage", Dtype::boolean}};
constexpr NamedDtype kDtypes[] = {{"float32", Dtype::f32}, {"float16", Dtype::f16}, {"bfloat16", Dtype::bf16},
                                  {"float64", Dtype::f64}, {"int64", Dtype::i64},   {"int32", Dtype::i32},
                                  {"int16", Dtype::i16},   {"int8", Dtype::i8},     {"uint8", Dtype::u8},
                                  {"bool", Dtype::boolean}};

bool is_global(const PickleValue& value, std::string_view module) {
  return value.kind == PickleKind::global && value.text == module;
}

template <std::size_t N>
std::optional<Dtype> look_up(const NamedDtype (&table)[N], std::string_view name) {
  for (const NamedDtype& entry : table)
    if (entry.name == name) return entry.dtype;
  return std::nullopt;
}

}  // namespace

std::optional<RebuildKind> rebuild_kind(const PickleValue& value) {
  if (!is_global(value, "torch._utils")) return std::nullopt;
  if (value.name == "_rebuild_tensor_v2") return RebuildKind::tensor_v2;
  if (value.name == "_rebuild_parameter") return RebuildKind::parameter;
  if (value.name == "_rebuild_tensor") return RebuildKind::tensor;
  if (value.name == "_rebuild_tensor_v3") return RebuildKind::tensor_v3;
  return std::nullopt;
}

std::optional<Dtype> storage_dtype(const PickleValue& value) {
  return is_global(value, "torch") ? look_up(kStorages, value.name) : std::nullopt;
}

std::optional<Dtype> dtype_of_global(const PickleValue& value) {
  return is_global(value, "torch") ? look_up(kDtypes, value.name) : std::nullopt;
}

bool is_untyped_storage(const PickleValue& value) {
  return is_global(value, "torch.storage") && value.name == "UntypedStorage";
}

}  // namespace dfa
