#include "nn/mtcnn/row_kernels.hpp"

#include <algorithm>

// Their vectors have no size at compile time and cannot stand in an array of accumulators.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/mtcnn/row_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace dfa::mtcnn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, kPanel>;
using FloatVec = hn::Vec<FloatTag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));
constexpr int kVectorsPerPanel = kPanel / kLanes;

// Note [Blocks of a convolution]
// A block holds `pixels` x `vectors` accumulators in registers. A step over one input value loads `vectors` weights and
// broadcasts `pixels` inputs from memory for pixels * vectors multiply-adds; with two loads and two multiply-adds a
// cycle the arithmetic is the limit as soon as pixels * vectors >= pixels + vectors. AVX-512 has 32 registers: up to 12
// x 2 (and 9 x 3 for R-Net's 48 channels, whose rows are 9 wide). With 16 registers a panel is two (AVX2) or four
// vectors (SSE4) and takes 6 or 2 pixels.
constexpr int kMaxPanels = kLanes == 16 ? 3 : 1;
constexpr int max_pixels(int panels) {
  if (kLanes == 16) return panels == 1 ? 16 : panels == 2 ? 12 : 9;
  return kLanes == 8 ? 6 : 2;
}

// kInStride 0: known at run time only. A constant one puts the pixel offsets into the instructions.
template <int kInStride, int kPanels, int kPixels>
HWY_NOINLINE void conv_block(const ConvLayer& layer, const float* const* rows, std::ptrdiff_t x, int panel,
                             float* out) {
  constexpr int kVectors = kPanels * kVectorsPerPanel;
  const FloatTag d;
  const std::ptrdiff_t in_stride = kInStride != 0 ? kInStride : layer.in_stride;
  const std::ptrdiff_t panel_size = std::ptrdiff_t{kPanel} * layer.kernel * layer.kernel * layer.in_channels;
  const std::ptrdiff_t channel = std::ptrdiff_t{kPanel} * panel;
  FloatVec sums[kPixels][kVectors];
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    const FloatVec bias = hn::LoadU(d, layer.bias.data() + channel + v * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) sums[p][v] = bias;
  }
  const float* weights = layer.weights.data() + panel_size * panel;
  // Pixels without padding between them are one run of inputs a row: longer inner loops.
  const bool dense = layer.in_channels == in_stride;
  const int runs = dense ? 1 : layer.kernel;
  const int run_length = dense ? layer.kernel * layer.in_channels : layer.in_channels;
  for (int ky = 0; ky < layer.kernel; ++ky) {
    const float* pixel = rows[ky] + x * in_stride;
    for (int run = 0; run < runs; ++run, pixel += in_stride) {
      for (int i = 0; i < run_length; ++i, weights += kPanel) {
        FloatVec w[kVectors];
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v)
          w[v] = hn::LoadU(d, weights + (v / kVectorsPerPanel) * panel_size + (v % kVectorsPerPanel) * kLanes);
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) {
          const FloatVec value = hn::Set(d, pixel[p * in_stride + i]);
#pragma GCC unroll 16
          for (int v = 0; v < kVectors; ++v) sums[p][v] = hn::MulAdd(value, w[v], sums[p][v]);
        }
      }
    }
  }
  const FloatVec zero = hn::Zero(d);
#pragma GCC unroll 16
  for (int v = 0; v < kVectors; ++v) {
    const FloatVec slope = hn::LoadU(d, layer.slope.data() + channel + v * kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
      const FloatVec s = sums[p][v];
      const FloatVec activated = hn::MulAdd(hn::Min(s, zero), slope, hn::Max(s, zero));
      hn::StoreU(activated, d, out + (x + p) * layer.out_stride() + channel + v * kLanes);
    }
  }
}

using BlockFunction = void (*)(const ConvLayer&, const float* const*, std::ptrdiff_t, int, float*);

struct Block {
  int pixels;
  BlockFunction run;
};

template <int kInStride, int kPanels, int... kPixels>
Block choose_among(int width) {
  constexpr Block kBlocks[] = {{kPixels, &conv_block<kInStride, kPanels, kPixels>}...};
  // The last block of a row is moved back so that it ends with the row: what it computes twice is lost. Small blocks
  // pay their weight loads on few pixels; one pixel's worth of work is a fair price for them.
  const Block* best = &kBlocks[0];
  int best_cost = width * (best->pixels + 1);
  for (const Block& block : kBlocks) {
    if (block.pixels > width) continue;
    const int cost = (width + block.pixels - 1) / block.pixels * (block.pixels + 1);
    if (cost <= best_cost) best = &block, best_cost = cost;
  }
  return *best;
}

template <int kInStride, int kPanels>
Block choose_block(int width) {
  constexpr int kMost = max_pixels(kPanels);
  if constexpr (kMost == 16) return choose_among<kInStride, kPanels, 1, 2, 3, 4, 6, 8, 9, 11, 12, 16>(width);
  if constexpr (kMost == 12) return choose_among<kInStride, kPanels, 1, 2, 3, 4, 6, 8, 9, 11, 12>(width);
  if constexpr (kMost == 9) return choose_among<kInStride, kPanels, 1, 2, 3, 4, 6, 9>(width);
  if constexpr (kMost == 6) return choose_among<kInStride, kPanels, 1, 2, 3, 4, 5, 6>(width);
  return choose_among<kInStride, kPanels, 1, 2>(width);
}

// The pixel strides of the three networks; others take the general form.
template <int kPanels>
Block choose_stride(int in_stride, int width) {
  if constexpr (kPanels == 3) return in_stride == 32 ? choose_block<32, 3>(width) : choose_block<0, 3>(width);
  switch (in_stride) {
    case 3:
      return choose_block<3, kPanels>(width);
    case 16:
      return choose_block<16, kPanels>(width);
    case 32:
      return choose_block<32, kPanels>(width);
    case 48:
      return choose_block<48, kPanels>(width);
    case 64:
      return choose_block<64, kPanels>(width);
    default:
      return choose_block<0, kPanels>(width);
  }
}

Block choose(int panels, int in_stride, int width) {
  if constexpr (kMaxPanels == 3) {
    if (panels == 3) return choose_stride<3>(in_stride, width);
    if (panels == 2) return choose_stride<2>(in_stride, width);
  }
  return choose_stride<1>(in_stride, width);
}

// Panels of one block: three only where they are all (48 channels), else pairs.
int panels_at_once(int left) {
  if (kMaxPanels == 1) return 1;
  return left == 3 ? 3 : std::min(left, 2);
}

void ConvRow(const ConvLayer& layer, const float* const* rows, int out_width, float* out) {
  for (int panel = 0; panel < layer.panels;) {
    const int panels = panels_at_once(layer.panels - panel);
    const Block block = choose(panels, layer.in_stride, out_width);
    for (int x = 0; x < out_width; x += block.pixels)
      block.run(layer, rows, std::min(x, out_width - block.pixels), panel, out);
    panel += panels;
  }
}

void MaxPoolRow(PoolShape pool, std::span<const float* const> rows, int in_width, int channels, int out_width,
                float* out) {
  const FloatTag d;
  for (int x = 0; x < out_width; ++x) {
    const std::ptrdiff_t begin = std::ptrdiff_t{channels} * x * pool.stride;
    const std::ptrdiff_t end = std::ptrdiff_t{channels} * std::min(x * pool.stride + pool.kernel, in_width);
    for (std::ptrdiff_t c = 0; c < channels; c += kLanes) {
      FloatVec largest = hn::LoadU(d, rows[0] + begin + c);
      for (const float* row : rows)
        for (std::ptrdiff_t at = begin; at < end; at += channels)
          largest = hn::Max(largest, hn::LoadU(d, row + at + c));
      hn::StoreU(largest, d, out + std::ptrdiff_t{channels} * x + c);
    }
  }
}

// Sums of bytes fit 16 bits up to here: twice the lanes, and half the conversions.
constexpr int kRowsOf16Bits = 257;

// As SumRows for up to kRowsOf16Bits rows, from byte 0 on as far as whole vectors go; gives the first byte left.
std::ptrdiff_t SumFewRows(const std::uint8_t* first, std::ptrdiff_t stride, int rows, std::ptrdiff_t bytes,
                          std::uint32_t* sums) {
#if HWY_TARGET == HWY_SCALAR
  (void)first, (void)stride, (void)rows, (void)bytes, (void)sums;
  return 0;
#else
  const hn::CappedTag<std::uint16_t, 32> middle;
  const hn::Half<decltype(middle)> half;
  const hn::Rebind<std::uint8_t, decltype(middle)> narrow;
  const hn::Rebind<std::uint32_t, decltype(half)> wide;
  const std::ptrdiff_t lanes = static_cast<std::ptrdiff_t>(hn::Lanes(middle));
  const std::ptrdiff_t quarter = lanes / 2;
  std::ptrdiff_t i = 0;
  for (; i + 2 * lanes <= bytes; i += 2 * lanes) {
    auto a = hn::Zero(middle), b = hn::Zero(middle);
    const std::uint8_t* row = first + i;
    for (int y = 0; y < rows; ++y, row += stride) {
      a = hn::Add(a, hn::PromoteTo(middle, hn::LoadU(narrow, row)));
      b = hn::Add(b, hn::PromoteTo(middle, hn::LoadU(narrow, row + lanes)));
    }
    hn::StoreU(hn::PromoteTo(wide, hn::LowerHalf(half, a)), wide, sums + i);
    hn::StoreU(hn::PromoteTo(wide, hn::UpperHalf(half, a)), wide, sums + i + quarter);
    hn::StoreU(hn::PromoteTo(wide, hn::LowerHalf(half, b)), wide, sums + i + 2 * quarter);
    hn::StoreU(hn::PromoteTo(wide, hn::UpperHalf(half, b)), wide, sums + i + 3 * quarter);
  }
  return i;
#endif
}

void SumRows(const std::uint8_t* first, std::ptrdiff_t stride, int rows, std::ptrdiff_t bytes, std::uint32_t* sums) {
  const hn::CappedTag<std::uint32_t, 16> wide;
  const hn::Rebind<std::uint8_t, decltype(wide)> narrow;
  const std::ptrdiff_t lanes = static_cast<std::ptrdiff_t>(hn::Lanes(wide));
  std::ptrdiff_t i = rows <= kRowsOf16Bits ? SumFewRows(first, stride, rows, bytes, sums) : 0;
  for (; i + lanes <= bytes; i += lanes) {
    auto sum = hn::Zero(wide);
    for (int y = 0; y < rows; ++y) sum = hn::Add(sum, hn::PromoteTo(wide, hn::LoadU(narrow, first + y * stride + i)));
    hn::StoreU(sum, wide, sums + i);
  }
  for (; i < bytes; ++i) {
    std::uint32_t sum = 0;
    for (int y = 0; y < rows; ++y) sum += first[y * stride + i];
    sums[i] = sum;
  }
}

// A pixel's three sums. Four lanes where there are four: the last belongs to the neighbour, who overwrites it.
#if HWY_TARGET == HWY_SCALAR
constexpr int kPixelStep = 1;
#else
constexpr int kPixelStep = 4;
#endif

void AverageRow(const std::uint32_t* sums, int rows, std::span<const Range> columns, float* out) {
  const hn::CappedTag<std::uint32_t, kPixelStep> whole;
  const hn::RebindToSigned<decltype(whole)> whole_signed;
  const hn::RebindToFloat<decltype(whole)> real;
  const auto row_count = hn::Set(real, static_cast<float>(rows));
  const auto middle = hn::Set(real, 127.5f);
  const auto scale = hn::Set(real, 0.0078125f);
  for (const Range& range : columns) {
    const auto column_count = hn::Set(real, static_cast<float>(range.end - range.begin));
    for (int c = 0; c < 3; c += kPixelStep) {
      const std::uint32_t* column = sums + std::ptrdiff_t{3} * range.begin + c;
      const std::uint32_t* const end = sums + std::ptrdiff_t{3} * range.end + c;
      auto sum = hn::LoadU(whole, column);
      for (column += 3; column < end; column += 3) sum = hn::Add(sum, hn::LoadU(whole, column));
      const auto exact = hn::ConvertTo(real, hn::BitCast(whole_signed, sum));
      const auto mean = hn::Div(hn::Div(exact, row_count), column_count);
      hn::StoreU(hn::Mul(hn::Sub(mean, middle), scale), real, out + c);
    }
    out += 3;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace dfa::mtcnn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa::mtcnn {

HWY_EXPORT(ConvRow);
HWY_EXPORT(MaxPoolRow);
HWY_EXPORT(SumRows);
HWY_EXPORT(AverageRow);

void conv_row(const ConvLayer& layer, const float* const* rows, int out_width, float* out) {
  HWY_DYNAMIC_DISPATCH(ConvRow)(layer, rows, out_width, out);
}

void max_pool_row(PoolShape pool, std::span<const float* const> rows, int in_width, int channels, int out_width,
                  float* out) {
  HWY_DYNAMIC_DISPATCH(MaxPoolRow)(pool, rows, in_width, channels, out_width, out);
}

void sum_rows(const std::uint8_t* first, std::ptrdiff_t stride, int rows, std::ptrdiff_t bytes, std::uint32_t* sums) {
  HWY_DYNAMIC_DISPATCH(SumRows)(first, stride, rows, bytes, sums);
}

void average_row(const std::uint32_t* sums, int rows, std::span<const Range> columns, float* out) {
  HWY_DYNAMIC_DISPATCH(AverageRow)(sums, rows, columns, out);
}

Range averaged_range(int i, int in, int out) {
  const std::int64_t first = i, size = in;
  return {static_cast<int>(first * size / out), static_cast<int>(((first + 1) * size + out - 1) / out)};
}

}  // namespace dfa::mtcnn
#endif  // HWY_ONCE
