// Everything that is random about one augmentation, drawn before a pixel is looked at: what happens to a crop happens
// to its mask, and to the other half of a pair, by the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "augment/augment_options.hpp"
#include "base/rng.hpp"

namespace dfa {

// x' = scale * rotation(degrees, clockwise on screen) * (x - centre) + centre + shift * side.
struct AffineMove {
  double degrees = 0;
  double shift_x = 0, shift_y = 0;  // shares of width and height
  double scale = 1;
  Outside outside = Outside::mirror;
};

struct WindowDraw {
  double share = 1;     // of the shorter side
  double x = 0, y = 0;  // where, 0 = left or top, 1 = right or bottom
};

struct EraseDraw {
  double area = 0, aspect = 1;
  double x = 0, y = 0;
};

struct BlurDraw {
  double sigma = 0;
  int side = 0;  // 0 = as wide as sigma needs
};

enum class ColourChange { light, pca, hue };
struct ColourDraw {
  ColourChange change = ColourChange::light;
  double brightness = 0, contrast = 0;
  std::array<double, 3> pca{};
  double hue = 0, saturation = 0, value = 0;
};

// In the order of application; nothing = the step was not drawn.
struct AugmentDraws {
  explicit AugmentDraws(RngStream noise_numbers) : noise_stream(noise_numbers) {}

  std::optional<WindowDraw> crop;
  bool flip = false;
  std::optional<AffineMove> affine;
  std::optional<double> gain, brightness, contrast;
  std::optional<ColourDraw> colour;
  bool grey = false;
  std::optional<BlurDraw> blur;
  std::optional<int> kernel_blur;  // side
  std::optional<double> noise;     // sigma
  RngStream noise_stream;
  std::optional<int> jpeg;
  std::optional<EraseDraw> erase;
};

// A fixed number and order of draws, whatever the options: none shifts another.
AugmentDraws draw_augment(const AugmentOptions& options, RngStream stream);

// The stream of one sample: equal whatever the number of workers, their order or what was drawn for other samples.
RngStream augment_stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample);

}  // namespace dfa
