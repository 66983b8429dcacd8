#include "nn/vit/fused_weights.hpp"

#include <cmath>

#include "nn/vit/fold.hpp"

namespace dfa {
namespace {

class Packer {
 public:
  Packer(OneDnn& library, const NetworkConfig& config, const WeightReader& read, const PackOptions& options)
      : library_(library),
        config_(config),
        read_(read),
        batch_(options.batch),
        unread_(options.unread),
        element_(options.element) {}

  Result<FusedWeights> pack() && {
    DFA_TRY(pack_embedding());
    for (int i = 0; i < config_.depth; ++i) DFA_TRY(pack_block(i));
    if (config_.lsa) {
      DFA_TRY(pack_spm());
      for (std::size_t i = 0; i < config_.stages.size(); ++i) DFA_TRY(pack_interaction(i));
    }
    const std::string norm = readout_norm_name(config_);
    if (config_.readout == Readout::query)
      DFA_TRY(pack_query_pool(norm));
    else
      weights_.norm = {read_(norm + ".weight"), read_(norm + ".bias")};
    DFA_TRY(pack_linear(read_folded_head(read_, config_), batch_, Element::f32, weights_.head));
    return std::move(weights_);
  }

 private:
  int trunk_rows() const { return batch_ * config_.trunk_tokens(); }
  int spatial_rows() const { return batch_ * config_.spatial_tokens(); }

  Status pack_linear(const LinearWeights& layer, int rows, PackedLinear& packed) {
    return pack_linear(layer, rows, element_, packed);
  }

  Status pack_linear(const LinearWeights& layer, int rows, Element element, PackedLinear& packed) {
    DFA_ASSIGN_OR_RETURN(packed, PackedLinear::pack(library_, weights_.store, layer, rows, element));
    return {};
  }

  // A layer behind a LayerNorm.
  LinearWeights read_behind_norm(const std::string& layer, int out, const std::string& norm) {
    LinearWeights weights = read_linear(read_, layer, out, config_.dim);
    fold_norm_before(weights, read_(norm + ".weight"), read_(norm + ".bias"));
    return weights;
  }

  // 1 / sqrt(head_dim) for the rows of q.
  static std::vector<double> attention_scale(int dim, int heads) {
    const int head_width = dim / heads;  // exact: heads divides dim
    return std::vector<double>(static_cast<std::size_t>(dim), 1.0 / std::sqrt(static_cast<double>(head_width)));
  }

  Status pack_embedding() {
    weights_.embed = read_prefix(read_, config_);
    const std::vector<float> positions = read_patch_positions(read_, config_);
    weights_.embed.insert(weights_.embed.end(), positions.begin(), positions.end());
    weights_.embed.resize(static_cast<std::size_t>(config_.trunk_tokens()) * static_cast<std::size_t>(config_.dim));
    if (config_.pre_norm) weights_.norm_pre = {read_("norm_pre.weight"), read_("norm_pre.bias")};
    if (config_.positions == Positions::rotary) weights_.rotary = make_rotary_table(config_);
    return pack_linear(read_patch_embed(read_, config_), trunk_rows(), weights_.patch_embed);
  }

  Status pack_block(int index) {
    const std::string prefix = "blocks." + std::to_string(index) + ".";
    const bool one_row = index == config_.depth - 1 && last_block_gives_one_row(config_, unread_);
    const int rows = one_row ? batch_ : trunk_rows();
    const int dim = config_.dim;
    FusedBlock& block = weights_.blocks.emplace_back();
    LinearWeights qkv = read_behind_norm(prefix + "attn.qkv", 3 * dim, prefix + "norm1");
    scale_outputs(qkv, 0, attention_scale(dim, config_.heads));
    if (one_row) {
      DFA_TRY(pack_linear(output_rows(qkv, 0, dim), rows, block.q));
      DFA_TRY(pack_linear(output_rows(qkv, dim, 2 * dim), trunk_rows(), block.kv));
    } else {
      DFA_TRY(pack_linear(qkv, rows, block.qkv));
    }
    LinearWeights proj = read_linear(read_, prefix + "attn.proj", dim, dim);
    LinearWeights fc2 = read_linear(read_, prefix + "mlp.fc2", dim, config_.mlp);
    if (config_.layer_scale) {
      scale_outputs(proj, read_(prefix + "ls1.gamma"));
      scale_outputs(fc2, read_(prefix + "ls2.gamma"));
    }
    DFA_TRY(pack_linear(proj, rows, block.proj));
    DFA_TRY(pack_linear(read_behind_norm(prefix + "mlp.fc1", config_.mlp_inner(), prefix + "norm2"), rows, block.fc1));
    DFA_TRY(pack_linear(fc2, rows, block.fc2));
    return config_.gba ? pack_adapter(prefix + "adaptor.", rows, block) : Status{};
  }

  Status pack_adapter(const std::string& prefix, int rows, FusedBlock& block) {
    const int dim = config_.dim;
    DFA_TRY(pack_linear(read_linear(read_, prefix + "down_proj", config_.bottleneck, dim), rows, block.down.emplace()));
    LinearWeights up = read_linear(read_, prefix + "up_proj", dim, config_.bottleneck);
    scale_outputs(up, 0, std::vector<double>(static_cast<std::size_t>(dim), read_(prefix + "scale").front()));
    return pack_linear(up, rows, block.up.emplace());
  }

  Status pack_spm() {
    FusedSpm& spm = weights_.spm.emplace();
    const int c = config_.spm_width;
    MapShape map{batch_, 3, config_.spatial_image()};
    const auto shape = [](int in, int out, int stride) { return ConvWeights{in, out, 3, stride, 1, {}, {}}; };
    DFA_TRY(pack_conv("spm.stem.0", "spm.stem.1", shape(3, c, 2), map, spm.stem));
    DFA_TRY(pack_conv("spm.stem.3", "spm.stem.4", shape(c, c, 1), map, spm.stem));
    DFA_TRY(pack_conv("spm.stem.6", "spm.stem.7", shape(c, c, 1), map, spm.stem));
    map.side = (map.side + 1) / 2;  // max-pool
    DFA_TRY(pack_conv("spm.conv2.0", "spm.conv2.1", shape(c, 2 * c, 2), map, spm.convs));
    DFA_TRY(pack_conv("spm.conv3.0", "spm.conv3.1", shape(2 * c, 4 * c, 2), map, spm.convs));
    DFA_TRY(pack_conv("spm.conv4.0", "spm.conv4.1", shape(4 * c, 4 * c, 2), map, spm.convs));
    const std::vector<float> level_embed = read_("level_embed");
    for (int level = 0; level < 3; ++level) {
      // A 1x1 convolution is a linear layer on the map's rows.
      LinearWeights fc =
          read_linear(read_, "spm.fc" + std::to_string(level + 2), config_.dim, spm.convs[level].shape().out);
      for (std::size_t i = 0; i < fc.bias.size(); ++i)
        fc.bias[i] += level_embed[static_cast<std::size_t>(level) * fc.bias.size() + i];
      const int side = config_.spatial_side(level);
      DFA_TRY(pack_linear(fc, side * side, spm.fcs.emplace_back()));
    }
    return {};
  }

  Status pack_query_pool(const std::string& norm) {
    FusedQueryPool& pool = weights_.query_pool.emplace();
    pool.queries = read_("readout_query.queries");
    const double scale = attention_scale(kQueryWidth, kQueryHeads).front();
    for (float& value : pool.queries) value = static_cast<float>(value * scale);
    const int rows = config_.lsa ? spatial_rows() : trunk_rows();
    DFA_TRY(pack_linear(read_behind_norm("readout_query.kv", 2 * kQueryWidth, norm), rows, Element::f32, pool.kv));
    return pack_linear(read_linear(read_, "readout_query.out", config_.dim, kQueryWidth), batch_, Element::f32,
                       pool.out);
  }

  // Moves `map` on to the convolution's output.
  Status pack_conv(const std::string& conv, const std::string& norm, const ConvWeights& shape, MapShape& map,
                   std::vector<PackedConv>& packed) {
    DFA_ASSIGN_OR_RETURN(PackedConv layer, PackedConv::pack(library_, weights_.store,
                                                            read_folded_conv(read_, conv, norm, shape), map, element_));
    map = layer.output(map);
    packed.push_back(std::move(layer));
    return {};
  }

  Status pack_interaction(std::size_t index) {
    const std::string prefix = "interactions." + std::to_string(index) + ".";
    const bool last = index + 1 == config_.stages.size();
    DFA_TRY(pack_cross(prefix + "injector.", trunk_rows(), spatial_rows(), weights_.injectors.emplace_back()));
    const int rows = last && last_extractor_gives_one_row(config_, unread_) ? batch_ : spatial_rows();
    return pack_cross(prefix + "extractor.", rows, trunk_rows(), weights_.extractors.emplace_back());
  }

  Status pack_cross(const std::string& prefix, int query_rows, int source_rows, FusedCross& cross) {
    const int dim = config_.dim;
    const LinearWeights in_proj{dim, 3 * dim, read_(prefix + "self_attn.in_proj_weight"),
                                read_(prefix + "self_attn.in_proj_bias")};
    LinearWeights q = output_rows(in_proj, 0, dim);
    fold_norm_before(q, read_(prefix + "query_norm.weight"), read_(prefix + "query_norm.bias"));
    scale_outputs(q, 0, attention_scale(dim, config_.lsa_heads));
    LinearWeights kv = output_rows(in_proj, dim, 2 * dim);
    fold_norm_before(kv, read_(prefix + "feat_norm.weight"), read_(prefix + "feat_norm.bias"));
    LinearWeights out = read_linear(read_, prefix + "self_attn.out_proj", dim, dim);
    if (prefix.ends_with("injector.")) {
      const std::vector<float> gamma = read_(prefix + "gamma");
      scale_outputs(out, 0, std::vector<double>(gamma.begin(), gamma.end()));
    }
    DFA_TRY(pack_linear(q, query_rows, cross.q));
    DFA_TRY(pack_linear(kv, source_rows, cross.kv));
    return pack_linear(out, query_rows, cross.out);
  }

  OneDnn& library_;
  const NetworkConfig& config_;
  const WeightReader& read_;
  int batch_;
  UnreadRows unread_;
  Element element_;
  FusedWeights weights_;
};

}  // namespace

bool last_block_gives_one_row(const NetworkConfig& config, UnreadRows unread) {
  return config.readout == Readout::cls && unread == UnreadRows::skip;
}

bool last_extractor_gives_one_row(const NetworkConfig& config, UnreadRows unread) {
  return config.readout == Readout::token0 && unread == UnreadRows::skip;
}

Result<FusedWeights> pack_weights(OneDnn& library, const NetworkConfig& config, const WeightReader& read,
                                  const PackOptions& options) {
  return Packer(library, config, read, options).pack();
}

}  // namespace dfa
