// The eight ways in which a stored picture can have to be turned or mirrored to stand upright.
#pragma once

#include "media/picture.hpp"

namespace dfa {

// Values are those of the EXIF and TIFF tag "Orientation" (274): what has to be done to the stored picture.
enum class Orientation {
  upright = 1,
  mirror = 2,  // left and right swapped
  half_turn = 3,
  flip = 4,           // top and bottom swapped
  transpose = 5,      // over the main diagonal
  quarter_right = 6,  // 90 degrees clockwise
  transverse = 7,     // over the other diagonal
  quarter_left = 8    // 90 degrees counterclockwise
};

// The tag's value; anything outside 1..8 counts as upright, as every viewer does.
Orientation orientation_from_tag(int value);

// Whether width and height change places.
bool swaps_sides(Orientation orientation);

// The part of it that is a rotation, clockwise: 0, 90, 180 or 270 (of a mirrored one: after mirroring left and right).
int rotation_degrees(Orientation orientation);

// A copy that stands upright. Rows of the result have no gaps.
Picture turned_upright(const PictureView& stored, Orientation orientation);

// The same for a picture that we own: costs nothing where it stands upright already.
Picture turned_upright(Picture stored, Orientation orientation);

}  // namespace dfa
