// What happens to a picture's colours and sharpness on either side of a blend. Pure, thread-safe; errors: internal.
#pragma once

#include "base/result.hpp"
#include "base/rng.hpp"
#include "media/picture.hpp"
#include "synthesis/masks.hpp"

namespace dfa {

// Steps that were not drawn have their neutral values.
struct ColourShift {
  double red = 0, green = 0, blue = 0;        // added, in grey levels
  double hue = 0, saturation = 0, value = 0;  // added; hue on a circle of 180, the others on 0 to 255
  double brightness = 0, contrast = 0;        // v -> v (1 + contrast) + 255 brightness
};

// Probabilities and half ranges of the three steps. Ten draws, whatever comes of them.
struct ColourChances {
  double rgb_p = 0, rgb = 0;
  double hsv_p = 0, hsv = 0;
  double brightness_contrast_p = 0, brightness_contrast = 0;
};
ColourShift draw_colour_shift(const ColourChances& chances, RngStream& stream);
Result<Picture> shift_colours(const Picture& picture, const ColourShift& shift);

// Every ratio-th pixel, and back by bilinear interpolation.
Result<Picture> coarsen(const Picture& picture, int ratio);
// (1 - alpha) of the picture and alpha of its sharpened form: 8 + lightness times the pixel less its eight neighbours.
Result<Picture> sharpen(const Picture& picture, double alpha, double lightness);

// `picture` with the mean and spread that `like` has, channel by channel in CIE Lab, both measured where the mask is
// above half. The spread changes by a factor of at most 2.
Result<Picture> match_colours(const Picture& picture, const Picture& like, const Mask& where);

}  // namespace dfa
