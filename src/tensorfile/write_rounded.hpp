// Writing a safetensors file in another type of numbers than the tensors have, without holding it in memory.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// By name; tensors that are not named are written as they are.
using StoredDtypes = std::map<std::string, Dtype, std::less<>>;

// The bytes that write_safetensors would write had each tensor been through convert_floats. One tensor at a time is
// converted. Errors: as write_safetensors.
Status write_rounded_safetensors(const TensorFile& file, const StoredDtypes& dtypes, const std::filesystem::path& path);

}  // namespace dfa
