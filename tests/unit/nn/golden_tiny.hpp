// The authors' own figures for the tiny network (tests/golden/nn/tiny.json).
#pragma once

#include <string>
#include <vector>

#include "nn/network_config.hpp"

namespace dfa::test {

struct GoldenTiny {
  NetworkConfig config;
  int images = 0;
  std::string weights_sha256;  // over the bytes of all tensors in name order
  std::string images_sha256;
  std::vector<float> logits;   // (images, 2)
  std::vector<float> feature;  // (images, D)
};

// Throws when the file is not there or not understood: a test without its golden must fail.
GoldenTiny read_golden_tiny();

}  // namespace dfa::test
