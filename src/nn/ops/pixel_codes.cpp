#include "nn/ops/pixel_codes.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "nn/ops/pixel_codes.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "nn/ops/narrow-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace dfa::HWY_NAMESPACE {
namespace {

using Bytes = hwy::HWY_NAMESPACE::ScalableTag<std::uint8_t>;
constexpr std::size_t kMostBytes = HWY_MAX_BYTES;

void encode_pixels(const Planes& from, std::size_t count, const Codes& codes, std::uint8_t* dst) {
  namespace hn = hwy::HWY_NAMESPACE;
  const Bytes d;
  const std::size_t lanes = hn::Lanes(d);
  float multipliers[3][kMostBytes];
  std::uint8_t coded[3][kMostBytes];
  for (std::size_t c = 0; c < 3; ++c) std::fill_n(multipliers[c], lanes, codes.multipliers[c]);
  const auto encode = [&](std::size_t first, std::size_t pixels) {
    for (std::size_t c = 0; c < 3; ++c) {
      const narrow::ToCodes store{multipliers[c], codes.zero_point};
      narrow::store_row(from.red + c * from.plane + first, pixels, store, coded[c]);
    }
  };
  std::size_t x = 0;
  for (; x + lanes <= count; x += lanes) {
    encode(x, lanes);
    hn::StoreInterleaved3(hn::LoadU(d, coded[0]), hn::LoadU(d, coded[1]), hn::LoadU(d, coded[2]), d, dst + 3 * x);
  }
  encode(x, count - x);
  for (std::size_t i = 0; x + i < count; ++i)
    for (std::size_t c = 0; c < 3; ++c) dst[3 * (x + i) + c] = coded[c][i];
}

void encode_patch(const Planes& from, std::size_t side, const Codes& codes, std::uint8_t* dst) {
  const float* multipliers = codes.multipliers.data();
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 0; y < side; ++y, multipliers += side, dst += side) {
      const float* line = from.red + c * from.plane + y * from.line;
      narrow::store_row(line, side, narrow::ToCodes{multipliers, codes.zero_point}, dst);
    }
  }
}

}  // namespace
}  // namespace dfa::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace dfa {

HWY_EXPORT(encode_pixels);
HWY_EXPORT(encode_patch);

void encode_pixels(const Planes& from, std::size_t count, const Codes& codes, std::uint8_t* dst) {
  HWY_DYNAMIC_DISPATCH(encode_pixels)(from, count, codes, dst);
}

void encode_patch(const Planes& from, std::size_t side, const Codes& codes, std::uint8_t* dst) {
  HWY_DYNAMIC_DISPATCH(encode_patch)(from, side, codes, dst);
}

}  // namespace dfa
#endif  // HWY_ONCE
