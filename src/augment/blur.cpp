#include <opencv2/imgproc.hpp>

#include "augment/augment_steps.hpp"

namespace dfa {
namespace {

Picture blurred(const Picture& picture, int side, double sigma) {
  Picture out = picture;
  const cv::Mat from(picture.height, picture.width, CV_8UC3, const_cast<std::uint8_t*>(picture.rgb.data()));
  cv::Mat to(out.height, out.width, CV_8UC3, out.rgb.data());
  cv::GaussianBlur(from, to, cv::Size(side, side), sigma, sigma, cv::BORDER_REFLECT_101);
  return out;
}

}  // namespace

Picture blur_gaussian(const Picture& picture, double sigma, int side) {
  constexpr double kNoBlur = 0.05;  // below, the kernel is one pixel wide
  return sigma < kNoBlur ? picture : blurred(picture, side, sigma);
}

Picture blur_kernel(const Picture& picture, int side) {
  return blurred(picture, side, 0);  // 0 = OpenCV's rule
}

}  // namespace dfa
