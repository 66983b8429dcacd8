#include <opencv2/imgproc.hpp>

#include "augment/augment.hpp"

namespace dfa {

Picture blur_gaussian(const Picture& picture, double sigma) {
  constexpr double kNoBlur = 0.05;  // below, the kernel is one pixel wide
  Picture out = picture;
  if (sigma < kNoBlur) return out;
  const cv::Mat from(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.rgb.data()));
  cv::Mat to(out.height, out.width, CV_8UC3, out.rgb.data());
  cv::GaussianBlur(from, to, cv::Size(0, 0), sigma, sigma, cv::BORDER_REFLECT_101);
  return out;
}

}  // namespace dfa
