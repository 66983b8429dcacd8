// Little-endian numbers at any address.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

namespace dfa {

static_assert(std::endian::native == std::endian::little, "file formats are read without swapping bytes");

// Requires offset + sizeof(T) <= bytes.size().
template <class T>
T load_le(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

}  // namespace dfa
