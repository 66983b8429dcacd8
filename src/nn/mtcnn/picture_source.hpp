// Pixels as the detector's networks read them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dfa::mtcnn {

// RGB bytes, seen inside a border of zero pixels that nobody stores. Coordinates count from the border's corner.
struct PictureSource {
  const std::uint8_t* rgb = nullptr;
  std::ptrdiff_t stride = 0;  // bytes from row to row
  int picture_width = 0;
  int picture_height = 0;
  int border = 0;

  int width() const { return picture_width + 2 * border; }
  int height() const { return picture_height + 2 * border; }
};

// Whole pixels, not empty, inside a PictureSource with its border.
struct Region {
  int x = 0, y = 0, width = 0, height = 0;
};

}  // namespace dfa::mtcnn
