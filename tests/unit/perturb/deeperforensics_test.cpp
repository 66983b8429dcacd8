// The seven distortions against plain loops, on pictures that everybody has.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "base/hash.hpp"
#include "unit/perturb/test_pictures.hpp"

namespace dfa::test {
namespace {

Perturbation of(const std::string& code, int level) {
  return {PerturbKind::deeperforensics, code, level};
}

std::vector<Picture> inputs() {
  return {sample("astronaut.png"), noise(61, 47), noise(7, 5), ramp(40, 33), noise(1, 1)};
}

int at(const Picture& picture, int x, int y, int c) {
  return picture.view().row(y)[3 * x + c];
}

// function(x, y, c) -> byte.
template <class Function>
Picture made(int width, int height, Function function) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c) picture.rgb.push_back(static_cast<std::uint8_t>(function(x, y, c)));
  return picture;
}

// Y, Cr, Cb by OpenCV's documented formula for floats, squeezed, chroma scaled, and back; floats as the authors'.
std::array<float, 3> less_saturated(float r, float g, float b, float p) {
  const float y = 0.299f * r + 0.587f * g + 0.114f * b;
  const auto squeeze = [](float v, float swing) { return (v * swing + 16) / 255; };
  const auto stretch = [](float v, float swing) { return (v * 255 - 16) / swing; };
  const float luma = stretch(squeeze(y, 219), 219);
  const float cr = stretch(0.5f + (squeeze((r - y) * 0.713f + 0.5f, 224) - 0.5f) * p, 224) - 0.5f;
  const float cb = stretch(0.5f + (squeeze((b - y) * 0.564f + 0.5f, 224) - 0.5f) * p, 224) - 0.5f;
  return {luma + 1.403f * cr, luma - 0.714f * cr - 0.344f * cb, luma + 1.773f * cb};
}

Picture saturation_by_loops(const Picture& picture, float p) {
  return made(picture.width, picture.height, [&](int x, int y, int c) {
    const auto value = [&](int channel) { return static_cast<float>(at(picture, x, y, channel)); };
    return static_cast<int>(less_saturated(value(0), value(1), value(2), p)[static_cast<std::size_t>(c)]) & 255;
  });
}

TEST(DeeperForensics, SaturationIsThatOfPlainLoops) {
  const std::array<float, 5> shares = {0.4f, 0.3f, 0.2f, 0.1f, 0.0f};
  for (const Picture& input : inputs())
    for (int level = 1; level <= 5; ++level) {
      const Picture expected = saturation_by_loops(input, shares[static_cast<std::size_t>(level - 1)]);
      const Difference apart = difference(perturbed(input, of("CS", level)), expected);
      EXPECT_LE(apart.largest_around, 1) << input.width << ' ' << level;
      EXPECT_LE(apart.bytes_changed, 0.002) << input.width << ' ' << level;
    }
}

// The cut to a byte does not clip, yet nothing wraps: a colour and its grey lie in 0..255, and so does what lies
// between them but for a few thousandths (the squeezed neutral chroma is 0.502, not 0.5).
TEST(DeeperForensics, SaturationOfBytesNeverReachesTheWrap) {
  constexpr int kStep = 15;
  float least = 0, most = 0;
  for (const float p : {0.4f, 0.3f, 0.2f, 0.1f, 0.0f})
    for (int r = 0; r < 256; r += kStep)
      for (int g = 0; g < 256; g += kStep)
        for (int b = 0; b < 256; b += kStep)
          for (const float value :
               less_saturated(static_cast<float>(r), static_cast<float>(g), static_cast<float>(b), p)) {
            least = std::min(least, value);
            most = std::max(most, value);
          }
  EXPECT_GT(least, -0.1f);
  EXPECT_LT(most, 255.1f);
  EXPECT_LT(least, 0.0f);  // it does leave the range, by less than a level
}

TEST(DeeperForensics, DimmingIsThatOfPlainLoops) {
  const std::array<float, 5> shares = {0.85f, 0.725f, 0.6f, 0.475f, 0.35f};
  for (const Picture& input : inputs())
    for (int level = 1; level <= 5; ++level) {
      const float p = shares[static_cast<std::size_t>(level - 1)];
      const Picture expected = made(input.width, input.height, [&](int x, int y, int c) {
        return static_cast<int>(static_cast<float>(at(input, x, y, c)) * p);
      });
      EXPECT_EQ(perturbed(input, of("CC", level)).rgb, expected.rgb) << level;
    }
}

// -1 becomes 1: mirrored at the middle of the edge pixel.
int mirrored(int i, int n) {
  if (n == 1) return 0;
  while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
  return i;
}

Picture blur_by_loops(const Picture& picture, int side) {
  const double sigma = side / 6.0;
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i < side; ++i) {
    const double d = i - side / 2;
    weights.push_back(std::exp(-d * d / (2 * sigma * sigma)));
    sum += weights.back();
  }
  const auto weight = [&](int i) { return weights[static_cast<std::size_t>(i)] / sum; };
  return made(picture.width, picture.height, [&](int x, int y, int c) {
    double value = 0;
    for (int j = 0; j < side; ++j)
      for (int i = 0; i < side; ++i)
        value += weight(i) * weight(j) *
                 at(picture, mirrored(x + i - side / 2, picture.width), mirrored(y + j - side / 2, picture.height), c);
    return static_cast<int>(std::lround(value));
  });
}

TEST(DeeperForensics, BlurIsThatOfPlainLoops) {
  const std::array<int, 5> sides = {7, 9, 13, 17, 21};
  for (const Picture& input : {noise(61, 47), noise(7, 5), ramp(40, 33), noise(1, 1)})
    for (int level = 1; level <= 5; ++level) {
      const Picture expected = blur_by_loops(input, sides[static_cast<std::size_t>(level - 1)]);
      EXPECT_LE(difference(perturbed(input, of("GB", level)), expected).largest, 1) << input.width << ' ' << level;
    }
}

// Where a new pixel's middle lies: between `first` and the next, that far (in 2048ths) from it.
struct Place {
  int first = 0;
  int far = 0;
};

enum class AtEdge { keep_weights, stop };

Place place_of(int i, int from, int to, AtEdge rule) {
  const float middle = static_cast<float>((i + 0.5) * (static_cast<double>(from) / to) - 0.5);
  Place place{static_cast<int>(std::floor(middle)), 0};
  float far = middle - static_cast<float>(place.first);
  if (rule == AtEdge::stop && place.first < 0) place.first = 0, far = 0;
  if (rule == AtEdge::stop && place.first >= from - 1) place.first = from - 1, far = 0;
  place.far = static_cast<int>(std::lrint(far * 2048));
  return place;
}

// OpenCV's bilinear resize of bytes, without antialiasing: the four pixels around the middle of the new one, the edge
// repeated, weights in 2048ths. Shrinking to exactly half takes the mean of four.
Picture bilinear_by_loops(const Picture& picture, int width, int height) {
  if (picture.width == 2 * width && picture.height == 2 * height)
    return made(width, height, [&](int x, int y, int c) {
      return (at(picture, 2 * x, 2 * y, c) + at(picture, 2 * x + 1, 2 * y, c) + at(picture, 2 * x, 2 * y + 1, c) +
              at(picture, 2 * x + 1, 2 * y + 1, c) + 2) /
             4;
    });
  return made(width, height, [&](int x, int y, int c) {
    const Place column = place_of(x, picture.width, width, AtEdge::stop);
    const Place row = place_of(y, picture.height, height, AtEdge::keep_weights);
    const auto along = [&](int line) {
      const int inside = std::clamp(line, 0, picture.height - 1), next = std::min(column.first + 1, picture.width - 1);
      return (2048 - column.far) * at(picture, column.first, inside, c) + column.far * at(picture, next, inside, c);
    };
    const int above = ((2048 - row.far) * (along(row.first) >> 4)) >> 16;
    const int below = (row.far * (along(row.first + 1) >> 4)) >> 16;
    return (above + below + 2) >> 2;
  });
}

TEST(DeeperForensics, PixelationIsThatOfPlainLoops) {
  for (const Picture& input : inputs())
    for (int level = 1; level <= 5; ++level) {
      const int p = level + 1;
      const Picture small = bilinear_by_loops(input, std::max(1, input.width / p), std::max(1, input.height / p));
      const Picture expected = bilinear_by_loops(small, input.width, input.height);
      EXPECT_EQ(difference(perturbed(input, of("JPEG", level)), expected).largest, 0) << input.width << ' ' << level;
    }
}

TEST(DeeperForensics, BlocksAreGreyAndOfTheNamedNumber) {
  const Picture input = sample("astronaut.png");  // 512 x 512: two rounds
  const std::array<int, 5> a_round = {16, 32, 48, 64, 80};
  for (int level = 1; level <= 5; ++level) {
    const Picture out = perturbed(input, of("BW", level));
    int changed = 0;
    for (std::size_t i = 0; i < out.rgb.size(); i += 3) {
      if (std::equal(&out.rgb[i], &out.rgb[i] + 3, &input.rgb[i])) continue;
      ++changed;
      ASSERT_TRUE(out.rgb[i] == 128 && out.rgb[i + 1] == 128 && out.rgb[i + 2] == 128);
    }
    const int most = 2 * 64 * a_round[static_cast<std::size_t>(level - 1)];
    EXPECT_LE(changed, most);
    EXPECT_GT(changed, most * 9 / 10);  // blocks overlap
    // Corners end at side - 9: the last row and column stay.
    for (int i = 0; i < 512; ++i)
      for (int c = 0; c < 3; ++c) {
        EXPECT_EQ(at(out, 511, i, c), at(input, 511, i, c));
        EXPECT_EQ(at(out, i, 511, c), at(input, i, 511, c));
      }
  }
}

TEST(DeeperForensics, BlocksNeedAShorterSideOf256) {
  const Picture small = noise(300, 255), enough = noise(300, 256);
  EXPECT_EQ(perturbed(small, of("BW", 5)).rgb, small.rgb);
  EXPECT_NE(perturbed(enough, of("BW", 1)).rgb, enough.rgb);
}

// On mid grey nothing is clipped: luma noise has sigma sqrt(v) 255 x 255 / 219 in every channel, and chroma adds its
// share.
TEST(DeeperForensics, NoiseHasTheVarianceOfItsLevel) {
  const Picture grey = made(200, 150, [](int, int, int) { return 128; });
  const std::array<double, 4> variances = {0.001, 0.002, 0.005, 0.01};
  for (int level = 1; level <= 4; ++level) {
    const double sigma = 255 * std::sqrt(variances[static_cast<std::size_t>(level - 1)]);
    const double luma = sigma * 255 / 219, chroma = sigma * 255 / 224;
    const double red = std::hypot(luma, 1.403 * chroma), green = std::hypot(luma, 0.714 * chroma, 0.344 * chroma),
                 blue = std::hypot(luma, 1.773 * chroma);
    const double expected = std::sqrt((red * red + green * green + blue * blue) / 3);
    const Difference apart = difference(perturbed(grey, of("GNC", level)), grey);
    EXPECT_NEAR(apart.deviation, expected, 0.03 * expected) << level;
  }
}

// Outputs for a picture of the repository, so that a change is seen where the goldens are not. Whole numbers only:
// saturation goes through OpenCV's floats, which processors may round differently.
TEST(DeeperForensics, WholeNumberKindsHaveTheirFigures) {
  const Picture input = sample("astronaut.png");
  const std::map<std::string, std::string> figures = {
      {"CC3", "2c99c4acdb6e77c5c08db96a0878f3e7ebc6f525180826c314bffb65f5a3bbb5"},
      {"GB1", "30af97b34f76059d187c5000036ed6d6b974c617726cce63c7110d9baf8c8e05"},
      {"GB5", "bcef08c020741b5262d06f4fc27e13a6b3ac6d45c9b5c7b72cd4a8ccf767cf0d"},
      {"JPEG2", "9e365ea706a12a6288af7edd2f2d9754bede6cc67d3d5b8f67fcf90c2e8a3273"},
      {"JPEG5", "dbae0597c1ae7b108308a03d6bdf5cbefda79022c8ec8dd097780eef3c2631f3"},
  };
  for (const auto& [key, sha256] : figures) {
    const std::string code = key.substr(0, key.size() - 1);
    const Picture out = perturbed(input, of(code, key.back() - '0'));
    EXPECT_EQ(sha256_hex(std::as_bytes(std::span(out.rgb))), sha256) << key;
  }
}

}  // namespace
}  // namespace dfa::test
