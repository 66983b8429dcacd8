// A golden picture as pixels.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <opencv2/imgcodecs.hpp>

#include "media/picture.hpp"

namespace dfa::test {

inline Picture read_test_picture(const std::filesystem::path& path) {
  const cv::Mat bgr = cv::imread(path.string(), cv::IMREAD_COLOR);
  EXPECT_FALSE(bgr.empty()) << path;
  Picture picture{bgr.cols, bgr.rows, {}};
  for (int y = 0; y < bgr.rows; ++y)
    for (int x = 0; x < bgr.cols; ++x)
      for (int c = 2; c >= 0; --c) picture.rgb.push_back(bgr.at<cv::Vec3b>(y, x)[c]);
  return picture;
}

}  // namespace dfa::test
