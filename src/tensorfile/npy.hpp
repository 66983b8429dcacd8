// One array as NumPy writes it (.npy). The header is a Python literal; it is parsed as text, by its own narrow grammar,
// and nothing else of Python is understood.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Format versions 1 to 3; little-endian floats of 2, 4 and 8 bytes, integers, bool. Arrays in C order are views of
// `bytes`, which live as long as `owner`; those in Fortran order are copied into C order. `what` names the array in
// messages. Errors: model_format (magic, version, header, dtype, a shape that cannot be or does not fit the bytes).
Result<Tensor> parse_npy(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, std::string_view what);

}  // namespace dfa
