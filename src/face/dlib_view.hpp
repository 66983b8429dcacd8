// Our pictures as dlib's generic images, without a copy. Included by this room's dlib sources only.
#pragma once

#include <dlib/image_processing/generic_image.h>
#include <dlib/pixel.h>

#include "media/picture.hpp"

namespace dfa {

struct DlibView {
  PictureView picture;
};

// What dlib finds by argument-dependent look-up.
inline long num_rows(const DlibView& view) {
  return view.picture.height;
}
inline long num_columns(const DlibView& view) {
  return view.picture.width;
}
inline const void* image_data(const DlibView& view) {
  return view.picture.rgb;
}
inline long width_step(const DlibView& view) {
  return view.picture.stride;
}

}  // namespace dfa

namespace dlib {

template <>
struct image_traits<dfa::DlibView> {
  using pixel_type = rgb_pixel;  // three bytes: red, green, blue
};
template <>
struct image_traits<const dfa::DlibView> {
  using pixel_type = rgb_pixel;
};
static_assert(sizeof(rgb_pixel) == 3);

}  // namespace dlib
