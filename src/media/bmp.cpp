// BMP through FFmpeg's decoder, which is linked for videos anyway; the header is read here first, for the limits and
// for files that end early.
#include <algorithm>
#include <cstdlib>

#include "media/ffmpeg_handles.hpp"
#include "media/frame_converter.hpp"
#include "media/picture_codecs.hpp"

namespace dfa {
namespace {

// Offsets into the file, little endian.
constexpr std::size_t kFileHeader = 14, kOldHeader = 12;
constexpr std::size_t kAtPixelOffset = 10, kAtHeaderSize = 14, kAtSides = 18;
constexpr std::size_t kSmallestFile = kFileHeader + kOldHeader;

struct BmpHeader {
  std::uint32_t pixel_offset = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t bits = 0;
  bool compressed = false;  // run lengths: the size of the pixels cannot be told from the sides
  std::int64_t declared_bytes = 0;
};

std::uint32_t little(std::span<const std::byte> bytes, std::size_t offset, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value |= std::to_integer<std::uint32_t>(bytes[offset + i]) << (8 * i);
  return value;
}

tl::unexpected<Error> truncated(std::size_t have, std::int64_t need) {
  return fail(ErrorCode::media_truncated, "BMP is truncated: {} bytes, its header asks for {}", have, need);
}

Result<BmpHeader> read_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kSmallestFile) return truncated(bytes.size(), kSmallestFile);
  BmpHeader header;
  header.declared_bytes = little(bytes, 2, 4);
  header.pixel_offset = little(bytes, kAtPixelOffset, 4);
  const std::size_t header_size = little(bytes, kAtHeaderSize, 4);
  if (header_size == kOldHeader) {
    header.width = little(bytes, kAtSides, 2);
    header.height = little(bytes, kAtSides + 2, 2);
    header.bits = little(bytes, kAtSides + 6, 2);
    return header;
  }
  if (header_size < 40 || header_size > 1024)
    return fail(ErrorCode::media_corrupt, "BMP header of {} bytes, expected 12 or 40 to 124", header_size);
  if (bytes.size() < kFileHeader + header_size)
    return truncated(bytes.size(), static_cast<std::int64_t>(kFileHeader + header_size));
  header.width = static_cast<std::int32_t>(little(bytes, kAtSides, 4));
  // A negative height means that the first row is the top one.
  header.height = std::abs(static_cast<std::int64_t>(static_cast<std::int32_t>(little(bytes, kAtSides + 4, 4))));
  header.bits = little(bytes, kAtSides + 10, 2);
  constexpr std::uint32_t kPlain = 0, kMasks = 3, kMasksWithAlpha = 6;
  const std::uint32_t compression = little(bytes, kAtSides + 12, 4);
  header.compressed = compression != kPlain && compression != kMasks && compression != kMasksWithAlpha;
  return header;
}

Status check_complete(const BmpHeader& header, std::size_t size) {
  const std::int64_t row_bytes = (header.width * header.bits + 31) / 32 * 4;
  const std::int64_t need = header.compressed ? header.declared_bytes : header.pixel_offset + row_bytes * header.height;
  if (need > static_cast<std::int64_t>(size)) return truncated(size, need);
  return {};
}

// The decoder wants its bytes in a packet of its own, padded with zeros.
Result<PacketHandle> packet_of(std::span<const std::byte> bytes) {
  PacketHandle packet(av_packet_alloc());
  if (packet == nullptr || bytes.size() > INT32_MAX - AV_INPUT_BUFFER_PADDING_SIZE ||
      av_new_packet(packet.get(), static_cast<int>(bytes.size())) < 0)
    return fail(ErrorCode::out_of_memory, "BMP: no memory for {} bytes", bytes.size());
  std::copy_n(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), packet->data);
  return packet;
}

}  // namespace

Result<Picture> decode_bmp(std::span<const std::byte> bytes, const MediaLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const BmpHeader header, read_header(bytes));
  DFA_TRY(check_sides(header.width, header.height, limits));
  DFA_TRY(check_complete(header, bytes.size()));

  silence_ffmpeg();
  CodecHandle codec(avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_BMP)));
  FrameHandle frame(av_frame_alloc());
  DFA_ASSIGN_OR_RETURN(const PacketHandle packet, packet_of(bytes));
  if (codec == nullptr || frame == nullptr) return fail(ErrorCode::out_of_memory, "BMP: no memory for the decoder");
  int status = avcodec_open2(codec.get(), nullptr, nullptr);
  if (status >= 0) status = avcodec_send_packet(codec.get(), packet.get());
  if (status >= 0) status = avcodec_receive_frame(codec.get(), frame.get());
  if (status == AVERROR_PATCHWELCOME)
    return fail(ErrorCode::media_unsupported, "BMP of a kind that is not decoded; save it as PNG");
  if (status < 0) return fail(ErrorCode::media_corrupt, "BMP is damaged: {}", ffmpeg_error(status));
  return FrameConverter().convert(*frame, AVRational{0, 1}, Orientation::upright, limits.max_pixels);
}

}  // namespace dfa
