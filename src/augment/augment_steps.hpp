// The single steps of an augmentation. Pure, thread-safe. Those that call OpenCV may fail with internal.
#pragma once

#include <array>

#include "augment/augment_draws.hpp"
#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa {

// Red, green, blue in grey levels.
using ColourVector = std::array<double, 3>;

// A square window of share * the shorter side, enlarged to the picture's size by the antialiased bilinear filter.
Result<Picture> crop_window(const Picture& picture, const WindowDraw& window);
Picture flip_left_right(const Picture& picture);
// Bilinear; the centre lies between the middle pixels.
Result<Picture> move_affine(const Picture& picture, const AffineMove& move);

Picture adjust_gain(const Picture& picture, double factor);                     // v -> factor v
Picture adjust_brightness(const Picture& picture, double shift);                // v -> v + 255 shift
Picture adjust_contrast(const Picture& picture, double factor, double around);  // v -> around + factor (v - around)
// v -> v (1 + contrast) + 255 brightness: both at once, contrast around black.
Picture adjust_light(const Picture& picture, double brightness, double contrast);
Picture add_colour(const Picture& picture, const ColourVector& shift);
// v -> BT.601 luma (.299, .587, .114) in all three channels.
Picture to_grey(const Picture& picture);
// Hue on a circle of 180, saturation and value on 0 to 255; cut to their ranges.
Result<Picture> shift_hsv(const Picture& picture, double hue, double saturation, double value);

// Sigma in pixels; side: of the kernel, odd, 0 = by OpenCV's rule for 8-bit pictures. Edges mirrored without repeating
// the last pixel.
Picture blur_gaussian(const Picture& picture, double sigma, int side = 0);
// As OpenCV takes a Gaussian of which only the side is given: 1 2 1, 1 4 6 4 1 and 2 7 14 18 14 7 2 over their sums up
// to side 7; above, sigma is 0.3 ((side - 1) / 2 - 1) + 0.8.
Picture blur_kernel(const Picture& picture, int side);
// v -> v + sigma n, n normal, each value its own, drawn row by row, for red, green and blue in turn.
Picture add_noise(const Picture& picture, double sigma, RngStream stream);
// Baseline JPEG and back: quality 1 to 100, chroma at half size, libjpeg's slow integer transform.
Result<Picture> reencode_jpeg(const Picture& picture, int quality);
// A rectangle of this share of the area, its sides in that ratio, filled with one colour.
Picture erase_rectangle(const Picture& picture, const EraseDraw& draw, const ColourVector& colour);

ColourVector mean_colour(const Picture& picture);
// Mean over all pixels and channels.
double mean_level(const Picture& picture);
// Krizhevsky's colour shift: sum over k of factor_k lambda_k v_k, with lambda and v the eigenvalues (falling) and
// eigenvectors of the covariance of the picture's colours on a scale of 0 to 1; the result in grey levels.
ColourVector principal_shift(const Picture& picture, const std::array<double, 3>& factors);

}  // namespace dfa
