// From whatever a decoder delivers to upright 8-bit RGB with square pixels. Internal to this room.
#pragma once

#include "base/result.hpp"
#include "media/ffmpeg_handles.hpp"
#include "media/orientation.hpp"
#include "media/picture.hpp"

namespace dfa {

// The recipe's word for these is "swscale bicubic accurate_rnd full_chroma_int bitexact". Changing them changes every
// crop.
inline constexpr int kScalerFlags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT;

struct Size {
  int width = 0;
  int height = 0;
};

// The size with square pixels, before rotation: the side that the pixel aspect stretches grows, the other stays, so
// that no detail is lost. An aspect of 0, or beyond 8:1 either way, is taken for a mistake of the file and ignored.
Size square_pixel_size(Size stored, AVRational pixel_aspect);

// Keeps its scaler as long as the frames look alike. Not thread-safe.
class FrameConverter {
 public:
  // YUV to RGB by the frame's tags; untagged is BT.601, limited range. max_pixels as in MediaLimits.
  // Errors: media_unsupported (pixel format or colour matrix), limit_exceeded, out_of_memory.
  Result<Picture> convert(const AVFrame& frame, AVRational pixel_aspect, Orientation orientation,
                          std::int64_t max_pixels);

 private:
  Status prepare(const AVFrame& frame, Size size);

  struct Look {
    int width = 0, height = 0, format = AV_PIX_FMT_NONE, matrix = 0, full_range = 0, out_width = 0, out_height = 0;
    bool operator==(const Look&) const = default;
  };
  Look look_;
  ScalerHandle scaler_;
  FrameHandle rgb_;  // the scaler writes whole vectors: rows here have room for that
};

}  // namespace dfa
