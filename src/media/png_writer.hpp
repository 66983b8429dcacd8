// Crops by the hundred thousand as PNG files in memory: what is hashed is what is written. Settings for speed, not
// size.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa {

enum class PngColour {
  rgb,
  grey  // the first channel alone: for pictures whose three channels are equal, such as masks
};

// 8 bits, no interlacing, no metadata: equal pixels give equal bytes with one version of libpng and zlib.
// Errors: usage (an empty picture), out_of_memory, internal.
Result<std::vector<std::byte>> encode_png_fast(const PictureView& picture, PngColour colour = PngColour::rgb);

}  // namespace dfa
