// Forgery masks at the size of the network's maps.
#pragma once

#include <span>

#include "media/picture.hpp"

namespace dfa::train {

// Share in 0..1 of each of side x side cells that is forged: the mean of the mask's first channel / 255 over the cell's
// area, pixels on a border between cells counted by the part that lies inside. Requires out.size() == side * side.
void pool_mask(const PictureView& mask, int side, std::span<float> out);

}  // namespace dfa::train
