// The weights inside the program: a safetensors file made at build time (cmake/MtcnnWeights.cmake).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace dfa {

std::span<const std::byte> mtcnn_weights_blob();
// SHA-256 of those bytes: the detector's version in crop recipes and records.
std::string_view mtcnn_weights_sha256();

}  // namespace dfa
