#include "quant/site_error.hpp"

#include <cstddef>
#include <cstdint>
#include <new>

#include "nn/ops/gemm.hpp"

namespace dfa {
namespace {

constexpr int kOneThread = 1;  // sites are judged side by side

// Bytes on a cache line, as kernels want them.
class Bytes {
 public:
  explicit Bytes(std::size_t size) : values_(static_cast<std::byte*>(::operator new(size + kLine, kAlign))) {}
  ~Bytes() { ::operator delete(values_, kAlign); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  std::byte* get() const { return values_; }

 private:
  static constexpr std::size_t kLine = 64;
  static constexpr std::align_val_t kAlign{kLine};
  std::byte* values_;
};

// y (n, out) = x (n, in) W^T. W is turned first, so that the innermost loop adds to neighbours.
std::vector<float> multiply(const LinearWeights& layer, std::span<const float> rows, std::size_t count) {
  const auto in = static_cast<std::size_t>(layer.in), out = static_cast<std::size_t>(layer.out);
  std::vector<float> turned(in * out), y(count * out);
  for (std::size_t o = 0; o < out; ++o)
    for (std::size_t c = 0; c < in; ++c) turned[c * out + o] = layer.weight[o * in + c];
  for (std::size_t c = 0; c < in; ++c) {
    const float* weights = turned.data() + c * out;
    for (std::size_t n = 0; n < count; ++n) {
      const float x = rows[n * in + c];
      float* to = y.data() + n * out;
      for (std::size_t o = 0; o < out; ++o) to[o] += x * weights[o];
    }
  }
  return y;
}

std::vector<float> multiply_codes(const LinearWeights& layer, const Codes& codes, const std::byte* rows,
                                  std::size_t count) {
  const Int8Weights weights = quantise_weights(layer.weight, layer.in, layer.out, codes);
  PackedMatrix matrix;
  matrix.kernel = best_int8_gemm();
  matrix.in = layer.in;
  matrix.out = layer.out;
  const Bytes packed(packed_bytes(matrix.kernel, layer.in, layer.out));
  pack_int8(matrix.kernel, weights, packed.get());
  const std::vector<float> no_bias(static_cast<std::size_t>(layer.out));
  matrix.values = packed.get();
  matrix.bias = no_bias.data();
  matrix.scales = weights.scales.data();
  matrix.offsets = weights.offsets.data();
  const Bytes scratch(gemm_scratch(matrix, static_cast<int>(count), kOneThread));
  std::vector<float> y(count * static_cast<std::size_t>(layer.out));
  gemm(matrix, rows, static_cast<int>(count), {.values = reinterpret_cast<std::byte*>(y.data())}, scratch.get(),
       kOneThread);
  return y;
}

// |a - b|^2 / |b|^2
double relative_error(std::span<const float> a, std::span<const float> b) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    error += difference * difference;
    size += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return size > 0 ? error / size : 0;
}

}  // namespace

SiteError::SiteError(std::span<const FoldedLayer> readers, std::span<const float> rows, int channels)
    : readers_(readers),
      rows_(rows),
      count_(rows.size() / static_cast<std::size_t>(channels)),
      channels_(static_cast<std::size_t>(channels)) {
  for (const FoldedLayer& reader : readers_) outputs_.push_back(multiply(reader.weights, rows_, count_));
}

double SiteError::of(const Codes& codes) const {
  const Bytes encoded(count_ * channels_);
  for (std::size_t n = 0; n < count_; ++n)
    encode_row(rows_.data() + n * channels_, codes, reinterpret_cast<std::uint8_t*>(encoded.get()) + n * channels_);
  double sum = 0;
  for (std::size_t i = 0; i < readers_.size(); ++i)
    sum += relative_error(multiply_codes(readers_[i].weights, codes, encoded.get(), count_), outputs_[i]);
  return readers_.empty() ? 0 : sum / static_cast<double>(readers_.size());
}

}  // namespace dfa
