// Frames to packets. Internal to this room; files are written by VideoWriter, pictures come back from VideoRecoder.
#pragma once

#include "base/result.hpp"
#include "media/ffmpeg_handles.hpp"
#include "media/picture.hpp"
#include "media/video_encoding.hpp"

namespace dfa {

// Note [Equal bytes]
// Encoders that work on several threads may cut the work differently from run to run, so each has one. What they write
// about themselves into the stream (x264 its options and version) depends on the installed library alone.

// Note [Odd sides]
// 4:2:0 has one chroma sample for two by two pixels: of an odd side the last row or column is given twice. A recoded
// picture is cut back, a file is one pixel larger.

class VideoEncoder {
 public:
  enum class Headers { in_stream, in_container };

  // Sides of the frames to come, odd ones included. Errors: usage (check_encoding()), media_unsupported (this FFmpeg
  // lacks the encoder, or it refuses the size), out_of_memory.
  static Result<VideoEncoder> open(int width, int height, const VideoEncoding& encoding, Headers headers);

  // Takes a copy. Errors: usage (another size than that of open()), internal, out_of_memory.
  Status send(const PictureView& picture);
  // No more frames: the packets that wait come out.
  Status drain();
  // Whether `packet` was filled; times are in units of context().time_base. Errors: internal.
  Result<bool> receive(AVPacket& packet);

  const AVCodecContext& context() const { return *context_; }

 private:
  VideoEncoder(int width, int height) : width_(width), height_(height) {}
  Status open_codec(const VideoEncoding& encoding, Headers headers);
  Status open_scaler();
  void fill_rgb(const PictureView& picture);

  int width_, height_;  // of the pictures
  CodecHandle context_;
  ScalerHandle scaler_;
  FrameHandle rgb_;  // sides even, edges repeated; the scaler reads whole vectors
  FrameHandle yuv_;
  std::int64_t sent_ = 0, received_ = 0;
};

}  // namespace dfa
