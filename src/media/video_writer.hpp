// RGB frames to an MP4 file or to its bytes in memory. No sound. For its counterpart see video_reader.hpp.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "media/picture.hpp"
#include "media/video_encoding.hpp"

namespace dfa {

// One thread at a time. Equal frames and encoding give equal bytes on one machine. Memory: what the encoder looks ahead
// (some 40 frames at preset medium), whatever the length.
class VideoWriter {
 public:
  // The file appears under its name by finish() alone; without it nothing is left behind. Errors: usage
  // (check_encoding()), file_unwritable.
  static Result<std::unique_ptr<VideoWriter>> create(const std::filesystem::path& path, const VideoEncoding& encoding);
  virtual ~VideoWriter() = default;
  // Frame k is shown at k / rate. The first one gives the size; an odd side becomes one pixel larger, its last row or
  // column repeated. Errors: usage (another size), media_unsupported, file_unwritable, out_of_memory, internal.
  virtual Status add(const PictureView& frame) = 0;
  // Errors: as add(); usage without any frame.
  virtual Status finish() = 0;
};

Status write_video(const std::filesystem::path& path, std::span<const Picture> frames, const VideoEncoding& encoding);
// The bytes that write_video() writes.
Result<std::vector<std::byte>> encode_video(std::span<const Picture> frames, const VideoEncoding& encoding);

}  // namespace dfa
