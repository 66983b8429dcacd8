#include "nn/ops/gemm_plain.hpp"

#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include "nn/plan/value.hpp"

namespace dfa {
namespace {

constexpr float kQuickGeluSlope = 1.702F;

// One row of products, after `after`, to where it belongs.
void store_row(const std::vector<float>& row, const GemmDestination& to, std::size_t first) {
  switch (to.element) {
    case Element::f32: {
      float* values = reinterpret_cast<float*>(to.values) + first;
      const bool add = to.after == After::add_to_destination;
      for (std::size_t i = 0; i < row.size(); ++i) values[i] = add ? values[i] + row[i] : row[i];
      return;
    }
    case Element::bf16: {
      std::uint16_t* values = reinterpret_cast<std::uint16_t*>(to.values) + first;
      for (std::size_t i = 0; i < row.size(); ++i) store(row[i], values[i]);
      return;
    }
    case Element::u8:
      encode_row(row.data(), *to.codes, reinterpret_cast<std::uint8_t*>(to.values) + first);
  }
}

}  // namespace

float apply_after(After after, float value) {
  switch (after) {
    case After::nothing:
    case After::add_to_destination:
      break;
    case After::relu:
      return value > 0 ? value : 0;
    case After::gelu:
      return 0.5F * value * (1.0F + std::erf(value / std::numbers::sqrt2_v<float>));
    case After::quick_gelu:
      return value / (1.0F + std::exp(-kQuickGeluSlope * value));
    case After::silu:
      return value / (1.0F + std::exp(-value));
  }
  return value;
}

void pack_plain(const Int8Weights& weights, std::byte* to) {
  std::memcpy(to, weights.values.data(), weights.values.size());
}

void gemm_plain(const PackedMatrix& matrix, const std::byte* src, int rows, const GemmDestination& destination,
                int threads) {
  const std::size_t in = static_cast<std::size_t>(matrix.in), out = static_cast<std::size_t>(matrix.out);
  const std::uint8_t* codes = reinterpret_cast<const std::uint8_t*>(src);
  const std::int8_t* weights = reinterpret_cast<const std::int8_t*>(matrix.values);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int row = 0; row < rows; ++row) {
    const std::size_t index = static_cast<std::size_t>(row);
    std::vector<float> products(out);
    for (std::size_t o = 0; o < out; ++o) {
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < in; ++i) sum += codes[index * in + i] * weights[o * in + i];
      const float bias = std::fma(-static_cast<float>(matrix.offsets[o]), matrix.scales[o], matrix.bias[o]);
      const float product = std::fma(static_cast<float>(sum), matrix.scales[o], bias);
      products[o] = apply_after(destination.after, product);
    }
    store_row(products, destination, index * out);
  }
}

}  // namespace dfa
