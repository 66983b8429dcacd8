#include "augment/augment_steps.hpp"
#include "media/write_picture.hpp"

namespace dfa {

Result<Picture> reencode_jpeg(const Picture& picture, int quality) {
  return reencode_picture(picture.view(), LossyPicture::jpeg, quality);
}

}  // namespace dfa
