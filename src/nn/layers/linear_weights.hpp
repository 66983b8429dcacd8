// Weights of a layer as plain values, before an engine packs them: what foldings work on.
#pragma once

#include <vector>

namespace dfa {

// y = W x + b
struct LinearWeights {
  int in = 0;
  int out = 0;
  std::vector<float> weight;  // (out, in)
  std::vector<float> bias;    // (out)
};

// Square kernel, zero padding.
struct ConvWeights {
  int in = 0;
  int out = 0;
  int kernel = 3;
  int stride = 1;
  int padding = 1;
  std::vector<float> weight;  // (out, in, kernel, kernel)
  std::vector<float> bias;    // (out)
};

}  // namespace dfa
