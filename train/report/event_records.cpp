#include "train/report/event_records.hpp"

#include <array>
#include <bit>

#include "base/protobuf.hpp"

namespace dfa::train {

namespace {

using namespace protobuf;

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

std::string event(double wall_time, std::int64_t step) {
  std::string message;
  put_double(message, 1, wall_time);
  put_integer(message, 2, step);
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
  put_integer(log, 1, kStart);
  put_bytes(message, 7, log);
  return framed(message);
}

std::string scalars_record(double wall_time, std::int64_t step, std::span<const Scalar> scalars) {
  std::string message = event(wall_time, step), summary;
  for (const Scalar& scalar : scalars) {
    std::string value;
    put_bytes(value, 1, scalar.tag);
    put_float(value, 2, static_cast<float>(scalar.value));
    put_bytes(summary, 1, value);
  }
  put_bytes(message, 5, summary);
  return framed(message);
}

}  // namespace dfa::train
