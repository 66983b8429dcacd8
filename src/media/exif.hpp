// The one thing that we want from a camera's Exif block: which way up the picture is.
#pragma once

#include <cstddef>
#include <span>

#include "media/orientation.hpp"

namespace dfa {

// `tiff` is the block from its byte-order mark ("II*\0" or "MM\0*") on, with or without the "Exif\0\0" before it.
// Anything damaged or absent means upright: a broken note about a picture does not make the picture unreadable.
Orientation exif_orientation(std::span<const std::byte> tiff);

}  // namespace dfa
