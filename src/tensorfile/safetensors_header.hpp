// The JSON header of a safetensors file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

struct SafetensorsEntry {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;  // bytes from the end of the header
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::map<std::string, SafetensorsEntry, std::less<>> entries;
  std::map<std::string, std::string, std::less<>> metadata;
};

// Strict: only the keys of the format, each once, no number that is not a count. Offsets are not compared with anything
// here. Errors: model_format with the position.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json);

}  // namespace dfa
