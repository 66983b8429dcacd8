#include "synthesis/masks.hpp"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

// Brows go up by this share of the bridge of the nose (points 27 to 30), along the line from the chin to the bridge.
// A forehead is about as high as a nose is long, and a bridge has two thirds of it: this takes half of the forehead.
constexpr double kBrowLift = 0.75;
constexpr int kInside = 255;

// The mask's own bytes, for OpenCV calls that only read them.
cv::Mat as_mat(const Mask& mask) {
  return cv::Mat(mask.height, mask.width, CV_8UC1, const_cast<std::uint8_t*>(mask.value.data()));
}

Mask empty_mask(int width, int height) {
  return {width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height))};
}

using Indices = std::vector<std::size_t>;

void add_range(Indices& indices, std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) indices.push_back(i);
}

std::vector<Point> pick(const Landmarks68& landmarks, const Indices& indices) {
  std::vector<Point> points;
  for (const std::size_t i : indices) points.push_back(landmarks.points[i]);
  return points;
}

std::vector<Point> lifted_brows(const Landmarks68& landmarks) {
  const Point chin = landmarks.points[8], bridge = landmarks.points[27], tip = landmarks.points[30];
  const double length = std::hypot(bridge.x - chin.x, bridge.y - chin.y);
  const double lift = length > 0 ? kBrowLift * std::hypot(tip.x - bridge.x, tip.y - bridge.y) / length : 0;
  std::vector<Point> points;
  for (std::size_t i = 17; i < 27; ++i)
    points.push_back(
        {landmarks.points[i].x + lift * (bridge.x - chin.x), landmarks.points[i].y + lift * (bridge.y - chin.y)});
  return points;
}

// The point sets whose convex hulls make up the region.
std::vector<std::vector<Point>> parts_of(const Landmarks68& landmarks, Hull hull) {
  std::vector<Point> all(landmarks.points.begin(), landmarks.points.end());
  switch (hull) {
    case Hull::filled:
      return {all};
    case Hull::brow_extended: {
      const std::vector<Point> brows = lifted_brows(landmarks);
      all.insert(all.end(), brows.begin(), brows.end());
      return {all};
    }
    case Hull::features: {
      Indices left, right, nose, mouth;
      add_range(left, 17, 22), add_range(left, 36, 42);
      add_range(right, 22, 27), add_range(right, 42, 48);
      add_range(nose, 27, 36);
      add_range(mouth, 48, 68);
      return {pick(landmarks, left), pick(landmarks, right), pick(landmarks, nose), pick(landmarks, mouth)};
    }
    case Hull::lower_face: {
      // The jaw from the height of the middle of the nose down: points 0, 1 and 15, 16 lie at the eyes.
      Indices lower;
      add_range(lower, 2, 15), add_range(lower, 29, 36), add_range(lower, 48, 68);
      return {pick(landmarks, lower)};
    }
  }
  return {};
}

cv::Mat moving_matrix(const AxisAffine& affine, int width, int height) {
  const double cx = (width - 1) / 2.0, cy = (height - 1) / 2.0;
  return (cv::Mat_<double>(2, 3) << affine.scale_x, 0, cx - affine.scale_x * cx + affine.shift_x * width, 0,
          affine.scale_y, cy - affine.scale_y * cy + affine.shift_y * height);
}

// Uniform noise in [-1, 1), smoothed.
cv::Mat smooth_noise(int width, int height, double sigma, RngStream& stream) {
  cv::Mat noise(height, width, CV_32F);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) noise.at<float>(y, x) = static_cast<float>(stream.uniform(-1, 1));
  cv::GaussianBlur(noise, noise, cv::Size(0, 0), sigma, sigma, cv::BORDER_REFLECT_101);
  return noise;
}

void divide_by_largest(cv::Mat& values) {
  double largest = 0;
  cv::minMaxLoc(values, nullptr, &largest);
  if (largest > 0) values /= largest;
}

}  // namespace

Picture mask_picture(const Mask& mask) {
  Picture picture = black_picture(mask.width, mask.height);
  for (std::size_t i = 0; i < mask.value.size(); ++i) std::fill_n(&picture.rgb[3 * i], 3, mask.value[i]);
  return picture;
}

Mask mask_of_picture(const Picture& picture) {
  Mask mask = empty_mask(picture.width, picture.height);
  for (std::size_t i = 0; i < mask.value.size(); ++i) mask.value[i] = picture.rgb[3 * i];
  return mask;
}

std::string_view hull_name(Hull hull) {
  switch (hull) {
    case Hull::filled:
      return "filled";
    case Hull::brow_extended:
      return "brow-extended";
    case Hull::features:
      return "eyes-nose-mouth";
    case Hull::lower_face:
      return "lower-face";
  }
  return "unknown";
}

Result<Mask> hull_mask(const Landmarks68& landmarks, Hull hull, int width, int height) {
  DFA_TRY(check_landmarks(landmarks, width, height));
  Mask mask = empty_mask(width, height);
  DFA_TRY(guard_opencv("hull", [&] {
    cv::Mat target = as_mat(mask);
    for (const std::vector<Point>& part : parts_of(landmarks, hull)) {
      std::vector<cv::Point> points, outline;
      for (const Point& p : part)
        points.emplace_back(static_cast<int>(std::lround(p.x)), static_cast<int>(std::lround(p.y)));
      cv::convexHull(points, outline);
      cv::fillConvexPoly(target, outline, cv::Scalar(kInside));
    }
  }));
  if (std::all_of(mask.value.begin(), mask.value.end(), [](std::uint8_t v) { return v == 0; }))
    return fail(ErrorCode::landmarks_degenerate, "the hull of the landmarks lies outside the picture of {}x{}", width,
                height);
  return mask;
}

Result<Mask> move_mask(const Mask& mask, const AxisAffine& affine) {
  Mask moved = empty_mask(mask.width, mask.height);
  DFA_TRY(guard_opencv("moving a mask", [&] {
    cv::Mat target = as_mat(moved);
    cv::warpAffine(as_mat(mask), target, moving_matrix(affine, mask.width, mask.height), target.size(),
                   cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar(0));
  }));
  return moved;
}

Result<Picture> move_picture(const Picture& picture, const AxisAffine& affine) {
  Picture moved = black_picture(picture.width, picture.height);
  DFA_TRY(guard_opencv("moving a picture", [&] {
    cv::Mat target = as_writable_mat(moved);
    cv::warpAffine(dfa::as_mat(picture.view()), target, moving_matrix(affine, picture.width, picture.height),
                   target.size(), cv::INTER_LINEAR, cv::BORDER_REPLICATE);
  }));
  return moved;
}

Result<Mask> deform(const Mask& mask, const Elastic& elastic, RngStream stream) {
  Mask deformed = empty_mask(mask.width, mask.height);
  DFA_TRY(guard_opencv("elastic deformation", [&] {
    cv::Mat from_x = smooth_noise(mask.width, mask.height, elastic.sigma, stream);
    cv::Mat from_y = smooth_noise(mask.width, mask.height, elastic.sigma, stream);
    const float alpha = static_cast<float>(elastic.alpha);
    for (int y = 0; y < mask.height; ++y)
      for (int x = 0; x < mask.width; ++x) {
        from_x.at<float>(y, x) = static_cast<float>(x) + alpha * from_x.at<float>(y, x);
        from_y.at<float>(y, x) = static_cast<float>(y) + alpha * from_y.at<float>(y, x);
      }
    cv::Mat target = as_mat(deformed);
    cv::remap(as_mat(mask), target, from_x, from_y, cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar(0));
  }));
  return deformed;
}

Result<Mask> soften(const Mask& mask, const Softening& softening) {
  if (softening.width < 1 || softening.height < 1 || softening.first_kernel % 2 != 1 ||
      softening.second_kernel % 2 != 1)
    return fail(ErrorCode::usage, "softening at {}x{} with kernels {} and {}, expected a size and odd kernels",
                softening.width, softening.height, softening.first_kernel, softening.second_kernel);
  // Rounding of the blur's sums lies near 1e-15, the smallest weight at a kernel's corner near 1e-6.
  constexpr double kBelowOne = 1 - 1e-9;
  Mask soft = empty_mask(mask.width, mask.height);
  double largest = 0;
  DFA_TRY(guard_opencv("soft mask", [&] {
    cv::Mat values;
    as_mat(mask).convertTo(values, CV_64F);
    cv::resize(values, values, cv::Size(softening.width, softening.height), 0, 0, cv::INTER_LINEAR);
    const cv::Size first(softening.first_kernel, softening.first_kernel);
    cv::GaussianBlur(values, values, first, 0, 0, cv::BORDER_REFLECT_101);
    divide_by_largest(values);
    values.setTo(0, values < kBelowOne);
    const cv::Size second(softening.second_kernel, softening.second_kernel);
    cv::GaussianBlur(values, values, second, softening.second_sigma, softening.second_sigma, cv::BORDER_REFLECT_101);
    divide_by_largest(values);
    cv::minMaxLoc(values, nullptr, &largest);
    cv::resize(values, values, cv::Size(mask.width, mask.height), 0, 0, cv::INTER_LINEAR);
    cv::Mat target = as_mat(soft);
    values.convertTo(target, CV_8U, kInside);
  }));
  if (!(largest > 0)) return fail(ErrorCode::landmarks_degenerate, "nothing is left of the mask: the hull is empty");
  return soft;
}

int soft_reach(const Softening& softening, int width, int height) {
  // The second kernel spreads by its radius; each of the two resizings by at most one pixel of the coarser grid.
  const double radius = (softening.second_kernel - 1) / 2.0 + 1;
  const double pixel =
      std::max({1.0, static_cast<double>(width) / softening.width, static_cast<double>(height) / softening.height});
  return static_cast<int>(std::ceil((radius + 1) * pixel)) + 1;
}

std::vector<float> boundary_map(const Mask& mask) {
  std::vector<float> map(mask.value.size());
  std::transform(mask.value.begin(), mask.value.end(), map.begin(), [](std::uint8_t v) {
    const float m = static_cast<float>(v) / static_cast<float>(kInside);
    return 4 * m * (1 - m);
  });
  return map;
}

}  // namespace dfa
