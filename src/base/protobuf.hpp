// The wire format of protocol buffers, as far as writing needs it: varints, tags, length-delimited and fixed fields.
// Two formats of other programs use it here (TensorBoard's event files, ONNX); both are a handful of fields, so that
// neither a library at run time nor a compiler of schemas is worth having for them.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace dfa::protobuf {

enum class Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

template <class Integer>
void put_little_endian(std::string& to, Integer value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) to += static_cast<char>(value >> (8 * i) & 0xFF);
}

inline void put_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>((value & 0x7F) | 0x80);
  to += static_cast<char>(value);
}

inline void put_tag(std::string& to, std::uint32_t field, Wire wire) {
  put_varint(to, field << 3 | static_cast<std::uint32_t>(wire));
}

// int32, int64, enum; negative values take ten bytes, as the format has it.
inline void put_integer(std::string& to, std::uint32_t field, std::int64_t value) {
  put_tag(to, field, Wire::varint);
  put_varint(to, static_cast<std::uint64_t>(value));
}

inline void put_float(std::string& to, std::uint32_t field, float value) {
  put_tag(to, field, Wire::fixed32);
  put_little_endian(to, std::bit_cast<std::uint32_t>(value));
}

inline void put_double(std::string& to, std::uint32_t field, double value) {
  put_tag(to, field, Wire::fixed64);
  put_little_endian(to, std::bit_cast<std::uint64_t>(value));
}

// Tag and length of a field whose `size` bytes follow.
inline void put_length(std::string& to, std::uint32_t field, std::uint64_t size) {
  put_tag(to, field, Wire::bytes);
  put_varint(to, size);
}

// A string, bytes or a message.
inline void put_bytes(std::string& to, std::uint32_t field, std::string_view value) {
  put_length(to, field, value.size());
  to += value;
}

}  // namespace dfa::protobuf
