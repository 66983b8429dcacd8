#include "doctor/look_hash.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

namespace dfa {
namespace {

constexpr int kCells = 8;      // comparisons a row, and rows
constexpr int kSmallest = 16;  // pixels of the shorter side
constexpr double kFlat = 4;    // grey levels between the darkest and the brightest cell

// BT.601 weights in 1/256.
int grey(const std::uint8_t* rgb) {
  return (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8;
}

template <int kWide, int kHigh>
using Grid = std::array<std::array<double, kWide>, kHigh>;

// Mean grey of kWide x kHigh cells of (nearly) equal size.
template <int kWide, int kHigh>
Grid<kWide, kHigh> averaged(const PictureView& picture) {
  Grid<kWide, kHigh> cells{};
  for (int cell_y = 0; cell_y < kHigh; ++cell_y)
    for (int cell_x = 0; cell_x < kWide; ++cell_x) {
      const int x0 = picture.width * cell_x / kWide, x1 = picture.width * (cell_x + 1) / kWide;
      const int y0 = picture.height * cell_y / kHigh, y1 = picture.height * (cell_y + 1) / kHigh;
      std::int64_t sum = 0;
      for (int y = y0; y < y1; ++y)
        for (int x = x0; x < x1; ++x) sum += grey(picture.row(y) + 3 * static_cast<std::ptrdiff_t>(x));
      cells[static_cast<std::size_t>(cell_y)][static_cast<std::size_t>(cell_x)] =
          static_cast<double>(sum) / (static_cast<double>(x1 - x0) * (y1 - y0));
    }
  return cells;
}

}  // namespace

std::optional<LookHash> look_hash(const PictureView& picture) {
  if (std::min(picture.width, picture.height) < kSmallest) return std::nullopt;
  const auto wide = averaged<kCells + 1, kCells>(picture);
  const auto high = averaged<kCells, kCells + 1>(picture);
  LookHash hash;
  double darkest = 255, brightest = 0;
  for (std::size_t y = 0; y < kCells; ++y)
    for (std::size_t x = 0; x < kCells; ++x) {
      const std::uint64_t bit = std::uint64_t{1} << (y * kCells + x);
      if (wide[y][x] > wide[y][x + 1]) hash.across |= bit;
      if (high[y][x] > high[y + 1][x]) hash.down |= bit;
      darkest = std::min(darkest, wide[y][x]);
      brightest = std::max(brightest, wide[y][x]);
    }
  if (brightest - darkest < kFlat) return std::nullopt;
  return hash;
}

int look_distance(const LookHash& a, const LookHash& b) {
  return std::popcount(a.across ^ b.across) + std::popcount(a.down ^ b.down);
}

std::optional<double> look_distance(const Look& a, const Look& b) {
  if (a.empty() || a.size() != b.size()) return std::nullopt;
  int sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += look_distance(a[i], b[i]);
  return static_cast<double>(sum) / static_cast<double>(a.size());
}

}  // namespace dfa
