// Where a forgery is blended in: hulls of the 68 points, their deformation and softening, the boundary map. A mask has
// 8 bits, value / 255 = m', and that is the number that blends: the file of a mask is the mask itself.
//
// All functions are pure and thread-safe. Errors besides those named: internal (OpenCV refused).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "face/landmarks68.hpp"
#include "media/picture.hpp"

namespace dfa {

struct Mask {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> value;  // (height, width), 255 = inside

  std::uint8_t at(int x, int y) const {
    return value[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
  }
};

// Three channels of the mask's values: how masks meet crops, resamplers and encoders. And back (first channel).
Picture mask_picture(const Mask& mask);
Mask mask_of_picture(const Picture& picture);

// The regions that are replaced. Self-blending takes one of the four; its own four are those of Face X-ray, whose code
// is closed to us and whose hulls use 81 points: these are built from 68, a named deviation.
enum class Hull {
  filled,         // convex hull of all points: jaw to brows
  brow_extended,  // the same with the brows lifted, so that part of the forehead belongs to it
  features,       // eyes with their brows, nose, mouth: one convex hull each
  lower_face      // convex hull of jaw, nose and mouth below the eyes
};
inline constexpr std::array kHulls = {Hull::filled, Hull::brow_extended, Hull::features, Hull::lower_face};
std::string_view hull_name(Hull hull);

// 255 inside, 0 outside. Errors: landmarks_degenerate when nothing of the hull lies in the picture.
Result<Mask> hull_mask(const Landmarks68& landmarks, Hull hull, int width, int height);

// x' = scale_x * (x - centre) + centre + shift_x * width, y alike; the canvas stays.
struct AxisAffine {
  double shift_x = 0, shift_y = 0;  // in shares of width and height
  double scale_x = 1, scale_y = 1;
};
Result<Mask> move_mask(const Mask& mask, const AxisAffine& affine);              // bilinear, 0 from outside
Result<Picture> move_picture(const Picture& picture, const AxisAffine& affine);  // bilinear, edge pixels from outside

// Every pixel from a place moved by alpha times smoothed uniform noise in [-1, 1): bilinear, 0 from outside.
struct Elastic {
  double alpha = 0;  // pixels, before smoothing
  double sigma = 1;  // of the smoothing
};
Result<Mask> deform(const Mask& mask, const Elastic& elastic, RngStream stream);

// Note [Soft masks]
// Resized to width x height; blurred by the first kernel (sigma by OpenCV's rule); divided by its largest value;
// everything below 1 becomes 0, an erosion by the kernel's radius; blurred by the second kernel; divided by its largest
// value; resized back. Kernels are finite, so m' is exactly 0 from soft_reach() pixels outside the mask on.
struct Softening {
  int width = 0, height = 0;
  int first_kernel = 0, second_kernel = 0;  // odd
  double second_sigma = 0;
};
// Errors: usage (even kernels, no size), landmarks_degenerate (an empty mask).
Result<Mask> soften(const Mask& mask, const Softening& softening);
// How many pixels of a width x height mask the softened one can reach beyond it.
int soft_reach(const Softening& softening, int width, int height);

// 4 m' (1 - m') in [0, 1]: 1 where both pictures have equal weight. (height, width).
std::vector<float> boundary_map(const Mask& mask);

}  // namespace dfa
