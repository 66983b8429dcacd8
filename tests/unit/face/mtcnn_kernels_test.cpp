// The row kernels against plain loops in doubles, under every instruction set of this machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "base/rng.hpp"
#include "nn/mtcnn/row_kernels.hpp"
#include "nn/mtcnn/worker_pool.hpp"
#include "support/close.hpp"
#include "unit/face/each_target.hpp"

namespace dfa::mtcnn {
namespace {

std::vector<float> random_values(RngStream& random, std::size_t n) {
  std::vector<float> values(n);
  for (float& v : values) v = static_cast<float>(random.uniform(-1, 1));
  return values;
}

ConvLayer random_layer(RngStream& random, int kernel, int in_channels, int in_stride, int panels) {
  const std::size_t outputs = static_cast<std::size_t>(panels * kPanel);
  ConvLayer layer{kernel, in_channels, in_stride, panels, {}, {}, {}};
  layer.weights = random_values(random, outputs * static_cast<std::size_t>(kernel * kernel * in_channels));
  layer.bias = random_values(random, outputs);
  layer.slope = random_values(random, outputs);
  return layer;
}

// Bound on |f32 - f64| of a sum of K products and a bias, each |term| <= 1: at most K + 1 roundings of partial sums
// below K + 1, and one of the activation.
test::Tolerance sum_tolerance(int terms) {
  const double k = terms + 1;
  return {.absolute = (k * k + k) * 0x1p-24};
}

std::vector<float> plain_conv_row(const ConvLayer& layer, const std::vector<std::vector<float>>& rows, int width) {
  std::vector<float> out;
  const int taps = layer.kernel * layer.kernel * layer.in_channels;
  for (int x = 0; x < width; ++x)
    for (int o = 0; o < layer.out_stride(); ++o) {
      double sum = layer.bias[static_cast<std::size_t>(o)];
      int tap = 0;
      for (int ky = 0; ky < layer.kernel; ++ky)
        for (int kx = 0; kx < layer.kernel; ++kx)
          for (int c = 0; c < layer.in_channels; ++c, ++tap)
            sum += static_cast<double>(
                       rows[static_cast<std::size_t>(ky)][static_cast<std::size_t>((x + kx) * layer.in_stride + c)]) *
                   layer.weights[static_cast<std::size_t>((o / kPanel * taps + tap) * kPanel + o % kPanel)];
      out.push_back(static_cast<float>(sum < 0 ? sum * layer.slope[static_cast<std::size_t>(o)] : sum));
    }
  return out;
}

struct ConvCase {
  int kernel, in_channels, in_stride, panels, width;
};

// The networks' own shapes, strides that no network has, and every width around the block sizes.
std::vector<ConvCase> conv_cases() {
  std::vector<ConvCase> cases = {{3, 3, 3, 2, 46},  {3, 28, 32, 3, 9}, {3, 32, 32, 4, 21}, {2, 48, 48, 4, 3},
                                 {2, 64, 64, 8, 3}, {3, 64, 64, 4, 8}, {1, 32, 32, 1, 91}, {1, 576, 576, 8, 5},
                                 {3, 5, 7, 5, 13},  {1, 9, 9, 3, 10},  {2, 10, 16, 7, 17}, {3, 10, 16, 1, 31}};
  for (int width = 1; width <= 40; ++width)
    for (const int panels : {1, 2, 3}) cases.push_back({2, 3, 3, panels, width});
  return cases;
}

TEST(RowKernels, ConvolutionEqualsPlainLoops) {
  test::on_each_target([] {
    RngStream random(11, "conv_row");
    for (const ConvCase& c : conv_cases()) {
      const ConvLayer layer = random_layer(random, c.kernel, c.in_channels, c.in_stride, c.panels);
      std::vector<std::vector<float>> rows;
      std::vector<const float*> pointers;
      for (int ky = 0; ky < c.kernel; ++ky)
        rows.push_back(random_values(random, static_cast<std::size_t>((c.width + c.kernel - 1) * c.in_stride)));
      for (const auto& row : rows) pointers.push_back(row.data());
      constexpr float kUntouched = 1e9f;
      std::vector<float> got(static_cast<std::size_t>(c.width * layer.out_stride()) + 1, kUntouched);
      conv_row(layer, pointers.data(), c.width, got.data());
      EXPECT_EQ(got.back(), kUntouched);
      got.pop_back();
      EXPECT_TRUE(test::expect_close(got, plain_conv_row(layer, rows, c.width),
                                     sum_tolerance(c.kernel * c.kernel * c.in_channels)))
          << c.kernel << " " << c.in_channels << " " << c.in_stride << " " << c.panels << " " << c.width;
    }
  });
}

TEST(RowKernels, MaxPoolingTakesPartialWindows) {
  test::on_each_target([] {
    RngStream random(12, "max_pool_row");
    const struct {
      PoolShape pool;
      int rows, in_width, channels, out_width;
    } cases[] = {{{2, 2}, 2, 9, 16, 5},
                 {{2, 2}, 1, 8, 16, 4},
                 {{3, 2}, 3, 22, 32, 11},
                 {{3, 2}, 2, 9, 48, 4},
                 {{3, 2}, 1, 2, 16, 1}};
    for (const auto& c : cases) {
      std::vector<std::vector<float>> rows;
      std::vector<const float*> pointers;
      for (int i = 0; i < c.rows; ++i)
        rows.push_back(random_values(random, static_cast<std::size_t>(c.in_width * c.channels)));
      for (const auto& row : rows) pointers.push_back(row.data());
      std::vector<float> got(static_cast<std::size_t>(c.out_width * c.channels)), want;
      max_pool_row(c.pool, pointers, c.in_width, c.channels, c.out_width, got.data());
      for (int x = 0; x < c.out_width; ++x)
        for (int channel = 0; channel < c.channels; ++channel) {
          float largest = -HUGE_VALF;
          for (const auto& row : rows)
            for (int k = x * c.pool.stride; k < std::min(x * c.pool.stride + c.pool.kernel, c.in_width); ++k)
              largest = std::max(largest, row[static_cast<std::size_t>(k * c.channels + channel)]);
          want.push_back(largest);
        }
      EXPECT_EQ(got, want) << c.in_width << " " << c.out_width;
    }
  });
}

TEST(RowKernels, AveragesAreExactUntilTheyAreRounded) {
  test::on_each_target([] {
    RngStream random(13, "average_row");
    for (const int width : {1, 5, 16, 37, 300})
      for (const int height : {1, 3, 70, 257, 258}) {
        const std::ptrdiff_t stride = 3 * width + 2;
        std::vector<std::uint8_t> bytes(static_cast<std::size_t>(stride * height));
        // The largest sums that 16 bits hold, and the next.
        for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(height > 100 ? 255 : random.below(256));
        std::vector<std::uint32_t> sums(static_cast<std::size_t>(3 * width) + kRowSlack), want(sums.size());
        sum_rows(bytes.data(), stride, height, 3 * width, sums.data());
        for (int y = 0; y < height; ++y)
          for (int i = 0; i < 3 * width; ++i)
            want[static_cast<std::size_t>(i)] += bytes[static_cast<std::size_t>(y * stride + i)];
        EXPECT_EQ(sums, want);

        for (const int out_width : {1, 7, 24, 90}) {
          std::vector<Range> ranges;
          for (int x = 0; x < out_width; ++x) ranges.push_back(averaged_range(x, width, out_width));
          std::vector<float> got(static_cast<std::size_t>(3 * out_width) + kRowSlack), expected(got.size());
          average_row(sums.data(), height, ranges, got.data());
          for (int x = 0; x < out_width; ++x)
            for (int c = 0; c < 3; ++c) {
              const int begin = x * width / out_width, end = ((x + 1) * width + out_width - 1) / out_width;
              std::uint32_t sum = 0;
              for (int column = begin; column < end; ++column) sum += sums[static_cast<std::size_t>(3 * column + c)];
              const float mean = static_cast<float>(sum) / static_cast<float>(height) / static_cast<float>(end - begin);
              expected[static_cast<std::size_t>(3 * x + c)] = (mean - 127.5f) * 0.0078125f;
            }
          got.resize(static_cast<std::size_t>(3 * out_width));
          expected.resize(got.size());
          EXPECT_EQ(got, expected) << width << "x" << height << " to " << out_width;
        }
      }
  });
}

TEST(WorkerPool, EveryIndexOnce) {
  for (const int threads : {1, 2, 5}) {
    WorkerPool pool(threads);
    for (const int count : {0, 1, 2, 100}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      pool.run(count, [&](int index, int worker) {
        ++calls[static_cast<std::size_t>(index)];
        EXPECT_GE(worker, 0);
        EXPECT_LT(worker, threads);
      });
      for (const auto& n : calls) EXPECT_EQ(n, 1);
    }
  }
}

TEST(WorkerPool, ThrowsWhatTheBodyThrew) {
  WorkerPool pool(3);
  EXPECT_THROW(pool.run(50,
                        [](int index, int) {
                          if (index == 7) throw std::bad_alloc();
                        }),
               std::bad_alloc);
  std::atomic<int> calls{0};
  pool.run(20, [&](int, int) { ++calls; });  // and works on
  EXPECT_EQ(calls, 20);
}

}  // namespace
}  // namespace dfa::mtcnn
