// Seeded changes to u8 crops, for training. Each looks like something that happens to pictures on their way through the
// world; none may tell the class, so real and fake go through the same.
#pragma once

#include "base/result.hpp"
#include "base/rng.hpp"
#include "media/picture.hpp"

namespace dfa {

// A probability and the range that the strength is drawn from, uniformly.
struct Chance {
  double p = 0;  // 0 = never
  double low = 0;
  double high = 0;
  bool operator==(const Chance&) const = default;
};

// In the order of application. The defaults change nothing.
struct AugmentOptions {
  Chance crop = {0, 0.85,
                 1};  // a square window of this share of the side, anywhere, resized back (antialiased bilinear)
  double flip = 0;    // probability of a left-right mirror
  Chance brightness = {0, -0.1, 0.1};  // added, as a share of 255
  Chance contrast = {0, 0.9, 1.1};     // factor around the crop's mean
  Chance blur = {0, 0.3, 1.5};         // Gaussian; sigma in pixels of the crop
  Chance jpeg = {0, 60, 100};          // re-encoded, 4:2:0; quality
  Chance erase = {0, 0.02,
                  0.15};  // a rectangle of this share of the area, sides 1:2 to 2:1, filled with the crop's mean colour
  bool operator==(const AugmentOptions&) const = default;
};

// Errors: usage when a probability is outside [0, 1] or a range is empty or makes no sense; the message names the
// field.
Status check_augment(const AugmentOptions& options);

// A changed copy. All randomness comes from `stream`, in a fixed number and order of draws per option, so a crop's
// change depends on nothing but its stream. Errors: internal when a codec fails, usage for an empty picture.
Result<Picture> augment(const Picture& crop, const AugmentOptions& options, RngStream stream);

// The single steps.
Picture flip_left_right(const Picture& picture);
Picture adjust_brightness(const Picture& picture, double shift);  // shift as a share of 255
Picture adjust_contrast(const Picture& picture, double factor);
Picture blur_gaussian(const Picture& picture, double sigma);
// Baseline JPEG and back: quality 1 to 100, chroma at half size, libjpeg's slow integer transform.
Result<Picture> reencode_jpeg(const Picture& picture, int quality);

// The stream of one sample: equal whatever the number of workers, their order or what was drawn for other samples.
RngStream augment_stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample);

}  // namespace dfa
