#include "nn/ops/gemm_tail.hpp"

#include <algorithm>

namespace dfa {

StripColumns strip_columns(const PackedMatrix& matrix, const GemmDestination& destination, std::size_t strip) {
  StripColumns columns;
  const std::size_t first = strip * kStripColumns;
  const std::size_t count = std::min(kStripColumns, static_cast<std::size_t>(matrix.out) - first);
  std::copy_n(matrix.bias + first, count, columns.bias);
  if (matrix.scales != nullptr) std::copy_n(matrix.scales + first, count, columns.scales);
  if (matrix.offsets != nullptr) std::copy_n(matrix.offsets + first, count, columns.offsets);
  if (destination.codes != nullptr)
    std::copy_n(destination.codes->multipliers.data() + first, count, columns.multipliers);
  columns.present = count == kStripColumns ? ~0U : (1U << count) - 1;
  return columns;
}

}  // namespace dfa
