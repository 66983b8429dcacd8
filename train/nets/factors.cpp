#include "train/nets/factors.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "base/rng.hpp"
#include "nn/network.hpp"
#include "train/nets/smallest_directions.hpp"

namespace dfa::train {

namespace {

// A linear layer that a low-rank change belongs to: `parts` matrices D x D, stacked.
struct Layer {
  std::string name;
  std::size_t parts = 1;
};

std::vector<Layer> changed_layers(const NetworkConfig& network) {
  std::vector<Layer> layers;
  for (int i = 0; i < network.depth; ++i) {
    layers.push_back({fmt::format("blocks.{}.attn.qkv", i), 3});
    layers.push_back({fmt::format("blocks.{}.attn.proj", i), 1});
  }
  return layers;
}

std::int64_t as_size(std::size_t value) {
  return static_cast<std::int64_t>(value);
}

void start_lora(const Layer& layer, std::size_t dim, std::size_t rank, std::uint64_t seed, TensorMap& weights) {
  RngStream stream(seed, "init/" + layer.name + ".lora_a");
  const double bound = 1.0 / std::sqrt(static_cast<double>(dim));  // Kaiming-uniform with a = sqrt 5
  std::vector<float> a(layer.parts * rank * dim);
  for (float& value : a) value = static_cast<float>(stream.uniform(-bound, bound));
  const std::vector<float> b(layer.parts * dim * rank, 0.0F);
  weights[layer.name + ".lora_a"] = Tensor::from_f32({as_size(layer.parts * rank), as_size(dim)}, a);
  weights[layer.name + ".lora_b"] = Tensor::from_f32({as_size(layer.parts * dim), as_size(rank)}, b);
}

Status start_svd(const Layer& layer, std::size_t dim, std::size_t rank, TensorMap& weights) {
  DFA_ASSIGN_OR_RETURN(const std::vector<float> weight, weights.at(layer.name + ".weight").to_f32());
  Directions all;
  for (std::size_t part = 0; part < layer.parts; ++part) {
    const std::span<const float> matrix = std::span(weight).subspan(part * dim * dim, dim * dim);
    DFA_ASSIGN_OR_RETURN(const Directions one, smallest_directions(matrix, static_cast<int>(dim), static_cast<int>(dim),
                                                                   static_cast<int>(rank)));
    all.u.insert(all.u.end(), one.u.begin(), one.u.end());
    all.s.insert(all.s.end(), one.s.begin(), one.s.end());
    all.v.insert(all.v.end(), one.v.begin(), one.v.end());
  }
  for (const char* end : {"", "0"}) {
    weights[layer.name + ".svd_u" + end] = Tensor::from_f32({as_size(layer.parts * dim), as_size(rank)}, all.u);
    weights[layer.name + ".svd_s" + end] = Tensor::from_f32({as_size(layer.parts * rank)}, all.s);
    weights[layer.name + ".svd_v" + end] = Tensor::from_f32({as_size(layer.parts * rank), as_size(dim)}, all.v);
  }
  return {};
}

// change (parts * D, D) += sign * up (parts * D, R) diag(middle) down (parts * R, D), part by part; an empty middle is
// ones.
void add_product(std::size_t dim, std::size_t rank, double sign, const std::vector<float>& up,
                 const std::vector<float>& middle, const std::vector<float>& down, std::vector<double>& change) {
  for (std::size_t row = 0; row * rank < up.size(); ++row) {
    const std::size_t first = row / dim * rank;  // of this part, in down and middle
    for (std::size_t r = 0; r < rank; ++r) {
      const double factor = sign * up[row * rank + r] * (middle.empty() ? 1.0 : static_cast<double>(middle[first + r]));
      for (std::size_t i = 0; i < dim; ++i) change[row * dim + i] += factor * down[(first + r) * dim + i];
    }
  }
}

class Merger {
 public:
  Merger(const NetworkConfig& network, const Tuning& tuning, const TensorMap& weights)
      : dim_(static_cast<std::size_t>(network.dim)),
        rank_(static_cast<std::size_t>(tuning.rank)),
        low_rank_(tuning.low_rank),
        weights_(weights) {}

  Result<Tensor> merged_weight(const std::string& layer) const {
    const Tensor& frozen = weights_.at(layer + ".weight");
    DFA_ASSIGN_OR_RETURN(const std::vector<float> values, frozen.to_f32());
    std::vector<double> sum(values.begin(), values.end());
    if (low_rank_ == LowRank::lora) {
      DFA_TRY(add(layer, 1.0, ".lora_b", "", ".lora_a", sum));
    } else {
      DFA_TRY(add(layer, -1.0, ".svd_u0", ".svd_s0", ".svd_v0", sum));
      DFA_TRY(add(layer, 1.0, ".svd_u", ".svd_s", ".svd_v", sum));
    }
    return Tensor::from_f32(frozen.shape, std::vector<float>(sum.begin(), sum.end()));
  }

 private:
  Status add(const std::string& layer, double sign, const std::string& up, const std::string& middle,
             const std::string& down, std::vector<double>& sum) const {
    DFA_ASSIGN_OR_RETURN(const std::vector<float> u, weights_.at(layer + up).to_f32());
    DFA_ASSIGN_OR_RETURN(const std::vector<float> v, weights_.at(layer + down).to_f32());
    std::vector<float> s;
    if (!middle.empty()) {
      DFA_ASSIGN_OR_RETURN(s, weights_.at(layer + middle).to_f32());
    }
    add_product(dim_, rank_, sign, u, s, v, sum);
    return {};
  }

  std::size_t dim_, rank_;
  LowRank low_rank_;
  const TensorMap& weights_;
};

}  // namespace

Status add_factors(const NetworkConfig& network, const Tuning& tuning, std::uint64_t seed, TensorMap& weights) {
  if (tuning.low_rank == LowRank::none) return {};
  const std::size_t dim = static_cast<std::size_t>(network.dim), rank = static_cast<std::size_t>(tuning.rank);
  for (const Layer& layer : changed_layers(network)) {
    if (tuning.low_rank == LowRank::lora)
      start_lora(layer, dim, rank, seed, weights);
    else
      DFA_TRY(start_svd(layer, dim, rank, weights));
  }
  return {};
}

Result<TensorMap> merge_factors(const NetworkConfig& network, const Tuning& tuning, const TensorMap& weights) {
  DFA_TRY(check_weights(training_parameters(network, tuning), weights));
  TensorMap merged;
  for (const ParameterSpec& spec : network_parameters(network)) merged[spec.name] = weights.at(spec.name);
  if (tuning.low_rank == LowRank::none) return merged;
  const Merger merger(network, tuning, weights);
  for (const Layer& layer : changed_layers(network)) {
    DFA_ASSIGN_OR_RETURN(merged[layer.name + ".weight"], merger.merged_weight(layer.name));
  }
  return merged;
}

}  // namespace dfa::train
