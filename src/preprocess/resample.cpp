// Pillow's antialiased resize, by its definition:
//   scale = in / out; f = max(scale, 1); output i has its centre at (i + 0.5) scale and reads the inputs j in
//   [int(centre - support f + 0.5), int(centre + support f + 0.5)) with weight filter((j + 0.5 - centre) / f),
//   normalised to sum 1 in doubles, then rounded to whole multiples of 2^-22; sums are rounded to bytes, clipped to
//   0..255.
// Both passes run along contiguous memory: the picture is turned before the horizontal one, so that each weight is
// applied to a whole column, and turned back by writing.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <string>

#include "preprocess/crop.hpp"

namespace dfa {
namespace {

constexpr int kWeightBits = 22;
constexpr double kBicubicA = -0.5;
constexpr std::ptrdiff_t kChannels = 3;

struct Filter {
  std::string_view name;
  double support;  // half width in input pixels when not shrinking
  double (*weight)(double);
};

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

// Keys' cubic convolution kernel.
double cubic(double x) {
  constexpr double a = kBicubicA;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double box(double x) {
  return x > -0.5 && x <= 0.5 ? 1 : 0;
}

double sinc(double x) {
  if (x == 0) return 1;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double hamming(double x) {
  x = std::abs(x);
  return x < 1 ? sinc(x) * (0.54 + 0.46 * std::cos(std::numbers::pi * x)) : 0;
}

double lanczos(double x) {
  constexpr double kLobes = 3;
  return x >= -kLobes && x < kLobes ? sinc(x) * sinc(x / kLobes) : 0;
}

constexpr Filter kFilters[] = {{"bilinear", 1, triangle},
                               {"bicubic", 2, cubic},
                               {"box", 0.5, box},
                               {"hamming", 1, hamming},
                               {"lanczos", 3, lanczos}};

std::string known_filters() {
  std::string names;
  for (const Filter& filter : kFilters) names += (names.empty() ? "" : ", ") + std::string(filter.name);
  return names;
}

// The inputs of one output and where their weights start.
struct Taps {
  std::ptrdiff_t first = 0;
  std::ptrdiff_t count = 0;
  std::size_t weights = 0;
};

struct Axis {
  std::vector<Taps> taps;  // one an output
  std::vector<std::int32_t> weights;
};

Axis plan_axis(int in, int out, const Filter& filter) {
  const double scale = static_cast<double>(in) / out;
  const double widening = std::max(scale, 1.0);
  const double support = filter.support * widening;
  const double narrowing = 1.0 / widening;
  Axis axis;
  axis.taps.reserve(static_cast<std::size_t>(out));
  std::vector<double> exact;
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * scale;
    const int begin = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + support + 0.5), in);
    exact.clear();
    double sum = 0;
    for (int j = begin; j < end; ++j) {
      exact.push_back(filter.weight((j - centre + 0.5) * narrowing));
      sum += exact.back();
    }
    axis.taps.push_back({begin, end - begin, axis.weights.size()});
    for (const double weight : exact) {
      const double scaled = (sum != 0 ? weight / sum : weight) * (1 << kWeightBits);
      axis.weights.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  return axis;
}

// Lines of `length` bytes, one after another: rows of a picture, or its columns once turned.
struct Lines {
  const std::uint8_t* data;
  std::ptrdiff_t stride;
  const std::uint8_t* line(std::ptrdiff_t i) const { return data + i * stride; }
};

// out[i] = rounded weighted sum over the taps' lines. `sums` has room for `length` values.
inline __attribute__((always_inline)) void blend_lines_body(const Lines& in, const Taps& taps,
                                                            const std::int32_t* weights, std::ptrdiff_t length,
                                                            std::int32_t* __restrict sums,
                                                            std::uint8_t* __restrict out) {
  std::fill(sums, sums + length, 1 << (kWeightBits - 1));
  for (std::ptrdiff_t k = 0; k < taps.count; ++k) {
    const std::uint8_t* __restrict source = in.line(taps.first + k);
    const std::int32_t weight = weights[k];
    for (std::ptrdiff_t i = 0; i < length; ++i) sums[i] += weight * source[i];
  }
  for (std::ptrdiff_t i = 0; i < length; ++i) {
    const std::int32_t value = sums[i] >> kWeightBits;
    out[i] = static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
  }
}

using BlendLines = void (*)(const Lines&, const Taps&, const std::int32_t*, std::ptrdiff_t, std::int32_t*,
                            std::uint8_t*);

void blend_lines_portable(const Lines& in, const Taps& taps, const std::int32_t* weights, std::ptrdiff_t length,
                          std::int32_t* sums, std::uint8_t* out) {
  blend_lines_body(in, taps, weights, length, sums, out);
}

#if defined(__x86_64__)
// The same loops for the vectoriser: x86-64's baseline has no 32-bit multiply by lanes. Whole numbers, so the bytes are
// equal.
__attribute__((target("avx2"))) void blend_lines_avx2(const Lines& in, const Taps& taps, const std::int32_t* weights,
                                                      std::ptrdiff_t length, std::int32_t* sums, std::uint8_t* out) {
  blend_lines_body(in, taps, weights, length, sums, out);
}
#endif

BlendLines choose_blend_lines() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) return blend_lines_avx2;
#endif
  return blend_lines_portable;
}

// out line i = blend of in lines; all lines are `length` bytes, without gaps in `out`.
void resample_lines(const Lines& in, const Axis& axis, std::ptrdiff_t length, std::uint8_t* out) {
  static const BlendLines blend = choose_blend_lines();
  // In pieces, so that the sums stay in the first-level cache.
  constexpr std::ptrdiff_t kPiece = 2048;
  std::int32_t sums[kPiece];
  for (std::size_t i = 0; i < axis.taps.size(); ++i) {
    const Taps& taps = axis.taps[i];
    std::uint8_t* const line = out + static_cast<std::ptrdiff_t>(i) * length;
    for (std::ptrdiff_t at = 0; at < length; at += kPiece)
      blend({in.data + at, in.stride}, taps, axis.weights.data() + taps.weights, std::min(kPiece, length - at), sums,
            line + at);
  }
}

// (rows, columns, 3) -> (columns, rows, 3), in tiles that fit the first-level cache.
void turn(Lines in, std::ptrdiff_t rows, std::ptrdiff_t columns, std::uint8_t* out) {
  constexpr std::ptrdiff_t kTile = 32;
  for (std::ptrdiff_t y0 = 0; y0 < rows; y0 += kTile)
    for (std::ptrdiff_t x0 = 0; x0 < columns; x0 += kTile)
      for (std::ptrdiff_t x = x0; x < std::min(x0 + kTile, columns); ++x)
        for (std::ptrdiff_t y = y0; y < std::min(y0 + kTile, rows); ++y)
          std::memcpy(out + kChannels * (x * rows + y), in.line(y) + kChannels * x, kChannels);
}

std::vector<std::uint8_t> byte_buffer(std::ptrdiff_t width, std::ptrdiff_t height) {
  return std::vector<std::uint8_t>(static_cast<std::size_t>(kChannels * width * height));
}

}  // namespace

Result<Picture> resize_antialiased(const PictureView& picture, int width, int height, std::string_view filter) {
  const auto* const known =
      std::find_if(std::begin(kFilters), std::end(kFilters), [&](const Filter& f) { return f.name == filter; });
  if (known == std::end(kFilters))
    return fail(ErrorCode::usage, "resize filter '{}' is not known; known: {}", filter, known_filters());
  if (picture.width <= 0 || picture.height <= 0 || width <= 0 || height <= 0)
    return fail(ErrorCode::usage, "resize from {}x{} to {}x{}: every side must be at least 1", picture.width,
                picture.height, width, height);
  const std::ptrdiff_t rows = picture.height;
  Lines lines{picture.rgb, picture.stride};
  std::vector<std::uint8_t> narrowed;
  if (width != picture.width) {
    std::vector<std::uint8_t> columns = byte_buffer(rows, picture.width), blended = byte_buffer(rows, width);
    turn(lines, rows, picture.width, columns.data());
    resample_lines({columns.data(), kChannels * rows}, plan_axis(picture.width, width, *known), kChannels * rows,
                   blended.data());
    narrowed = byte_buffer(width, rows);
    turn({blended.data(), kChannels * rows}, width, rows, narrowed.data());
    lines = {narrowed.data(), kChannels * width};
  }
  Picture result{width, height, byte_buffer(width, height)};
  if (height != picture.height) {
    resample_lines(lines, plan_axis(picture.height, height, *known), kChannels * width, result.rgb.data());
  } else {
    for (std::ptrdiff_t y = 0; y < rows; ++y)
      std::memcpy(result.rgb.data() + kChannels * width * y, lines.line(y),
                  static_cast<std::size_t>(kChannels * width));
  }
  return result;
}

}  // namespace dfa
