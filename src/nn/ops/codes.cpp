#include "nn/ops/codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace dfa {
namespace {

constexpr float kLargestWeight = 127.0F;

}  // namespace

Int8Weights quantise_weights(std::span<const float> weight, int in, int out, const Codes& codes) {
  const std::size_t columns = static_cast<std::size_t>(in), rows = static_cast<std::size_t>(out);
  Int8Weights made{in, out, std::vector<std::int8_t>(columns * rows), std::vector<float>(rows),
                   std::vector<std::int32_t>(rows)};
  std::vector<float> scaled(columns);
  for (std::size_t row = 0; row < rows; ++row) {
    float largest = 0;
    for (std::size_t i = 0; i < columns; ++i) {
      scaled[i] = weight[row * columns + i] / codes.multipliers[i];
      largest = std::max(largest, std::fabs(scaled[i]));
    }
    const float scale = largest > 0 ? largest / kLargestWeight : 1.0F;
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < columns; ++i) {
      const float code = std::clamp(std::nearbyint(scaled[i] / scale), -kLargestWeight, kLargestWeight);
      made.values[row * columns + i] = static_cast<std::int8_t>(code);
      sum += static_cast<std::int32_t>(code);
    }
    made.scales[row] = scale;
    made.offsets[row] = codes.zero_point * sum;
  }
  return made;
}

void encode_row(const float* values, const Codes& codes, std::uint8_t* row) {
  for (std::size_t i = 0; i < codes.multipliers.size(); ++i)
    row[i] = code_of(values[i], codes.multipliers[i], codes.zero_point);
}

}  // namespace dfa
