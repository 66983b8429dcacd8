// What the picture encoders share. Internal to this room.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa {

// Sides of at least 1 and at most what the format can hold. Errors: usage, media_unsupported.
Status check_encodable(const PictureView& picture, int most_pixels_a_side, std::string_view format);

}  // namespace dfa
