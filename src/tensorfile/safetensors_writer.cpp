#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/write_rounded.hpp"

namespace dfa {
namespace {

constexpr std::size_t kDataAlignment = 64;

// A tensor in the file: what convert_floats gives.
struct Item {
  const std::string* name = nullptr;
  const Tensor* tensor = nullptr;
  Dtype dtype = Dtype::f32;

  std::uint64_t bytes() const { return tensor->bytes.size() / dtype_size(tensor->dtype) * dtype_size(dtype); }
};

struct Plan {
  std::string header;      // length, JSON and padding
  std::vector<Item> data;  // in the order of writing
};

bool is_float(Dtype dtype) {
  return dtype == Dtype::f64 || dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

Dtype stored_dtype(const std::string& name, const Tensor& tensor, const StoredDtypes& dtypes) {
  const auto found = dtypes.find(name);
  return found == dtypes.end() || !is_float(tensor.dtype) || !is_float(found->second) ? tensor.dtype : found->second;
}

Status check_writable(const std::string& name, const Tensor& tensor) {
  const auto count = checked_element_count(tensor.shape);
  if (!count || *count * dtype_size(tensor.dtype) != tensor.bytes.size())
    return fail(ErrorCode::internal, "tensor {}: {} {} does not take {} bytes", name, dtype_name(tensor.dtype),
                shape_text(tensor.shape), tensor.bytes.size());
  if (name == "__metadata__") return fail(ErrorCode::internal, "a tensor cannot be named __metadata__");
  return {};
}

// nlohmann's json (not ordered_json) keeps keys sorted, which is the canonical order.
Result<std::string> header_text(const nlohmann::json& header) {
  try {
    return header.dump();
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::internal, "safetensors header: {}", error.what());
  }
}

Result<Plan> make_plan(const TensorFile& file, const StoredDtypes& dtypes) {
  Plan plan;
  for (const auto& [name, tensor] : file.tensors) {
    DFA_TRY(check_writable(name, tensor));
    plan.data.push_back({&name, &tensor, stored_dtype(name, tensor, dtypes)});
  }
  std::stable_sort(plan.data.begin(), plan.data.end(),
                   [](const Item& a, const Item& b) { return dtype_size(a.dtype) > dtype_size(b.dtype); });
  nlohmann::json header = nlohmann::json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t at = 0;
  for (const Item& item : plan.data) {
    header[*item.name] = {{"dtype", dtype_name(item.dtype)},
                          {"shape", item.tensor->shape},
                          {"data_offsets", std::vector<std::uint64_t>{at, at + item.bytes()}}};
    at += item.bytes();
  }
  DFA_ASSIGN_OR_RETURN(std::string json, header_text(header));
  const std::size_t used = sizeof(std::uint64_t) + json.size();
  json.append((kDataAlignment - used % kDataAlignment) % kDataAlignment, ' ');
  const std::uint64_t length = json.size();
  plan.header.resize(sizeof(length));
  std::memcpy(plan.header.data(), &length, sizeof(length));
  plan.header += json;
  return plan;
}

}  // namespace

Result<std::vector<std::byte>> serialize_safetensors(const TensorFile& file) {
  DFA_ASSIGN_OR_RETURN(const Plan plan, make_plan(file, {}));
  const auto header = std::as_bytes(std::span(plan.header));
  std::vector<std::byte> out(header.begin(), header.end());
  for (const Item& item : plan.data) out.insert(out.end(), item.tensor->bytes.begin(), item.tensor->bytes.end());
  return out;
}

Status write_rounded_safetensors(const TensorFile& file, const StoredDtypes& dtypes,
                                 const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const Plan plan, make_plan(file, dtypes));
  DFA_ASSIGN_OR_RETURN(AtomicFile out, AtomicFile::create(path));
  DFA_TRY(out.write(std::string_view(plan.header)));
  for (const Item& item : plan.data) DFA_TRY(out.write(convert_floats(*item.tensor, item.dtype).bytes));
  return out.commit();
}

Status write_safetensors(const TensorFile& file, const std::filesystem::path& path) {
  return write_rounded_safetensors(file, {}, path);
}

}  // namespace dfa
