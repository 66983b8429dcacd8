#include "media/orientation.hpp"

#include <cstring>
#include <utility>

namespace dfa {
namespace {

// Where the walk over the stored pixels starts, and its steps in bytes for one pixel right and one pixel down in the
// result.
struct Walk {
  const std::uint8_t* start;
  std::ptrdiff_t right;
  std::ptrdiff_t down;
};

Walk walk_of(const PictureView& stored, Orientation orientation) {
  const std::ptrdiff_t column = 3, row = stored.stride;
  const std::uint8_t* top_left = stored.rgb;
  const std::uint8_t* top_right = top_left + column * (stored.width - 1);
  const std::uint8_t* bottom_left = top_left + row * (stored.height - 1);
  const std::uint8_t* bottom_right = bottom_left + column * (stored.width - 1);
  switch (orientation) {
    case Orientation::upright:
      return {top_left, column, row};
    case Orientation::mirror:
      return {top_right, -column, row};
    case Orientation::half_turn:
      return {bottom_right, -column, -row};
    case Orientation::flip:
      return {bottom_left, column, -row};
    case Orientation::transpose:
      return {top_left, row, column};
    case Orientation::quarter_right:
      return {bottom_left, -row, column};
    case Orientation::transverse:
      return {bottom_right, -row, -column};
    case Orientation::quarter_left:
      return {top_right, row, -column};
  }
  return {top_left, column, row};
}

void copy_row(const std::uint8_t* from, std::ptrdiff_t step, int pixels, std::uint8_t* to) {
  if (step == 3) {
    std::memcpy(to, from, 3 * static_cast<std::size_t>(pixels));
    return;
  }
  for (int x = 0; x < pixels; ++x, from += step, to += 3) {
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
  }
}

}  // namespace

Orientation orientation_from_tag(int value) {
  return value >= 1 && value <= 8 ? static_cast<Orientation>(value) : Orientation::upright;
}

bool swaps_sides(Orientation orientation) {
  return orientation >= Orientation::transpose;
}

int rotation_degrees(Orientation orientation) {
  switch (orientation) {
    case Orientation::upright:
    case Orientation::mirror:
      return 0;
    case Orientation::half_turn:
    case Orientation::flip:
      return 180;
    case Orientation::quarter_right:
    case Orientation::transverse:
      return 90;
    case Orientation::quarter_left:
    case Orientation::transpose:
      return 270;
  }
  return 0;
}

Picture turned_upright(const PictureView& stored, Orientation orientation) {
  Picture upright;
  upright.width = swaps_sides(orientation) ? stored.height : stored.width;
  upright.height = swaps_sides(orientation) ? stored.width : stored.height;
  const std::size_t row_bytes = 3 * static_cast<std::size_t>(upright.width);
  upright.rgb.resize(row_bytes * static_cast<std::size_t>(upright.height));
  const Walk walk = walk_of(stored, orientation);
  for (int y = 0; y < upright.height; ++y)
    copy_row(walk.start + y * walk.down, walk.right, upright.width, upright.rgb.data() + row_bytes * y);
  return upright;
}

Picture turned_upright(Picture stored, Orientation orientation) {
  if (orientation == Orientation::upright) return stored;
  return turned_upright(stored.view(), orientation);
}

}  // namespace dfa
