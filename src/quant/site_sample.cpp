#include "quant/site_sample.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/rng.hpp"

namespace dfa {
namespace {

// Widens the ranges by the rows; gives the row with the largest magnitude.
std::size_t widen(std::span<const float> rows, SiteSample& sample) {
  const std::size_t channels = sample.lowest.size();
  std::size_t largest_row = 0;
  float largest = -1;
  for (std::size_t row = 0; row * channels < rows.size(); ++row) {
    const float* values = rows.data() + row * channels;
    float peak = 0;
    for (std::size_t c = 0; c < channels; ++c) {
      sample.lowest[c] = std::min(sample.lowest[c], values[c]);
      sample.highest[c] = std::max(sample.highest[c], values[c]);
      peak = std::max(peak, std::fabs(values[c]));
    }
    if (peak > largest) {
      largest = peak;
      largest_row = row;
    }
  }
  return largest_row;
}

}  // namespace

void SampleCollector::activation(std::string_view site, std::span<const float> rows, int channels) {
  const auto width = static_cast<std::size_t>(channels);
  SiteSample& sample = sites_[std::string(site)];
  if (sample.channels == 0) {
    sample.channels = channels;
    sample.lowest.assign(width, std::numeric_limits<float>::max());
    sample.highest.assign(width, std::numeric_limits<float>::lowest());
  }
  const std::size_t largest = widen(rows, sample);
  const std::size_t crop = sample.rows.size() / (width * kRowsPerCrop);
  if (crop >= kCropsWithRows || rows.empty()) return;
  RngStream rng = RngStream(static_cast<std::uint64_t>(seed_), site).child(crop);
  std::array<std::size_t, kRowsPerCrop> kept = {0, largest};
  for (std::size_t i = 0; i < kDrawnRows; ++i)
    kept[kRowsPerCrop - kDrawnRows + i] = static_cast<std::size_t>(rng.below(rows.size() / width));
  for (const std::size_t row : kept) {
    const auto values = rows.subspan(row * width, width);
    sample.rows.insert(sample.rows.end(), values.begin(), values.end());
  }
}

}  // namespace dfa
