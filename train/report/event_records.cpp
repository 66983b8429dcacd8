#include "train/report/event_records.hpp"

#include <array>
#include <bit>

namespace dfa::train {

namespace {

// Wire types of protocol buffers.
enum class Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

constexpr std::uint32_t kStart = 1;  // SessionLog.START

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kCastagnoli = 0x82F63B78;  // reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kCrcTable = crc_table();

template <class Integer>
void put_little_endian(std::string& to, Integer value) {
  for (std::size_t i = 0; i < sizeof(value); ++i) to += static_cast<char>(value >> (8 * i) & 0xFF);
}

void put_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>((value & 0x7F) | 0x80);
  to += static_cast<char>(value);
}

void put_tag(std::string& to, std::uint32_t field, Wire wire) {
  put_varint(to, field << 3 | static_cast<std::uint32_t>(wire));
}

void put_bytes(std::string& to, std::uint32_t field, std::string_view value) {
  put_tag(to, field, Wire::bytes);
  put_varint(to, value.size());
  to += value;
}

std::string event(double wall_time, std::int64_t step) {
  std::string message;
  put_tag(message, 1, Wire::fixed64);
  put_little_endian(message, std::bit_cast<std::uint64_t>(wall_time));
  put_tag(message, 2, Wire::varint);
  put_varint(message, static_cast<std::uint64_t>(step));
  return message;
}

std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kMaskDelta = 0xA282EAD8;
  return std::rotr(crc32c(bytes), 15) + kMaskDelta;
}

std::string framed(std::string_view payload) {
  std::string record;
  put_little_endian(record, static_cast<std::uint64_t>(payload.size()));
  put_little_endian(record, masked_crc(record));
  record += payload;
  put_little_endian(record, masked_crc(payload));
  return record;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

std::string version_record(double wall_time) {
  std::string message = event(wall_time, 0);
  put_bytes(message, 3, "brain.Event:2");
  return framed(message);
}

std::string restart_record(double wall_time, std::int64_t first_step) {
  std::string message = event(wall_time, first_step), log;
  put_tag(log, 1, Wire::varint);
  put_varint(log, kStart);
  put_bytes(message, 7, log);
  return framed(message);
}

std::string scalars_record(double wall_time, std::int64_t step, std::span<const Scalar> scalars) {
  std::string message = event(wall_time, step), summary;
  for (const Scalar& scalar : scalars) {
    std::string value;
    put_bytes(value, 1, scalar.tag);
    put_tag(value, 2, Wire::fixed32);
    put_little_endian(value, std::bit_cast<std::uint32_t>(static_cast<float>(scalar.value)));
    put_bytes(summary, 1, value);
  }
  put_bytes(message, 5, summary);
  return framed(message);
}

}  // namespace dfa::train
