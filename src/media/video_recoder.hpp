// What is left of frames after they went through a video codec: encoded and decoded packet by packet, in memory,
// without a container.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "media/picture.hpp"
#include "media/video_encoding.hpp"

namespace dfa {

// Takes the frames that come out, in presentation order; its error ends the work.
using PictureSink = std::function<Status(Picture picture)>;

// One thread at a time. Frames come out some time after they went in, as many as went in, of the same size. They equal
// those of a file that VideoWriter wrote from the same frames (but for the repeated row or column of odd sides).
class VideoRecoder {
 public:
  // Errors: usage (check_encoding()).
  static Result<std::unique_ptr<VideoRecoder>> create(const VideoEncoding& encoding, PictureSink sink);
  virtual ~VideoRecoder() = default;
  // Errors: usage (another size than the first), media_unsupported (a codec that FFmpeg lacks, a size that it refuses:
  // H.265 begins at 16x16), out_of_memory, internal, those of the sink.
  virtual Status add(const PictureView& frame) = 0;
  // What waits comes out.
  virtual Status finish() = 0;
};

// All at once; no frames give none.
Result<std::vector<Picture>> reencode_video_frames(std::span<const Picture> frames, const VideoEncoding& encoding);

}  // namespace dfa
