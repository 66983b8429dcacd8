// Pixels as everything above src/media sees them: 8-bit RGB, row by row, upright (rotation and pixel aspect already
// applied).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dfa {

// Somebody else's pixels. `stride` is the number of bytes from one row to the next, at least 3 * width.
struct PictureView {
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;
  const std::uint8_t* rgb = nullptr;

  const std::uint8_t* row(int y) const { return rgb + y * stride; }
};

// Pixels we own, rows without gaps.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  // 3 * width * height

  PictureView view() const { return {width, height, 3 * static_cast<std::ptrdiff_t>(width), rgb.data()}; }
};

// A picture of a video and when it is shown.
struct Frame {
  Picture picture;
  std::int64_t index = 0;  // in presentation order, from 0
  double pts_seconds = 0;  // start of its presentation interval, relative to the stream's first frame
};

}  // namespace dfa
