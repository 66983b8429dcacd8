// The arithmetic of the three networks, a row at a time. Maps are (rows, columns, channels) f32 with channels rounded
// up to whole panels; the vector code is chosen at run time (Highway).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace dfa::mtcnn {

// Output channels that are computed together; the width of an AVX-512 register.
inline constexpr int kPanel = 16;
// Floats that a row buffer must have behind its last value: vectors are written whole.
inline constexpr std::size_t kRowSlack = 16;

// A valid convolution with stride 1, bias and PReLU. A dense layer is one of kernel 1 whose "pixels" are the pictures
// of a batch.
struct ConvLayer {
  int kernel = 1;  // square
  int in_channels = 0;
  int in_stride = 0;           // floats from one input pixel to the next, at least in_channels
  int panels = 0;              // output channels / 16, rounded up; the others give 0
  std::vector<float> weights;  // (panels, kernel, kernel, in_channels, 16)
  std::vector<float> bias;     // (panels * 16)
  std::vector<float> slope;    // (panels * 16) of the PReLU; 1 where there is none: max(v,0) + 1 * min(v,0) is v

  int out_stride() const { return panels * kPanel; }
};

// One output row: out[x][o] = prelu(bias[o] + sum over ky, kx, c of rows[ky][(x + kx) in_stride + c] w[o][ky][kx][c]).
// rows: `kernel` pointers; out: out_width * out_stride() floats. Each output is summed in this order, whatever the
// row's width.
void conv_row(const ConvLayer& layer, const float* const* rows, int out_width, float* out);

// out[x] = largest over the given rows (1 .. kernel of them) and the columns x * stride .. + kernel - 1 that exist.
// channels % 16 == 0.
struct PoolShape {
  int kernel = 0;
  int stride = 0;
};
void max_pool_row(PoolShape pool, std::span<const float* const> rows, int in_width, int channels, int out_width,
                  float* out);

// sums[i] = sum over `rows` rows of first[i + row * stride], i < bytes.
void sum_rows(const std::uint8_t* first, std::ptrdiff_t stride, int rows, std::ptrdiff_t bytes, std::uint32_t* sums);

// Input columns (or rows) that one output averages.
struct Range {
  int begin = 0, end = 0;
};
// Adaptive average pooling: output i of `out` covers floor(i in / out) .. ceil((i + 1) in / out).
Range averaged_range(int i, int in, int out);

// One row of averages from sums of RGB rows, normalised as the networks want it: out[x][c] = (sum over columns[x] /
// rows / count - 127.5) * 0.0078125, each step rounded to f32. sums: a pixel more than columns.back().end; out: 3 *
// columns.size() + kRowSlack floats.
void average_row(const std::uint32_t* sums, int rows, std::span<const Range> columns, float* out);

}  // namespace dfa::mtcnn
