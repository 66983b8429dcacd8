#include "media/random_access.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace dfa {
namespace {

using Bytes = std::span<const std::uint8_t>;

// How the units of a packet are told apart: by lengths of 1 to 4 bytes before them (MP4, Matroska) or by start codes
// (0).
std::size_t length_bytes(const AVCodecParameters& parameters) {
  const Bytes extra(parameters.extradata,
                    parameters.extradata == nullptr ? 0 : static_cast<std::size_t>(parameters.extradata_size));
  constexpr std::size_t kAvcLengthAt = 4, kHevcLengthAt = 21;
  const std::size_t at = parameters.codec_id == AV_CODEC_ID_H264 ? kAvcLengthAt : kHevcLengthAt;
  const bool configuration_record = extra.size() > at && extra[0] == 1;
  return configuration_record ? (extra[at] & 3u) + 1 : 0;
}

// Where the next start code 00 00 01 begins, or the end.
std::size_t start_code(Bytes bytes, std::size_t from) {
  for (std::size_t i = from; i + 3 <= bytes.size(); ++i)
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1) return i;
  return bytes.size();
}

// Calls `visit` with each unit until it answers; a packet that ends inside a unit ends the walk.
std::optional<bool> each_unit(Bytes bytes, std::size_t prefix, const std::function<std::optional<bool>(Bytes)>& visit) {
  std::size_t at = prefix == 0 ? start_code(bytes, 0) : 0;
  while (at < bytes.size()) {
    std::size_t begin, end, next;
    if (prefix == 0) {
      begin = std::min(at + 3, bytes.size());
      end = next = start_code(bytes, begin);
    } else {
      std::size_t length = 0;
      if (bytes.size() - at < prefix) break;
      for (std::size_t i = 0; i < prefix; ++i) length = length << 8 | bytes[at + i];
      begin = at + prefix;
      if (length > bytes.size() - begin) break;
      end = next = begin + length;
    }
    if (end > begin)
      if (const auto answer = visit(bytes.subspan(begin, end - begin))) return answer;
    at = next;
  }
  return std::nullopt;
}

// Without the byte 3 that keeps start codes out of a unit.
std::vector<std::uint8_t> unescaped(Bytes unit) {
  std::vector<std::uint8_t> plain;
  plain.reserve(unit.size());
  int zeros = 0;
  for (const std::uint8_t byte : unit) {
    if (zeros >= 2 && byte == 3) {
      zeros = 0;
      continue;
    }
    zeros = byte == 0 ? zeros + 1 : 0;
    plain.push_back(byte);
  }
  return plain;
}

// Whether a unit of supplemental information (its header of one byte included) holds a recovery point that takes 0
// frames.
bool recovers_at_once(Bytes unit) {
  constexpr unsigned kRecoveryPoint = 6;
  const std::vector<std::uint8_t> bytes = unescaped(unit);
  std::size_t at = 1;
  const auto number = [&] {  // bytes of 255 count on, the first other byte ends it
    unsigned value = 0;
    while (at < bytes.size() && bytes[at] == 0xFF) value += bytes[at++];
    return at < bytes.size() ? value + bytes[at++] : value;
  };
  while (at + 2 < bytes.size()) {
    const unsigned type = number(), size = number();
    // The count is an Exp-Golomb number: a first bit of 1 is 0.
    if (type == kRecoveryPoint && size > 0 && at < bytes.size()) return (bytes[at] & 0x80) != 0;
    at += size;
  }
  return false;
}

std::optional<bool> h264_unit(Bytes unit) {
  constexpr unsigned kSlice = 1, kPartition = 2, kIdr = 5, kSupplemental = 6;
  switch (unit[0] & 0x1Fu) {
    case kIdr:
      return true;
    case kSupplemental:
      return recovers_at_once(unit) ? std::optional(true) : std::nullopt;
    case kSlice:
    case kPartition:
      return false;
    default:
      return std::nullopt;
  }
}

std::optional<bool> hevc_unit(Bytes unit) {
  constexpr unsigned kFirstRandomAccess = 16, kLastRandomAccess = 23, kLastSlice = 31;
  const unsigned type = unit[0] >> 1 & 0x3Fu;
  if (type > kLastSlice) return std::nullopt;
  return type >= kFirstRandomAccess && type <= kLastRandomAccess;
}

}  // namespace

bool starts_decoding(const AVPacket& packet, const AVCodecParameters& parameters) {
  const bool h264 = parameters.codec_id == AV_CODEC_ID_H264;
  if (!h264 && parameters.codec_id != AV_CODEC_ID_HEVC) return true;
  const Bytes bytes(packet.data, static_cast<std::size_t>(std::max(packet.size, 0)));
  return each_unit(bytes, length_bytes(parameters), h264 ? h264_unit : hevc_unit).value_or(false);
}

}  // namespace dfa
