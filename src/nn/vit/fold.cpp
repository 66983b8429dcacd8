#include "nn/vit/fold.hpp"

#include <cmath>
#include <cstddef>

namespace dfa {

LinearWeights read_linear(const WeightReader& read, const std::string& name, int out, int in) {
  return {in, out, read(name + ".weight"), read(name + ".bias")};
}

LinearWeights read_patch_embed(const WeightReader& read, const NetworkConfig& config) {
  const std::string name = "patch_embed.proj";
  const int in = 3 * config.patch * config.patch;
  if (config.patch_bias) return read_linear(read, name, config.dim, in);
  return {in, config.dim, read(name + ".weight"), std::vector<float>(static_cast<std::size_t>(config.dim))};
}

void scale_outputs(LinearWeights& layer, std::span<const float> factors) {
  scale_outputs(layer, 0, std::vector<double>(factors.begin(), factors.end()));
}

void fold_norm_before(LinearWeights& layer, std::span<const float> weight, std::span<const float> bias) {
  const std::size_t in = static_cast<std::size_t>(layer.in);
#pragma omp parallel for
  for (std::size_t o = 0; o < layer.bias.size(); ++o) {
    float* row = layer.weight.data() + o * in;
    double sum = layer.bias[o];
    for (std::size_t i = 0; i < in; ++i) {
      sum += static_cast<double>(row[i]) * bias[i];
      row[i] = static_cast<float>(static_cast<double>(row[i]) * weight[i]);
    }
    layer.bias[o] = static_cast<float>(sum);
  }
}

void scale_outputs(LinearWeights& layer, int first, std::span<const double> factors) {
  const std::size_t in = static_cast<std::size_t>(layer.in);
  for (std::size_t k = 0; k < factors.size(); ++k) {
    const std::size_t o = static_cast<std::size_t>(first) + k;
    for (std::size_t i = 0; i < in; ++i) {
      float& value = layer.weight[o * in + i];
      value = static_cast<float>(value * factors[k]);
    }
    layer.bias[o] = static_cast<float>(layer.bias[o] * factors[k]);
  }
}

LinearWeights output_rows(const LinearWeights& layer, int first, int count) {
  const auto weight = layer.weight.begin() + static_cast<std::ptrdiff_t>(first) * layer.in;
  const auto bias = layer.bias.begin() + first;
  return {layer.in, count, {weight, weight + static_cast<std::ptrdiff_t>(count) * layer.in}, {bias, bias + count}};
}

ConvWeights read_folded_conv(const WeightReader& read, const std::string& conv_name, const std::string& norm_name,
                             ConvWeights conv) {
  conv.weight = read(conv_name + ".weight");
  const std::vector<float> mean = read(norm_name + ".running_mean");
  const std::vector<float> variance = read(norm_name + ".running_var");
  const std::vector<float> weight = read(norm_name + ".weight");
  const std::vector<float> bias = read(norm_name + ".bias");
  const std::size_t taps = conv.weight.size() / static_cast<std::size_t>(conv.out);
  conv.bias.resize(static_cast<std::size_t>(conv.out));
  for (std::size_t o = 0; o < conv.bias.size(); ++o) {
    const double factor = weight[o] / std::sqrt(static_cast<double>(variance[o]) + kSpmNormEps);
    for (std::size_t tap = 0; tap < taps; ++tap) {
      float& value = conv.weight[o * taps + tap];
      value = static_cast<float>(value * factor);
    }
    conv.bias[o] = static_cast<float>(bias[o] - mean[o] * factor);
  }
  return conv;
}

LinearWeights read_folded_head(const WeightReader& read, const NetworkConfig& config) {
  LinearWeights head = read_linear(read, "head.1", config.classes, config.dim);
  if (config.head != HeadKind::batchnorm_linear) return head;
  const std::vector<float> mean = read("head.0.running_mean");
  const std::vector<float> variance = read("head.0.running_var");
  const std::size_t dim = mean.size();
  for (std::size_t o = 0; o < head.bias.size(); ++o) {
    double sum = head.bias[o];
    for (std::size_t i = 0; i < dim; ++i) {
      float& value = head.weight[o * dim + i];
      const double scaled = value / std::sqrt(static_cast<double>(variance[i]) + kHeadNormEps);
      sum -= scaled * mean[i];
      value = static_cast<float>(scaled);
    }
    head.bias[o] = static_cast<float>(sum);
  }
  return head;
}

}  // namespace dfa
