#include "nn/ops/gemm_tail.hpp"

#include <algorithm>
#include <cmath>

namespace dfa {

void tail_biases(const PackedMatrix& matrix, float* biases) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(matrix.out); ++i)
    biases[i] = std::fma(-static_cast<float>(matrix.offsets[i]), matrix.scales[i], matrix.bias[i]);
}

StripColumns::StripColumns(const PackedMatrix& matrix, const GemmDestination& destination, const float* biases)
    : whole_(static_cast<std::size_t>(matrix.out) / kStripColumns) {
  const std::size_t first = whole_ * kStripColumns, count = static_cast<std::size_t>(matrix.out) - first;
  last_present_ = (1U << count) - 1;
  all_ = {matrix.scales, biases, nullptr, ~0U};
  if (destination.element == Element::u8) all_.multipliers = destination.codes->multipliers.data();
  if (all_.scales != nullptr) std::copy_n(all_.scales + first, count, scales_);
  if (all_.multipliers != nullptr) std::copy_n(all_.multipliers + first, count, multipliers_);
  std::copy_n(all_.bias + first, count, bias_);
}

TailColumns StripColumns::of(std::size_t strip) const {
  if (strip == whole_) return {scales_, bias_, multipliers_, last_present_};
  const std::size_t first = strip * kStripColumns;
  TailColumns columns = all_;
  columns.bias += first;
  if (columns.scales != nullptr) columns.scales += first;
  if (columns.multipliers != nullptr) columns.multipliers += first;
  return columns;
}

}  // namespace dfa
