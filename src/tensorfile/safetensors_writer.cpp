#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

constexpr std::size_t kDataAlignment = 64;

struct Plan {
  std::string header;               // length, JSON and padding
  std::vector<const Tensor*> data;  // in the order of writing
};

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

Result<Plan> make_plan(const TensorFile& file) {
  std::vector<const std::pair<const std::string, Tensor>*> order;
  for (const auto& entry : file.tensors) {
    DFA_TRY(check_writable(entry.first, entry.second));
    order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return dtype_size(a->second.dtype) > dtype_size(b->second.dtype);
  });
  Plan plan;
  nlohmann::json header = nlohmann::json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t at = 0;
  for (const auto* entry : order) {
    const Tensor& tensor = entry->second;
    header[entry->first] = {{"dtype", dtype_name(tensor.dtype)},
                            {"shape", tensor.shape},
                            {"data_offsets", std::vector<std::uint64_t>{at, at + tensor.bytes.size()}}};
    at += tensor.bytes.size();
    plan.data.push_back(&tensor);
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
  DFA_ASSIGN_OR_RETURN(const Plan plan, make_plan(file));
  const auto header = std::as_bytes(std::span(plan.header));
  std::vector<std::byte> out(header.begin(), header.end());
  for (const Tensor* tensor : plan.data) out.insert(out.end(), tensor->bytes.begin(), tensor->bytes.end());
  return out;
}

Status write_safetensors(const TensorFile& file, const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const Plan plan, make_plan(file));
  DFA_ASSIGN_OR_RETURN(AtomicFile out, AtomicFile::create(path));
  DFA_TRY(out.write(std::string_view(plan.header)));
  for (const Tensor* tensor : plan.data) DFA_TRY(out.write(tensor->bytes));
  return out.commit();
}

}  // namespace dfa
