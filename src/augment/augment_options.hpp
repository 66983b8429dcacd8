// What may happen to a crop in training, how often and how strongly. All of it is numbers, so that a run's resolved
// configuration says everything; Note [Steps of an augmentation] in augment.hpp says what they mean.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace dfa {

// A probability and the range that the strength is drawn from, uniformly.
struct Chance {
  double p = 0;  // 0 = never
  double low = 0;
  double high = 0;
  bool operator==(const Chance&) const = default;
};

// What stands where a moved crop has no pixels.
enum class Outside {
  mirror,  // the crop mirrored at its edge, the edge pixel once
  black
};
std::string_view outside_name(Outside outside);  // "mirror", "black"

// Rotation, shift and scale about the centre, in one resampling.
struct AffineChance {
  double p = 0;
  double degrees = 10;  // drawn from -degrees to degrees
  double shift = 0;     // share of the side, each axis drawn from -shift to shift
  double scale_low = 1;
  double scale_high = 1;
  Outside outside = Outside::mirror;
  bool operator==(const AffineChance&) const = default;
};

// One of three changes of colour, each as likely: light (brightness and contrast together), principal components, hue
// with saturation and value.
struct ColourChance {
  double p = 0;  // that one of the three happens
  double light = 0.2;
  double pca = 0.1;        // standard deviation of each component's factor
  double hue = 20;         // half range, on a circle of 180
  double saturation = 30;  // half ranges, on 0 to 255
  double value = 20;
  bool operator==(const ColourChance&) const = default;
};

// The defaults change nothing.
struct AugmentOptions {
  Chance crop = {0, 0.85, 1};  // side of the window, share of the crop's
  double flip = 0;             // probability
  AffineChance affine;
  Chance gain = {0, 0.9, 1.1};         // factor
  Chance brightness = {0, -0.1, 0.1};  // added, as a share of 255
  Chance contrast = {0, 0.9, 1.1};     // factor around the crop's mean
  ColourChance colour;
  double grey = 0;                 // probability
  Chance blur = {0, 0.3, 1.5};     // sigma in pixels of the crop
  int blur_side = 0;               // of blur's kernel, odd; 0 = as wide as its sigma needs
  Chance kernel_blur = {0, 3, 7};  // side of the kernel, one of the odd numbers of the range
  Chance noise = {0, 3, 7};        // sigma in grey levels
  Chance jpeg = {0, 60, 100};      // quality
  Chance erase = {0, 0.02, 0.15};  // share of the area
  bool operator==(const AugmentOptions&) const = default;
};

// Errors: usage when a probability is outside [0, 1] or a range is empty or makes no sense; the message names the
// field.
Status check_augment(const AugmentOptions& options);

}  // namespace dfa
