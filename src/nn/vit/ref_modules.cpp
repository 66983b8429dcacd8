#include "nn/vit/ref_modules.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace dfa::ref {
namespace {

Linear read_linear(const WeightReader& read, const std::string& name, int out, int in) {
  return make_linear(out, in, read(name + ".weight"), read(name + ".bias"));
}

void add_to(std::span<float> x, std::span<const float> y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

// Each row times `factors`; nothing happens without any.
void scale_channels(Tokens& x, const std::vector<float>& factors) {
  if (factors.empty()) return;
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= factors[i % factors.size()];
}

void activate(std::span<float> x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return gelu(x);
    case Activation::quick_gelu:
      return swish(x, kQuickGeluSlope);
    case Activation::silu:
      return swish(x, 1.0);
  }
}

// Rows of a (T, parts * D) projection that begin at part `part`.
Rows part_of(const Tokens& projection, int part, int parts, int dim) {
  return {projection.data() + static_cast<std::size_t>(part) * dim,
          static_cast<int>(projection.size() / (static_cast<std::size_t>(parts) * dim)), parts * dim};
}

}  // namespace

Norm read_norm(const WeightReader& read, const std::string& name, double eps) {
  return {read(name + ".weight"), read(name + ".bias"), eps};
}

Block::Block(const NetworkConfig& config, const WeightReader& read, const std::string& prefix)
    : dim_(config.dim),
      heads_(config.heads),
      prefix_tokens_(config.prefix_tokens()),
      activation_(config.activation),
      mlp_width_(config.mlp),
      gated_(config.gated_mlp),
      norm1_(read_norm(read, prefix + "norm1", config.norm_eps)),
      norm2_(read_norm(read, prefix + "norm2", config.norm_eps)),
      qkv_(read_linear(read, prefix + "attn.qkv", 3 * dim_, dim_)),
      proj_(read_linear(read, prefix + "attn.proj", dim_, dim_)),
      fc1_(read_linear(read, prefix + "mlp.fc1", config.mlp_inner(), dim_)),
      fc2_(read_linear(read, prefix + "mlp.fc2", dim_, config.mlp)) {
  if (config.layer_scale) {
    scale1_ = read(prefix + "ls1.gamma");
    scale2_ = read(prefix + "ls2.gamma");
  }
  if (!config.gba) return;
  adapter_ = Adapter{read_linear(read, prefix + "adaptor.down_proj", config.bottleneck, dim_),
                     read_linear(read, prefix + "adaptor.up_proj", dim_, config.bottleneck),
                     read(prefix + "adaptor.scale").front()};
}

Tokens Block::self_attention(const Tokens& x, const std::optional<RotaryTable>& rotary, int threads) const {
  const int rows = static_cast<int>(x.size()) / dim_;
  Tokens qkv = linear(x, rows, qkv_, threads);
  if (rotary) {
    const std::size_t stride = 3 * static_cast<std::size_t>(dim_);
    float* patches = qkv.data() + static_cast<std::size_t>(prefix_tokens_) * stride;
    turn_heads(*rotary, heads_, patches, stride);         // q
    turn_heads(*rotary, heads_, patches + dim_, stride);  // k
  }
  const int head_dim = dim_ / heads_;
  const Tokens mixed = attention(part_of(qkv, 0, 3, dim_), part_of(qkv, 1, 3, dim_), part_of(qkv, 2, 3, dim_), heads_,
                                 head_dim, 1.0 / std::sqrt(static_cast<double>(head_dim)), threads);
  return linear(mixed, rows, proj_, threads);
}

Tokens Block::mlp(const Tokens& x, int threads) const {
  const int rows = static_cast<int>(x.size()) / dim_;
  Tokens hidden = linear(x, rows, fc1_, threads);
  if (!gated_) {
    activate(hidden, activation_);
    return linear(hidden, rows, fc2_, threads);
  }
  Tokens product;
  const std::size_t width = static_cast<std::size_t>(mlp_width_);
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    const std::span<float> first = std::span(hidden).subspan(2 * row * width, width);
    activate(first, activation_);
    for (std::size_t i = 0; i < width; ++i) product.push_back(first[i] * hidden[(2 * row + 1) * width + i]);
  }
  return linear(product, rows, fc2_, threads);
}

void Block::forward(Tokens& x, const std::optional<RotaryTable>& rotary, int threads) const {
  const int rows = static_cast<int>(x.size()) / dim_;
  Tokens attended = self_attention(layer_norm(x, norm1_), rotary, threads);
  scale_channels(attended, scale1_);
  add_to(x, attended);
  Tokens mlp = this->mlp(layer_norm(x, norm2_), threads);
  scale_channels(mlp, scale2_);
  if (adapter_) {
    Tokens narrow = linear(x, rows, adapter_->down, threads);  // of x itself, without a norm
    relu(narrow);
    Tokens wide = linear(narrow, rows, adapter_->up, threads);
    for (float& value : wide) value *= adapter_->scale;
    add_to(x, mlp);
    add_to(x, wide);
  } else {
    add_to(x, mlp);
  }
}

CrossAttention::CrossAttention(const NetworkConfig& config, const WeightReader& read, const std::string& prefix,
                               bool gated)
    : dim_(config.dim),
      heads_(config.lsa_heads),
      query_norm_(read_norm(read, prefix + "query_norm", config.norm_eps)),
      feat_norm_(read_norm(read, prefix + "feat_norm", config.norm_eps)),
      out_(read_linear(read, prefix + "self_attn.out_proj", dim_, dim_)) {
  const std::vector<float> weight = read(prefix + "self_attn.in_proj_weight");  // (3 D, D): q, k, v rows
  const std::vector<float> bias = read(prefix + "self_attn.in_proj_bias");
  const std::size_t d = static_cast<std::size_t>(dim_);
  q_ = make_linear(dim_, dim_, std::span(weight).first(d * d), std::span(bias).first(d));
  kv_ = make_linear(2 * dim_, dim_, std::span(weight).subspan(d * d), std::span(bias).subspan(d));
  if (gated) gamma_ = read(prefix + "gamma");
}

void CrossAttention::forward(Tokens& query, const Tokens& source, int threads) const {
  const int query_rows = static_cast<int>(query.size()) / dim_;
  const int source_rows = static_cast<int>(source.size()) / dim_;
  const Tokens q = linear(layer_norm(query, query_norm_), query_rows, q_, threads);
  const Tokens kv = linear(layer_norm(source, feat_norm_), source_rows, kv_, threads);
  const int head_dim = dim_ / heads_;
  const Tokens mixed = attention(part_of(q, 0, 1, dim_), part_of(kv, 0, 2, dim_), part_of(kv, 1, 2, dim_), heads_,
                                 head_dim, 1.0 / std::sqrt(static_cast<double>(head_dim)), threads);
  Tokens out = linear(mixed, query_rows, out_, threads);
  scale_channels(out, gamma_);
  add_to(query, out);
}

Map SpatialPrior::ConvNorm::forward(const Map& x, int threads) const {
  Map y = conv2d(x, conv, threads);
  batch_norm(y, norm);
  relu(y.values);
  return y;
}

SpatialPrior::ConvNorm SpatialPrior::read_conv_norm(const WeightReader& read, const std::string& conv,
                                                    const std::string& norm, Conv shape) {
  return {make_conv(std::move(shape), read(conv + ".weight"), {}),
          {read(norm + ".running_mean"), read(norm + ".running_var"), read(norm + ".weight"), read(norm + ".bias"),
           kSpmNormEps}};
}

SpatialPrior::SpatialPrior(const NetworkConfig& config, const WeightReader& read)
    : dim_(config.dim), level_embed_(read("level_embed")) {
  const int c = config.spm_width;
  const auto shape = [](int in, int out, int stride) { return Conv{in, out, 3, stride, 1, {}, {}}; };
  stem_.push_back(read_conv_norm(read, "spm.stem.0", "spm.stem.1", shape(3, c, 2)));
  stem_.push_back(read_conv_norm(read, "spm.stem.3", "spm.stem.4", shape(c, c, 1)));
  stem_.push_back(read_conv_norm(read, "spm.stem.6", "spm.stem.7", shape(c, c, 1)));
  convs_.push_back(read_conv_norm(read, "spm.conv2.0", "spm.conv2.1", shape(c, 2 * c, 2)));
  convs_.push_back(read_conv_norm(read, "spm.conv3.0", "spm.conv3.1", shape(2 * c, 4 * c, 2)));
  convs_.push_back(read_conv_norm(read, "spm.conv4.0", "spm.conv4.1", shape(4 * c, 4 * c, 2)));
  for (int level = 0; level < 3; ++level) {
    const std::string name = "spm.fc" + std::to_string(level + 2);
    fcs_.push_back(
        make_conv({convs_[level].conv.out, dim_, 1, 1, 0, {}, {}}, read(name + ".weight"), read(name + ".bias")));
  }
}

Tokens SpatialPrior::forward(const Map& image, int threads) const {
  Map map = image;
  for (const ConvNorm& layer : stem_) map = layer.forward(map, threads);
  map = max_pool(map);
  Tokens tokens;
  for (std::size_t level = 0; level < convs_.size(); ++level) {
    map = convs_[level].forward(map, threads);
    const Map projected = conv2d(map, fcs_[level], threads);  // (D, side, side)
    const std::size_t area = static_cast<std::size_t>(projected.side) * projected.side;
    for (std::size_t position = 0; position < area; ++position) {
      for (int i = 0; i < dim_; ++i) {
        tokens.push_back(projected.values[static_cast<std::size_t>(i) * area + position] +
                         level_embed_[level * static_cast<std::size_t>(dim_) + static_cast<std::size_t>(i)]);
      }
    }
  }
  return tokens;
}

QueryPool::QueryPool(const NetworkConfig& config, const WeightReader& read)
    : dim_(config.dim),
      queries_count_(config.queries),
      queries_(read("readout_query.queries")),
      kv_(read_linear(read, "readout_query.kv", 2 * kQueryWidth, dim_)),
      out_(read_linear(read, "readout_query.out", dim_, kQueryWidth)) {}

Tokens QueryPool::forward(const Tokens& tokens, int threads) const {
  const Tokens kv = linear(tokens, static_cast<int>(tokens.size()) / dim_, kv_, threads);
  constexpr int kHeadDim = kQueryWidth / kQueryHeads;
  const Tokens gathered =
      attention({queries_.data(), queries_count_, kQueryWidth}, part_of(kv, 0, 2, kQueryWidth),
                part_of(kv, 1, 2, kQueryWidth), kQueryHeads, kHeadDim, 1.0 / std::sqrt(double{kHeadDim}), threads);
  std::vector<double> mean(kQueryWidth);
  for (std::size_t i = 0; i < gathered.size(); ++i) mean[i % kQueryWidth] += gathered[i];
  for (double& value : mean) value /= queries_count_;
  return linear(Tokens(mean.begin(), mean.end()), 1, out_, threads);
}

void l2_normalise(std::span<float> x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  const double norm = std::max(std::sqrt(sum), kHeadL2Eps);
  for (float& value : x) value = static_cast<float>(value / norm);
}

}  // namespace dfa::ref
