#include "augment/augment.hpp"

namespace dfa {
namespace {

template <class T, class Measure>
const T& value_of(std::optional<T>& known, Measure measure) {
  if (!known) known = measure();
  return *known;
}

Result<Picture> change_colour(const Picture& picture, const ColourDraw& draw, Measured& measured) {
  switch (draw.change) {
    case ColourChange::light:
      return adjust_light(picture, draw.brightness, draw.contrast);
    case ColourChange::pca:
      return add_colour(picture, value_of(measured.principal, [&] { return principal_shift(picture, draw.pca); }));
    case ColourChange::hue:
      return shift_hsv(picture, draw.hue, draw.saturation, draw.value);
  }
  return picture;
}

Result<Picture> augment_colours(Picture picture, const AugmentDraws& draws, Measured& measured) {
  if (draws.gain) picture = adjust_gain(picture, *draws.gain);
  if (draws.brightness) picture = adjust_brightness(picture, *draws.brightness);
  if (draws.contrast) {
    const double mean = value_of(measured.contrast_mean, [&] { return mean_level(picture); });
    picture = adjust_contrast(picture, *draws.contrast, mean);
  }
  if (draws.colour) {
    DFA_ASSIGN_OR_RETURN(picture, change_colour(picture, *draws.colour, measured));
  }
  if (draws.grey) picture = to_grey(picture);
  return picture;
}

Result<Picture> augment_signal(Picture picture, const AugmentDraws& draws, Measured& measured) {
  if (draws.blur) picture = blur_gaussian(picture, draws.blur->sigma, draws.blur->side);
  if (draws.kernel_blur) picture = blur_kernel(picture, *draws.kernel_blur);
  if (draws.noise) picture = add_noise(picture, *draws.noise, draws.noise_stream);
  if (draws.jpeg) {
    DFA_ASSIGN_OR_RETURN(picture, reencode_jpeg(picture, *draws.jpeg));
  }
  if (draws.erase) {
    const ColourVector& colour = value_of(measured.erase_colour, [&] { return mean_colour(picture); });
    picture = erase_rectangle(picture, *draws.erase, colour);
  }
  return picture;
}

}  // namespace

Result<Picture> augment_geometry(const Picture& picture, const AugmentDraws& draws) {
  if (picture.width < 1 || picture.height < 1)
    return fail(ErrorCode::usage, "augment: the crop is {}x{}, expected at least 1x1", picture.width, picture.height);
  Picture out = picture;
  if (draws.crop) {
    DFA_ASSIGN_OR_RETURN(out, crop_window(out, *draws.crop));
  }
  if (draws.flip) out = flip_left_right(out);
  if (draws.affine) {
    DFA_ASSIGN_OR_RETURN(out, move_affine(out, *draws.affine));
  }
  return out;
}

Result<Picture> augment(const Picture& crop, const AugmentDraws& draws, Measured& measured) {
  DFA_ASSIGN_OR_RETURN(Picture moved, augment_geometry(crop, draws));
  DFA_ASSIGN_OR_RETURN(Picture coloured, augment_colours(std::move(moved), draws, measured));
  return augment_signal(std::move(coloured), draws, measured);
}

Result<Picture> augment(const Picture& crop, const AugmentDraws& draws) {
  Measured measured;
  return augment(crop, draws, measured);
}

Result<Picture> augment(const Picture& crop, const AugmentOptions& options, RngStream stream) {
  return augment(crop, draw_augment(options, stream));
}

}  // namespace dfa
