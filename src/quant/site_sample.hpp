// What calibration keeps of what flows through a network: each channel's range over all crops, and some rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/quantisation.hpp"

namespace dfa {

// Rows of a crop that are kept: the first (the token that the head reads comes from there), the one with the largest
// value (outliers are few, and all that clipping can spoil), and drawn ones.
inline constexpr std::size_t kDrawnRows = 2;
inline constexpr std::size_t kRowsPerCrop = 2 + kDrawnRows;
// Beyond as many crops only ranges are looked at: memory, 1.6 MB a site of ViT-B.
inline constexpr std::size_t kCropsWithRows = 128;

struct SiteSample {
  int channels = 0;
  std::vector<float> lowest;   // (channels)
  std::vector<float> highest;  // (channels)
  std::vector<float> rows;     // (n, channels), kRowsPerCrop of each crop
};

// Fed by the f32 engine, one crop a pass. A crop with fewer rows than are kept gives some twice.
class SampleCollector final : public ActivationObserver {
 public:
  explicit SampleCollector(std::int64_t seed) : seed_(seed) {}
  void activation(std::string_view site, std::span<const float> rows, int channels) override;

  const std::map<std::string, SiteSample, std::less<>>& sites() const { return sites_; }

 private:
  std::int64_t seed_;
  std::map<std::string, SiteSample, std::less<>> sites_;
};

}  // namespace dfa
