// P-Net, R-Net and O-Net as lists of layers (facenet-pytorch's form of MTCNN; Zhang et al., IEEE SPL 23(10), 2016).
#pragma once

#include <memory>
#include <vector>

#include "base/result.hpp"
#include "nn/mtcnn/row_kernels.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa::mtcnn {

// A convolution and the max pooling behind it (kernel 0: none; ceil mode, no padding).
struct TrunkLayer {
  ConvLayer conv;
  PoolShape pool;
};

// Heads are one layer: output 0 and 1 the logits of no face and face, 2..5 the box correction, 6..15 (O-Net) x and y of
// the points.
struct Net {
  int input_px = 0;               // side of the input; 0: any
  std::vector<TrunkLayer> trunk;  // P-Net's ends in its heads
  std::vector<ConvLayer> dense;   // over the flattened map, the last one the heads
};

struct Nets {
  Net p, r, o;
};

// From tensors named pnet.conv1.weight ... Errors: model_tensors (missing, mis-shaped), model_format (no floats).
Result<Nets> build_nets(const TensorMap& tensors);

// The embedded ones, unpacked once and shared. Thread-safe. Errors: as build_nets.
Result<std::shared_ptr<const Nets>> embedded_nets();

}  // namespace dfa::mtcnn
