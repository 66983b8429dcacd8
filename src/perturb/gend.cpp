// The robustness sweep of GenD (arXiv 2508.06248): for crops, not for whole frames.
#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "media/write_picture.hpp"
#include "perturb/code_table.hpp"
#include "preprocess/crop.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

struct Blur {
  int side;
  double sigma;
};

struct Resize {
  int shorter_side;
  std::string_view filter;
};

constexpr std::string_view kNearest = "nearest";

CodeInfo info(std::string code, std::string name, std::string operation) {
  CodeInfo result;
  result.kind = PerturbKind::gend;
  result.code = std::move(code);
  result.name = std::move(name);
  result.operation = std::move(operation);
  return result;
}

Result<Picture> recompress(const PictureView& picture, int quality, RngStream&) {
  return reencode_picture(picture, LossyPicture::jpeg, quality);
}

Result<Picture> blur(const PictureView& picture, const Blur& parameter, RngStream&) {
  Picture out = black_picture(picture.width, picture.height);
  cv::Mat to = as_writable_mat(out);
  DFA_TRY(guard_opencv("blur", [&] {
    cv::GaussianBlur(as_mat(picture), to, {parameter.side, parameter.side}, parameter.sigma);
  }));
  return out;
}

// The pixel under the middle of each new one.
Picture pick_nearest(const PictureView& picture, int width, int height) {
  const auto under = [](int at, int from, int to) {
    return static_cast<int>((2 * static_cast<std::int64_t>(at) + 1) * from / (2 * static_cast<std::int64_t>(to)));
  };
  Picture out = black_picture(width, height);
  std::uint8_t* to = out.rgb.data();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      to = std::copy_n(picture.row(under(y, picture.height, height)) + 3 * under(x, picture.width, width), 3, to);
  return out;
}

Result<Picture> resize(const PictureView& picture, const Resize& parameter, RngStream&) {
  const auto shorter = static_cast<std::int64_t>(std::min(picture.width, picture.height));
  const auto side = [&](int from) {
    return from == shorter ? parameter.shorter_side : static_cast<int>(parameter.shorter_side * from / shorter);
  };
  const int width = side(picture.width), height = side(picture.height);
  if (parameter.filter == kNearest) return pick_nearest(picture, width, height);
  return resize_antialiased(picture, width, height, parameter.filter);
}

// Normal numbers are drawn row by row, for red, green and blue of a pixel in turn.
Result<Picture> add_noise(const PictureView& picture, double sigma, RngStream& stream) {
  constexpr double kFull = 255;
  Picture out = black_picture(picture.width, picture.height);
  std::uint8_t* to = out.rgb.data();
  const auto noisy = [&](std::uint8_t v) {
    const double value = std::clamp(v / kFull + sigma * stream.normal(), 0.0, 1.0);
    return static_cast<std::uint8_t>(value * kFull);
  };
  for (int y = 0; y < picture.height; ++y)
    to = std::transform(picture.row(y), picture.row(y) + 3 * static_cast<std::ptrdiff_t>(picture.width), to, noisy);
  return out;
}

std::vector<Resize> resizes() {
  std::vector<Resize> all;
  for (const int side : {224, 112, 64})
    for (const std::string_view filter :
         {kNearest, std::string_view("lanczos"), std::string_view("bilinear"), std::string_view("bicubic"),
          std::string_view("box"), std::string_view("hamming")})
      all.push_back({side, filter});
  return all;
}

}  // namespace

std::vector<Code> gend_codes() {
  CodeInfo resized =
      info("RESIZE", "resize",
           "shorter side to this many pixels by Pillow's filter of that name, antialiased but for nearest; not "
           "back");
  resized.size = SizeEffect::changes;
  CodeInfo noise = info("NOISE", "Gaussian noise",
                        "normal noise of this sigma on red, green and blue in 0..1, clipped, cut to bytes");
  noise.randomness = Randomness::seeded;
  return {
      picture_code(
          info("JPEG", "JPEG", "baseline JPEG of this quality, chroma at half size, and back"),
          std::vector<int>{100, 80, 60, 40, 20, 10}, [](int q) { return fmt::format("quality {}", q); }, recompress),
      picture_code(
          info("BLUR", "Gaussian blur", "k x k, edges mirrored without repeating the last pixel"),
          std::vector<Blur>{{5, 0.5}, {7, 1}, {11, 1.5}, {13, 2}, {19, 3}},
          [](const Blur& b) { return fmt::format("k = {}, sigma {}", b.side, b.sigma); }, blur),
      picture_code(
          std::move(resized), resizes(), [](const Resize& r) { return fmt::format("{} {}", r.shorter_side, r.filter); },
          resize),
      picture_code(
          std::move(noise), std::vector<double>{0, 0.01, 0.03, 0.05, 0.1, 0.2},
          [](double sigma) { return fmt::format("sigma {}", sigma); }, add_noise),
  };
}

}  // namespace dfa
