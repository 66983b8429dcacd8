// Between tensors of files and tensors of torch, and from torch's exceptions to our errors. Include only in .cpp files
// of train/.
#pragma once

#include <torch/torch.h>

#include <exception>
#include <type_traits>
#include <utility>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa::train {

// A copy: i64 stays i64, every floating dtype becomes f32. Errors: model_format for other integer dtypes.
Result<at::Tensor> to_torch(const Tensor& tensor);
// A copy; every floating dtype becomes f32. Requires: floating or i64.
Tensor from_torch(const at::Tensor& tensor);

// Runs `work`, which may throw c10::Error, and returns its value or ErrorCode::internal (out_of_memory for
// std::bad_alloc).
template <class Work>
auto torch_guard(const char* what, Work&& work) -> Result<std::invoke_result_t<Work>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (const c10::Error& error) {
    return fail(ErrorCode::internal, "{}: torch says: {}", what, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "{}: out of memory", what);
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, "{}: {}", what, error.what());
  }
}

}  // namespace dfa::train
