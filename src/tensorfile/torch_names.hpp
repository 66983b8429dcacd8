// The globals of torch files that mean something to us. Everything else is inert.
#pragma once

#include <optional>

#include "tensorfile/pickle.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

enum class RebuildKind {
  parameter,  // torch._utils._rebuild_parameter(tensor, requires_grad, hooks)
  tensor,     // torch._utils._rebuild_tensor(storage, offset, size, stride)
  tensor_v2,  // torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata])
  tensor_v3,  // torch._utils._rebuild_tensor_v3(..., hooks, dtype[, metadata]), over an untyped storage
};

// Each is empty for a value that is no such global.
std::optional<RebuildKind> rebuild_kind(const PickleValue& value);
std::optional<Dtype> storage_dtype(const PickleValue& value);    // torch.FloatStorage ...
std::optional<Dtype> dtype_of_global(const PickleValue& value);  // torch.float32 ...
bool is_untyped_storage(const PickleValue& value);

}  // namespace dfa
