// The operations as plain loops: the oracle that every faster engine is compared with. Sums run in double, in the order
// in which the method is written, and nothing is folded. Never optimised beyond what keeps a test bearable: the
// innermost loops run over contiguous outputs, so that the compiler can vectorise them without changing any sum.
//
// Axes: T tokens, D width, H heads, C channels. All arrays are row-major and contiguous unless a stride is named.
#pragma once

#include <span>
#include <vector>

namespace dfa::ref {

// Weights as the loops want them: transposed, so that one input's weights for all outputs lie together.
struct Linear {
  int in = 0;
  int out = 0;
  std::vector<float> weight_t;  // (in, out)
  std::vector<float> bias;      // (out)
};
// From the stored layout (out, in).
Linear make_linear(int out, int in, std::span<const float> weight, std::span<const float> bias);

struct Conv {
  int in = 0;
  int out = 0;
  int kernel = 1;
  int stride = 1;
  int padding = 0;
  std::vector<float> weight_t;  // (in, kernel, kernel, out)
  std::vector<float> bias;      // (out), or empty
};
// From the stored layout (out, in, kernel, kernel).
Conv make_conv(Conv shape, std::span<const float> weight, std::span<const float> bias);

struct Norm {
  std::vector<float> weight;  // (D)
  std::vector<float> bias;    // (D)
  double eps = 0;
};

// Inference form: y = (x - mean) / sqrt(variance + eps) * weight + bias; empty weight and bias are 1 and 0.
struct BatchNorm {
  std::vector<float> mean;
  std::vector<float> variance;
  std::vector<float> weight;
  std::vector<float> bias;
  double eps = 0;
};

// x: one map (C, side, side).
struct Map {
  int channels = 0;
  int side = 0;
  std::vector<float> values;
};

// Rows of `width` values that begin `stride` apart: how attention reads its part of a fused projection.
struct Rows {
  const float* data = nullptr;
  int rows = 0;
  int stride = 0;
};

// y[t][o] = bias[o] + sum_i x[t][i] * weight[o][i]; x (T, in), returns (T, out)
std::vector<float> linear(std::span<const float> x, int rows, const Linear& layer, int threads);
// Zero padding; returns side (side + 2 padding - kernel) / stride + 1.
Map conv2d(const Map& x, const Conv& layer, int threads);
// 3x3, stride 2, padding 1; the padding never wins.
Map max_pool(const Map& x);
void batch_norm(Map& x, const BatchNorm& norm);
// x: (C), each value its own channel.
void batch_norm(std::span<float> x, const BatchNorm& norm);
// Over the last axis of (T, D).
std::vector<float> layer_norm(std::span<const float> x, const Norm& norm);
void relu(std::span<float> x);
// Exact: x * (1 + erf(x / sqrt 2)) / 2
void gelu(std::span<float> x);
// x / (1 + exp(-slope x)): quick-GELU with slope 1.702, SiLU with 1
void swish(std::span<float> x, double slope);
// softmax(scale * q k^T) v for each head; q (Tq, H * head_dim), k and v (Tk, H * head_dim), returns (Tq, H * head_dim).
std::vector<float> attention(Rows q, Rows k, Rows v, int heads, int head_dim, double scale, int threads);

}  // namespace dfa::ref
