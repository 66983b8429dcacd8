#include "exchange/onnx_modules.hpp"

#include <cmath>
#include <numbers>

#include "nn/ops/rotary.hpp"
#include "nn/vit/weight_reader.hpp"

namespace dfa::onnx {
namespace {

using Integers = std::vector<std::int64_t>;

std::string module_of(const std::string& prefix) {
  return prefix.substr(0, prefix.size() - 1);
}

// x / (1 + exp(-slope x))
std::string swish(Builder& build, const std::string& x, double slope) {
  const std::string scaled = slope == 1.0 ? x : build.add("Mul", {x, build.scalar(static_cast<float>(slope))});
  return build.add("Mul", {x, build.add("Sigmoid", {scaled})});
}

// x (1 + erf(x / sqrt 2)) / 2, in the order that graph optimisers know.
std::string gelu(Builder& build, const std::string& x) {
  const std::string erf = build.add("Erf", {build.add("Div", {x, build.scalar(std::numbers::sqrt2_v<float>)})});
  const std::string product = build.add("Mul", {x, build.add("Add", {erf, build.scalar(1.0F)})});
  return build.add("Mul", {product, build.scalar(0.5F)});
}

std::string activate(Builder& build, const std::string& x, Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return gelu(build, x);
    case Activation::quick_gelu:
      return swish(build, x, kQuickGeluSlope);
    case Activation::silu:
      break;
  }
  return swish(build, x, 1.0);
}

// (N, T, D) -> (N, heads, T, D / heads)
std::string by_head(Builder& build, const std::string& x, AttentionShape shape) {
  const std::int64_t heads = shape.heads, head_dim = shape.dim / shape.heads;
  return build.transpose(build.reshape(x, {0, -1, heads, head_dim}), {0, 2, 1, 3});
}

// What follows the projections: q, k, v (N, heads, T, D / heads).
std::string attend(Builder& build, const std::string& q, const std::string& k, const std::string& v,
                   AttentionShape shape) {
  const int head_width = shape.dim / shape.heads;  // exact: heads divides dim
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_width)));
  const std::string scores = build.add("MatMul", {q, build.transpose(k, {0, 1, 3, 2})});
  const std::string weights =
      build.add("Softmax", {build.add("Mul", {scores, build.scalar(scale)})}, {{"axis", std::int64_t{-1}}});
  const std::string mixed = build.transpose(build.add("MatMul", {weights, v}), {0, 2, 1, 3});
  return build.reshape(mixed, {0, -1, shape.dim});
}

// The tables of all tokens, (T, head_dim): what lies before the patches turns by no angle.
struct RotaryNames {
  std::string cos, sin;
};

RotaryNames rotary_tables(Builder& build, const NetworkConfig& config) {
  const RotaryTable table = make_rotary_table(config);
  const std::size_t half = static_cast<std::size_t>(table.half);
  const std::size_t prefix = static_cast<std::size_t>(config.prefix_tokens()) * 2 * half;
  std::vector<float> cos(prefix, 1.0F), sin(prefix, 0.0F);
  for (std::size_t patch = 0; patch < static_cast<std::size_t>(table.patches); ++patch) {
    for (int side = 0; side < 2; ++side) {
      const auto row = static_cast<std::ptrdiff_t>(patch * half);
      cos.insert(cos.end(), table.cos.begin() + row, table.cos.begin() + row + table.half);
      sin.insert(sin.end(), table.sin.begin() + row, table.sin.begin() + row + table.half);
    }
  }
  const Integers shape = {config.trunk_tokens(), config.head_dim()};
  return {build.table("rotary.cos", shape, cos), build.table("rotary.sin", shape, sin)};
}

// x cos + [-second half, first half] sin
std::string turn(Builder& build, const NetworkConfig& config, const std::string& x, const RotaryNames& tables) {
  const std::int64_t half = config.head_dim() / 2;
  const auto halves = build.split(x, 3, {half, half});
  const std::string crossed =
      build.add("Concat", {build.add("Neg", {halves[1]}), halves[0]}, {{"axis", std::int64_t{3}}});
  return build.add("Add", {build.add("Mul", {x, tables.cos}), build.add("Mul", {crossed, tables.sin})});
}

std::string self_attention(Builder& build, const NetworkConfig& config, const std::string& x,
                           const std::string& prefix) {
  const std::int64_t dim = config.dim;
  const AttentionShape shape{config.heads, config.dim};
  const auto qkv = build.split(linear(build, x, prefix + "qkv"), 2, {dim, dim, dim});
  std::string q = by_head(build, qkv[0], shape), k = by_head(build, qkv[1], shape);
  if (config.positions == Positions::rotary) {
    const RotaryNames tables = rotary_tables(build, config);
    q = turn(build, config, q, tables);
    k = turn(build, config, k, tables);
  }
  return linear(build, attend(build, q, k, by_head(build, qkv[2], shape), shape), prefix + "proj");
}

std::string mlp(Builder& build, const NetworkConfig& config, const std::string& x, const std::string& prefix) {
  std::string hidden = linear(build, x, prefix + "fc1");
  if (config.gated_mlp) {
    const auto halves = build.split(hidden, 2, {config.mlp, config.mlp});
    hidden = build.add("Mul", {activate(build, halves[0], config.activation), halves[1]});
  } else {
    hidden = activate(build, hidden, config.activation);
  }
  return linear(build, hidden, prefix + "fc2");
}

// Three-by-three convolution, batch norm, ReLU.
std::string conv_norm(Builder& build, const std::string& x, const std::string& conv, const std::string& norm,
                      std::int64_t stride) {
  const std::string y = build.add(
      "Conv", {x, build.weight(conv + ".weight")},
      {{"kernel_shape", Integers{3, 3}}, {"strides", Integers{stride, stride}}, {"pads", Integers{1, 1, 1, 1}}});
  const std::string normalised = build.add("BatchNormalization",
                                           {y, build.weight(norm + ".weight"), build.weight(norm + ".bias"),
                                            build.weight(norm + ".running_mean"), build.weight(norm + ".running_var")},
                                           {{"epsilon", static_cast<float>(kSpmNormEps)}});
  return build.add("Relu", {normalised});
}

}  // namespace

std::string linear(Builder& build, const std::string& x, const std::string& name) {
  const std::string product = build.add("MatMul", {x, build.transpose(build.weight(name + ".weight"), {1, 0})});
  return build.add("Add", {product, build.weight(name + ".bias")});
}

std::string layer_norm(Builder& build, const std::string& x, const std::string& name, double eps) {
  return build.add("LayerNormalization", {x, build.weight(name + ".weight"), build.weight(name + ".bias")},
                   {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(eps)}});
}

std::string attention(Builder& build, const std::string& q, const std::string& k, const std::string& v,
                      AttentionShape shape) {
  return attend(build, by_head(build, q, shape), by_head(build, k, shape), by_head(build, v, shape), shape);
}

std::string trunk_block(Builder& build, const NetworkConfig& config, const std::string& x, const std::string& prefix) {
  const auto scaled = [&](const std::string& added, const char* scale) {
    return config.layer_scale ? build.add("Mul", {added, build.weight(prefix + scale)}) : added;
  };
  build.enter(prefix + "attn");
  const std::string attended =
      self_attention(build, config, layer_norm(build, x, prefix + "norm1", config.norm_eps), prefix + "attn.");
  const std::string middle = build.add("Add", {x, scaled(attended, "ls1.gamma")});
  build.enter(prefix + "mlp");
  const std::string added =
      mlp(build, config, layer_norm(build, middle, prefix + "norm2", config.norm_eps), prefix + "mlp.");
  std::string plain = build.add("Add", {middle, scaled(added, "ls2.gamma")});
  if (!config.gba) return plain;
  build.enter(prefix + "adaptor");
  const std::string narrow = build.add("Relu", {linear(build, middle, prefix + "adaptor.down_proj")});
  const std::string wide = linear(build, narrow, prefix + "adaptor.up_proj");
  return build.add("Add", {plain, build.add("Mul", {wide, build.weight(prefix + "adaptor.scale")})});
}

std::string cross_attention(Builder& build, const NetworkConfig& config, const std::string& query,
                            const std::string& source, const std::string& prefix, Gate gate) {
  build.enter(module_of(prefix));
  const std::int64_t dim = config.dim;
  const std::string own = layer_norm(build, query, prefix + "query_norm", config.norm_eps);
  const std::string other = layer_norm(build, source, prefix + "feat_norm", config.norm_eps);
  // in_proj is q, k and v one below the other; q reads another sequence than k and v do.
  const auto weights = build.split(build.weight(prefix + "self_attn.in_proj_weight"), 0, {dim, dim, dim});
  const auto biases = build.split(build.weight(prefix + "self_attn.in_proj_bias"), 0, {dim, dim, dim});
  const auto projected = [&](const std::string& x, std::size_t part) {
    const std::string product = build.add("MatMul", {x, build.transpose(weights[part], {1, 0})});
    return build.add("Add", {product, biases[part]});
  };
  const std::string mixed =
      attention(build, projected(own, 0), projected(other, 1), projected(other, 2), {config.lsa_heads, config.dim});
  std::string out = linear(build, mixed, prefix + "self_attn.out_proj");
  if (gate == Gate::gamma) out = build.add("Mul", {out, build.weight(prefix + "gamma")});
  return build.add("Add", {query, out});
}

std::string spatial_prior(Builder& build, const NetworkConfig& config, const std::string& images) {
  build.enter("spm");
  std::string map = conv_norm(build, images, "spm.stem.0", "spm.stem.1", 2);
  map = conv_norm(build, map, "spm.stem.3", "spm.stem.4", 1);
  map = conv_norm(build, map, "spm.stem.6", "spm.stem.7", 1);
  map = build.add("MaxPool", {map},
                  {{"kernel_shape", Integers{3, 3}}, {"strides", Integers{2, 2}}, {"pads", Integers{1, 1, 1, 1}}});
  const auto levels = build.split(build.weight("level_embed"), 0, {1, 1, 1});  // (1, D) each
  std::vector<std::string> tokens;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const std::string number = std::to_string(level + 2);
    map = conv_norm(build, map, fmt::format("spm.conv{}.0", number), fmt::format("spm.conv{}.1", number), 2);
    const std::string projected =
        build.add("Conv", {map, build.weight("spm.fc" + number + ".weight"), build.weight("spm.fc" + number + ".bias")},
                  {{"kernel_shape", Integers{1, 1}}});
    const std::string rows = build.transpose(build.reshape(projected, {0, config.dim, -1}), {0, 2, 1});
    tokens.push_back(build.add("Add", {rows, levels[level]}));
  }
  return build.add("Concat", tokens, {{"axis", std::int64_t{1}}});
}

std::string query_pool(Builder& build, const NetworkConfig& config, const std::string& tokens) {
  build.enter("readout_query");
  const auto kv = build.split(linear(build, tokens, "readout_query.kv"), 2, {kQueryWidth, kQueryWidth});
  const std::string queries = build.weight("readout_query.queries", {1, config.queries, kQueryWidth});
  const std::string gathered = attention(build, queries, kv[0], kv[1], {kQueryHeads, kQueryWidth});
  const std::string mean = build.add("ReduceMean", {gathered}, {{"axes", Integers{1}}, {"keepdims", std::int64_t{0}}});
  return linear(build, mean, "readout_query.out");
}

}  // namespace dfa::onnx
