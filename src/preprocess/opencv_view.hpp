// Pictures as OpenCV sees them. Included by sources only, of this room and of rooms above that call OpenCV: no public
// header shows a cv::Mat.
#pragma once

#include <opencv2/core.hpp>

#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa {

// Shares the pixels, which OpenCV calls must only read: cv::Mat has no const form.
inline cv::Mat as_mat(const PictureView& picture) {
  return cv::Mat(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.rgb),
                 static_cast<std::size_t>(picture.stride));
}

// A picture of zeros and the matrix that writes into it.
inline Picture black_picture(int width, int height) {
  return {width, height,
          std::vector<std::uint8_t>(3 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height))};
}
inline cv::Mat as_writable_mat(Picture& picture) {
  return cv::Mat(picture.height, picture.width, CV_8UC3, picture.rgb.data());
}

// Runs `body` on the calling thread; what OpenCV throws becomes an error that names the `step`.
template <class Body>
Status guard_opencv(std::string_view step, Body body) {
  // Crops are small and made on several threads at once: OpenCV's own pool would only compete with them.
  static const bool single = (cv::setNumThreads(1), true);
  static_cast<void>(single);
  try {
    body();
    return {};
  } catch (const cv::Exception& exception) {
    return fail(ErrorCode::internal, "{}: OpenCV refused: {}", step, exception.what());
  }
}

}  // namespace dfa
