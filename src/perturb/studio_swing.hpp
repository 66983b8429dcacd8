// The colour space in which DeeperForensics-1.0 changes saturation and adds noise. Internal to this room.
#pragma once

#include <opencv2/core.hpp>

#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa {

// Note [Studio swing of a 0..255 picture]
// The authors take floats from 0 to 255, let OpenCV make Y, Cr, Cb of them (whose offset for floats is 0.5, not 128),
// and then squeeze as if the values lay in 0..1:
//   Y' = (219 Y + 16) / 255,  C' = (224 C + 16) / 255.
// Every step rounds to 32-bit floats, and where the result is cut to bytes a rounding more or less is a grey level: the
// operations are repeated one by one, in their order, blue first.

// (H, W, 3) f32: Y', Cr', Cb'.
cv::Mat to_studio_swing(const PictureView& picture);

// What becomes of a value when a float is made a byte.
enum class ToByte {
  wrap,  // cut towards zero, the low eight bits kept: 256 would be 0 and -1 255
  clip   // to 0..255, then cut
};

// The way back to RGB. `ycrcb` is used up.
Picture from_studio_swing(cv::Mat ycrcb, ToByte rule);

}  // namespace dfa
