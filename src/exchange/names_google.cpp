#include "exchange/names_google.hpp"

#include <fmt/format.h>

namespace dfa {
namespace {

// Builds the map of one network.
class Names {
 public:
  explicit Names(const NetworkConfig& config)
      : dim_(config.dim), mlp_(config.mlp), heads_(config.heads), patch_(config.patch), config_(config) {}

  NameMap build() && {
    whole("cls_token", {1, 1, dim_}, "cls");
    whole("pos_embed", {1, config_.position_rows(), dim_}, "Transformer/posembed_input/pos_embedding");
    turned("patch_embed.proj.weight", {dim_, 3, patch_, patch_}, "embedding/kernel", {patch_, patch_, 3, dim_},
           {3, 2, 0, 1});
    whole("patch_embed.proj.bias", {dim_}, "embedding/bias");
    for (int i = 0; i < config_.depth; ++i)
      block(fmt::format("blocks.{}.", i), fmt::format("Transformer/encoderblock_{}/", i));
    norm("norm", "Transformer/encoder_norm");
    return std::move(map_);
  }

 private:
  using Shape = std::vector<std::int64_t>;

  void whole(std::string ours, const Shape& shape, std::string theirs) {
    map_.push_back({std::move(ours), shape, {{std::move(theirs), shape}}});
  }
  void turned(std::string ours, Shape shape, std::string theirs, Shape their_shape, std::vector<int> axes) {
    map_.push_back({std::move(ours), std::move(shape), {{std::move(theirs), std::move(their_shape), std::move(axes)}}});
  }
  void norm(const std::string& ours, const std::string& theirs) {
    whole(ours + ".weight", {dim_}, theirs + "/scale");
    whole(ours + ".bias", {dim_}, theirs + "/bias");
  }
  void dense(const std::string& ours, const std::string& theirs, std::int64_t out, std::int64_t in) {
    turned(ours + ".weight", {out, in}, theirs + "/kernel", {in, out}, {1, 0});
    whole(ours + ".bias", {out}, theirs + "/bias");
  }

  // Query, key and value are tensors of their own, by head.
  void attention(const std::string& ours, const std::string& theirs) {
    const std::int64_t width = dim_ / heads_;
    MappedTensor weight{ours + "qkv.weight", {3 * dim_, dim_}, {}}, bias{ours + "qkv.bias", {3 * dim_}, {}};
    for (const char* part : {"query", "key", "value"}) {
      weight.parts.push_back({theirs + part + "/kernel", {dim_, heads_, width}, {1, 2, 0}});
      bias.parts.push_back({theirs + part + "/bias", {heads_, width}});
    }
    map_.push_back(std::move(weight));
    map_.push_back(std::move(bias));
    turned(ours + "proj.weight", {dim_, dim_}, theirs + "out/kernel", {heads_, width, dim_}, {2, 0, 1});
    whole(ours + "proj.bias", {dim_}, theirs + "out/bias");
  }

  void block(const std::string& ours, const std::string& theirs) {
    norm(ours + "norm1", theirs + "LayerNorm_0");
    attention(ours + "attn.", theirs + "MultiHeadDotProductAttention_1/");
    norm(ours + "norm2", theirs + "LayerNorm_2");
    dense(ours + "mlp.fc1", theirs + "MlpBlock_3/Dense_0", mlp_, dim_);
    dense(ours + "mlp.fc2", theirs + "MlpBlock_3/Dense_1", dim_, mlp_);
  }

  std::int64_t dim_, mlp_, heads_, patch_;
  const NetworkConfig& config_;
  NameMap map_;
};

}  // namespace

NameMap names_google(const NetworkConfig& config) {
  return Names(config).build();
}

}  // namespace dfa
