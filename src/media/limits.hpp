// How much of somebody's file we are willing to take.
#pragma once

#include <cstdint>

namespace dfa {

struct MediaLimits {
  std::uint64_t max_bytes = 16ull << 30;           // of a video file; 0 = no limit
  std::uint64_t max_picture_bytes = 512ull << 20;  // of a picture file; 0 = no limit
  std::int64_t max_pixels = 200'000'000;           // of one picture or frame; 0 = no limit
  double max_duration_seconds = 6 * 3600.0;        // of a video; 0 = no limit
};

}  // namespace dfa
