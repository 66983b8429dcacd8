#include "augment/augment_options.hpp"

#include <cmath>

namespace dfa {
namespace {

Status check_probability(std::string_view name, double p) {
  if (p >= 0 && p <= 1) return {};
  return fail(ErrorCode::usage, "augment.{} is {}, expected 0 to 1", name, p);
}

Status check_within(std::string_view name, double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return {};
  return fail(ErrorCode::usage, "augment.{} is {}, expected {} to {}", name, value, lowest, highest);
}

Status check_chance(std::string_view name, const Chance& chance, double lowest, double highest) {
  DFA_TRY(check_probability(fmt::format("{}.p", name), chance.p));
  if (!(chance.low <= chance.high && chance.low >= lowest && chance.high <= highest))
    return fail(ErrorCode::usage, "augment.{} draws from {} to {}, expected low <= high within {} to {}", name,
                chance.low, chance.high, lowest, highest);
  return {};
}

bool is_odd(double value) {
  return std::fmod(value, 2) == 1;
}

Status check_blurs(const AugmentOptions& options) {
  constexpr double kLargestSigma = 50, kLargestKernel = 99;
  DFA_TRY(check_chance("blur", options.blur, 0, kLargestSigma));
  if (options.blur_side != 0 && !(is_odd(options.blur_side) && options.blur_side <= kLargestKernel))
    return fail(ErrorCode::usage, "augment.blur_side is {}, expected 0 or an odd number up to {}", options.blur_side,
                kLargestKernel);
  DFA_TRY(check_chance("kernel_blur", options.kernel_blur, 1, kLargestKernel));
  if (!is_odd(options.kernel_blur.low) || !is_odd(options.kernel_blur.high))
    return fail(ErrorCode::usage, "augment.kernel_blur draws from {} to {}, expected two odd numbers",
                options.kernel_blur.low, options.kernel_blur.high);
  return {};
}

Status check_affine(const AffineChance& affine) {
  constexpr double kLargestShift = 0.5, kSmallestScale = 0.1, kLargestScale = 10;
  DFA_TRY(check_probability("affine.p", affine.p));
  DFA_TRY(check_within("affine.degrees", affine.degrees, 0, 180));
  DFA_TRY(check_within("affine.shift", affine.shift, 0, kLargestShift));
  DFA_TRY(check_within("affine.scale_low", affine.scale_low, kSmallestScale, kLargestScale));
  return check_within("affine.scale_high", affine.scale_high, affine.scale_low, kLargestScale);
}

Status check_colour(const ColourChance& colour) {
  DFA_TRY(check_probability("colour.p", colour.p));
  DFA_TRY(check_within("colour.light", colour.light, 0, 1));
  DFA_TRY(check_within("colour.pca", colour.pca, 0, 10));
  DFA_TRY(check_within("colour.hue", colour.hue, 0, 90));
  DFA_TRY(check_within("colour.saturation", colour.saturation, 0, 255));
  return check_within("colour.value", colour.value, 0, 255);
}

}  // namespace

std::string_view outside_name(Outside outside) {
  return outside == Outside::mirror ? "mirror" : "black";
}

Status check_augment(const AugmentOptions& options) {
  constexpr double kSmallestWindow = 0.1;
  DFA_TRY(check_probability("flip", options.flip));
  DFA_TRY(check_probability("grey", options.grey));
  DFA_TRY(check_chance("crop", options.crop, kSmallestWindow, 1));
  DFA_TRY(check_affine(options.affine));
  DFA_TRY(check_chance("gain", options.gain, 0, 10));
  DFA_TRY(check_chance("brightness", options.brightness, -1, 1));
  DFA_TRY(check_chance("contrast", options.contrast, 0, 10));
  DFA_TRY(check_colour(options.colour));
  DFA_TRY(check_blurs(options));
  DFA_TRY(check_chance("noise", options.noise, 0, 255));
  DFA_TRY(check_chance("jpeg", options.jpeg, 1, 100));
  return check_chance("erase", options.erase, 0, 1);
}

}  // namespace dfa
