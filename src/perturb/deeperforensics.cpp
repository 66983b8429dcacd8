// The seven distortions of DeeperForensics-1.0 (L. Jiang et al., CVPR 2020), by what its authors' program does. Goldens
// from that program: tests/unit/perturb.
#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "perturb/code_table.hpp"
#include "perturb/studio_swing.hpp"
#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

constexpr int kBlockSide = 8;
constexpr int kSidePerRound = 256;  // of the shorter side: so much allows one round of blocks
constexpr std::uint8_t kBlockGrey = 128;

CodeInfo info(std::string code, std::string name, std::string operation) {
  CodeInfo result;
  result.kind = PerturbKind::deeperforensics;
  result.code = std::move(code);
  result.name = std::move(name);
  result.operation = std::move(operation);
  return result;
}

// A copy that `change(from, to)` writes: both of the picture's size.
template <class Change>
Result<Picture> written_by(const char* step, const PictureView& picture, Change change) {
  Picture out = black_picture(picture.width, picture.height);
  cv::Mat to = as_writable_mat(out);
  DFA_TRY(guard_opencv(step, [&] { change(as_mat(picture), to); }));
  return out;
}

Result<Picture> change_saturation(const PictureView& picture, float share, RngStream&) {
  constexpr float kNeutral = 0.5f;
  Picture out;
  DFA_TRY(guard_opencv("saturation", [&] {
    cv::Mat ycrcb = to_studio_swing(picture);
    ycrcb.forEach<cv::Vec3f>([share](cv::Vec3f& pixel, const int*) {
      pixel[1] = kNeutral + (pixel[1] - kNeutral) * share;
      pixel[2] = kNeutral + (pixel[2] - kNeutral) * share;
    });
    out = from_studio_swing(std::move(ycrcb), ToByte::wrap);
  }));
  return out;
}

Result<Picture> dim(const PictureView& picture, float share, RngStream&) {
  std::array<std::uint8_t, 256> table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(static_cast<float>(i) * share);
  Picture out = black_picture(picture.width, picture.height);
  std::uint8_t* to = out.rgb.data();
  for (int y = 0; y < picture.height; ++y)
    to = std::transform(picture.row(y), picture.row(y) + 3 * static_cast<std::ptrdiff_t>(picture.width), to,
                        [&table](std::uint8_t v) { return table[v]; });
  return out;
}

Result<Picture> place_blocks(const PictureView& picture, int blocks_a_round, RngStream& stream) {
  return written_by("blocks", picture, [&](const cv::Mat& from, cv::Mat& to) {
    from.copyTo(to);
    const int rounds = std::min(picture.width, picture.height) / kSidePerRound;
    // Corners from 0 to side - 9: the last row and column are never reached.
    const auto columns = static_cast<std::uint64_t>(std::max(1, picture.width - kBlockSide));
    const auto rows = static_cast<std::uint64_t>(std::max(1, picture.height - kBlockSide));
    for (int i = 0; i < rounds * blocks_a_round; ++i) {
      const int x = static_cast<int>(stream.below(columns)), y = static_cast<int>(stream.below(rows));
      to(cv::Rect(x, y, kBlockSide, kBlockSide)).setTo(cv::Scalar::all(kBlockGrey));
    }
  });
}

// Normal numbers are drawn row by row, for Y, Cr and Cb of a pixel in turn.
Result<Picture> add_colour_noise(const PictureView& picture, double variance, RngStream& stream) {
  constexpr float kFull = 255;
  const double sigma = std::sqrt(variance);
  Picture out;
  DFA_TRY(guard_opencv("colour noise", [&] {
    cv::Mat ycrcb = to_studio_swing(picture);
    for (int y = 0; y < ycrcb.rows; ++y) {
      auto* const row = ycrcb.ptr<float>(y);
      std::for_each(row, row + 3 * static_cast<std::ptrdiff_t>(ycrcb.cols), [&](float& value) {
        const double unit = value / kFull;
        value = static_cast<float>((unit + sigma * stream.normal()) * kFull);
      });
    }
    out = from_studio_swing(std::move(ycrcb), ToByte::clip);
  }));
  return out;
}

Result<Picture> blur(const PictureView& picture, int side, RngStream&) {
  constexpr double kSidesPerSigma = 6;
  return written_by("blur", picture, [side](const cv::Mat& from, cv::Mat& to) {
    cv::GaussianBlur(from, to, {side, side}, side / kSidesPerSigma);
  });
}

Result<Picture> pixelate(const PictureView& picture, int factor, RngStream&) {
  return written_by("pixelation", picture, [factor](const cv::Mat& from, cv::Mat& to) {
    cv::Mat small;
    cv::resize(from, small, {std::max(1, from.cols / factor), std::max(1, from.rows / factor)});
    cv::resize(small, to, to.size());
  });
}

std::string plain(double value) {
  return fmt::format("{}", value);
}

std::string plain_float(float value) {
  return fmt::format("{}", value);
}

}  // namespace

std::vector<Code> deeperforensics_codes() {
  CodeInfo blocks = info("BW", "grey blocks",
                         "floor(shorter side / 256) x N blocks of 8x8 set to 128, corners uniform in 0..side - 9; "
                         "nothing where the shorter side is below 256");
  CodeInfo noise = info("GNC", "Gaussian colour noise",
                        "normal noise of this variance on all three of Y, Cr, Cb (studio swing, 0..1), back to RGB, "
                        "clipped, cut to bytes");
  blocks.randomness = noise.randomness = Randomness::seeded;
  return {
      picture_code(
          info("CS", "less saturation",
               "chroma = 0.5 + (chroma - 0.5) p in Y, Cr, Cb (studio swing, 32-bit floats), back to RGB, cut "
               "to bytes without clipping"),
          std::vector<float>{0.4f, 0.3f, 0.2f, 0.1f, 0.0f}, [](float p) { return "p = " + plain_float(p); },
          change_saturation),
      picture_code(
          info("CC", "dimming (called contrast)", "every byte times p in 32-bit floats, cut to a byte"),
          std::vector<float>{0.85f, 0.725f, 0.6f, 0.475f, 0.35f}, [](float p) { return "p = " + plain_float(p); }, dim),
      picture_code(
          std::move(blocks), std::vector<int>{16, 32, 48, 64, 80}, [](int n) { return fmt::format("N = {}", n); },
          place_blocks),
      picture_code(
          std::move(noise), std::vector<double>{0.001, 0.002, 0.005, 0.01, 0.05},
          [](double v) { return "variance " + plain(v); }, add_colour_noise),
      picture_code(
          info("GB", "Gaussian blur", "k x k, sigma = k / 6, edges mirrored without repeating the last pixel"),
          std::vector<int>{7, 9, 13, 17, 21}, [](int k) { return fmt::format("k = {}", k); }, blur),
      picture_code(
          info("JPEG", "pixelation (called JPEG; no JPEG is involved)",
               "resized to floor(side / p) and back, bilinear both ways, not antialiased"),
          std::vector<int>{2, 3, 4, 5, 6}, [](int p) { return fmt::format("p = {}", p); }, pixelate),
      codec_code(info("VC", "video compression", "H.264 by x264, preset medium, 4:2:0; a still picture is one frame"),
                 VideoCodec::h264, {30, 32, 35, 38, 40}),
  };
}

}  // namespace dfa
