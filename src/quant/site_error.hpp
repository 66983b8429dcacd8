// What the codes of a site cost: the readers' outputs on 8 bits against their outputs in f32.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "nn/quantisation.hpp"

namespace dfa {

// The readers of a site and some of its rows; f32 outputs are computed once.
class SiteError {
 public:
  // rows: (n, channels). Both are kept by reference.
  SiteError(std::span<const FoldedLayer> readers, std::span<const float> rows, int channels);

  // E|W x - W_q x_q|^2 / E|W x|^2, without biases; the mean over the readers. Multiplied by the kernel of the int8
  // engine. 0 where all outputs are 0.
  double of(const Codes& codes) const;

 private:
  std::span<const FoldedLayer> readers_;
  std::span<const float> rows_;
  std::size_t count_ = 0;
  std::size_t channels_ = 0;
  std::vector<std::vector<float>> outputs_;  // of each reader, (n, out)
};

}  // namespace dfa
