// Records of a TensorBoard event file, byte by byte: the TFRecord frame and the few fields of its protocol buffers that
// a curve needs. No TensorFlow, no protobuf library.
//
// Note [Event files]
// A record is: length of the payload (u64), masked CRC-32C of these eight bytes (u32), payload, masked CRC-32C of the
// payload (u32), all little-endian. mask(c) = ((c >> 15) | (c << 17)) + 0xa282ead8. The payload is an Event message:
//   1 wall_time (double), 2 step (int64), one of: 3 file_version (string), 5 summary (Summary), 7 session_log.
//   Summary: 1 value (repeated Value). Value: 1 tag (string), 2 simple_value (float). SessionLog: 1 status (START = 1).
// The first record of a file carries file_version "brain.Event:2". A session_log START at step s tells a TensorBoard
// that is running to forget the points it has seen from s on: a resumed run writes it first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace dfa::train {

struct Scalar {
  std::string tag;
  double value = 0;
};

// CRC-32C (Castagnoli), as in iSCSI: of "123456789" it is 0xe3069283.
std::uint32_t crc32c(std::string_view bytes);

// wall_time: seconds since 1970.
std::string version_record(double wall_time);
std::string restart_record(double wall_time, std::int64_t first_step);
std::string scalars_record(double wall_time, std::int64_t step, std::span<const Scalar> scalars);

}  // namespace dfa::train
