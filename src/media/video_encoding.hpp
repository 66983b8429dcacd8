// How frames become a video stream. Always 8-bit 4:2:0, BT.601 limited range and tagged so: the reading that untagged
// streams get too, from us and from OpenCV.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "media/frame_rate.hpp"

namespace dfa {

// mpeg4 is MPEG-4 part 2, what Xvid and DivX write; FFmpeg's own encoder.
enum class VideoCodec { h264, h265, mpeg4 };

struct VideoEncoding {
  VideoCodec codec = VideoCodec::h264;
  // Larger is smaller and worse. h264 and h265: constant rate factor, 0 to 51; mpeg4: the quantiser, 1 to 31.
  int crf = 23;
  // Effort, by the words of x264 and x265: ultrafast to veryslow. mpeg4 has none.
  std::string preset = "medium";
  FrameRate rate;
};

std::string_view video_codec_name(VideoCodec codec);

// Errors: usage (crf outside the codec's range, a preset that is no word of x264's, a rate that is none).
Status check_encoding(const VideoEncoding& encoding);

}  // namespace dfa
