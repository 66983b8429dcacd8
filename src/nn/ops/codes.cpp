#include "nn/ops/codes.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace dfa {
namespace {

constexpr float kLargestWeight = 127.0F;

// To nearest, ties to even, for |x| < 2^22: nothing is left of a fraction beside this number. nearbyint() is a call.
inline float round_to_even(float x) {
  constexpr float kNoFractions = 12582912.0F;  // 1.5 * 2^23
  return (x + kNoFractions) - kNoFractions;
}

// One row (in) of `weight` into row `row` of `made`; `scaled` is scratch (in).
void quantise_row(const float* weight, const Codes& codes, std::size_t row, std::vector<float>& scaled,
                  Int8Weights& made) {
  const std::size_t columns = scaled.size();
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (std::size_t i = 0; i < columns; ++i) {
    scaled[i] = weight[i] / codes.multipliers[i];
    largest = std::max(largest, std::fabs(scaled[i]));
  }
  const float scale = largest > 0 ? largest / kLargestWeight : 1.0F;
  std::int8_t* values = made.values.data() + row * columns;
  std::int32_t sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < columns; ++i) {
    const int code = static_cast<int>(std::clamp(round_to_even(scaled[i] / scale), -kLargestWeight, kLargestWeight));
    values[i] = static_cast<std::int8_t>(code);
    sum += code;
  }
  made.scales[row] = scale;
  made.offsets[row] = codes.zero_point * sum;
}

}  // namespace

Int8Weights quantise_weights(std::span<const float> weight, int in, int out, const Codes& codes) {
  const std::size_t columns = static_cast<std::size_t>(in), rows = static_cast<std::size_t>(out);
  Int8Weights made{in, out, std::vector<std::int8_t>(columns * rows), std::vector<float>(rows),
                   std::vector<std::int32_t>(rows)};
#pragma omp parallel
  {
    std::vector<float> scaled(columns);
#pragma omp for
    for (std::size_t row = 0; row < rows; ++row) quantise_row(weight.data() + row * columns, codes, row, scaled, made);
  }
  return made;
}

void encode_row(const float* values, const Codes& codes, std::uint8_t* row) {
  for (std::size_t i = 0; i < codes.multipliers.size(); ++i)
    row[i] = code_of(values[i], codes.multipliers[i], codes.zero_point);
}

}  // namespace dfa
