#include "nn/vit/fused_weights.hpp"

#include "nn/isa.hpp"
#include "nn/layers/input_steps.hpp"
#include "nn/vit/fold.hpp"
#include "nn/vit/folded_layers.hpp"
#include "nn/vit/site_names.hpp"

namespace dfa {
namespace {

class Packer {
 public:
  Packer(OneDnn& library, const NetworkConfig& config, const WeightReader& read, const PackOptions& options)
      : library_(library), config_(config), read_(read), layers_(config, read), options_(options) {
    if (options.quantisation != nullptr) weights_.quantisation = *options.quantisation;
    if (!has_vnni()) std::erase_if(weights_.quantisation, [](const auto& site) { return of_spm(site.first); });
  }

  Result<FusedWeights> pack() && {
    DFA_TRY(pack_embedding());
    for (int i = 0; i < config_.depth; ++i) DFA_TRY(pack_block(i));
    if (config_.lsa) {
      DFA_TRY(pack_spm());
      for (int stage = 0; stage < stages(); ++stage) DFA_TRY(pack_interaction(stage));
    }
    if (config_.readout == Readout::query) {
      DFA_TRY(pack_query_pool());
    } else {
      const std::string norm = readout_norm_name(config_);
      weights_.norm = {read_(norm + ".weight"), read_(norm + ".bias")};
    }
    DFA_TRY(pack_f32(read_folded_head(read_, config_), options_.batch, weights_.head));
    return std::move(weights_);
  }

 private:
  int stages() const { return static_cast<int>(config_.stages.size()); }
  int trunk_rows() const { return options_.batch * config_.trunk_tokens(); }
  int spatial_rows() const { return options_.batch * config_.spatial_tokens(); }

  Status pack_as(const LinearWeights& layer, int rows, const LayerInput& input, PackedLinear& packed) {
    DFA_ASSIGN_OR_RETURN(packed, PackedLinear::pack(library_, weights_.store, layer, rows, input));
    return {};
  }

  Status pack_f32(const LinearWeights& layer, int rows, PackedLinear& packed) {
    return pack_as(layer, rows, {}, packed);
  }

  // What the readers of `site` read.
  LayerInput input_from(const std::string& site) const {
    const auto codes = weights_.quantisation.find(site);
    if (codes == weights_.quantisation.end()) return {.element = options_.element, .site = site};
    return {.element = Element::u8, .codes = &codes->second, .site = site};
  }

  // A layer that reads `site`.
  Status pack_linear(const LinearWeights& layer, int rows, const std::string& site, PackedLinear& packed) {
    return pack_as(layer, rows, input_from(site), packed);
  }

  Status pack_embedding() {
    weights_.embed = read_prefix(read_, config_);
    const std::vector<float> positions = read_patch_positions(read_, config_);
    weights_.embed.insert(weights_.embed.end(), positions.begin(), positions.end());
    weights_.embed.resize(static_cast<std::size_t>(config_.trunk_tokens()) * static_cast<std::size_t>(config_.dim));
    if (config_.pre_norm) weights_.norm_pre = {read_("norm_pre.weight"), read_("norm_pre.bias")};
    if (config_.positions == Positions::rotary) weights_.rotary = make_rotary_table(config_);
    return pack_linear(layers_.patch_embed(), trunk_rows(), std::string(kPatchSite), weights_.patch_embed);
  }

  Status pack_block(int index) {
    const bool one_row = index == config_.depth - 1 && last_block_gives_one_row(config_, options_.unread);
    const int rows = one_row ? options_.batch : trunk_rows();
    const auto site = [&](std::string_view tensor) { return block_site(index, tensor); };
    FusedBlock& block = weights_.blocks.emplace_back();
    const LinearWeights qkv = layers_.qkv(index);
    if (one_row) {
      const int dim = config_.dim;
      DFA_TRY(pack_linear(output_rows(qkv, 0, dim), rows, site("norm1"), block.q));
      DFA_TRY(pack_linear(output_rows(qkv, dim, 2 * dim), trunk_rows(), site("norm1"), block.kv));
    } else {
      DFA_TRY(pack_linear(qkv, rows, site("norm1"), block.qkv));
    }
    DFA_TRY(pack_linear(layers_.proj(index), rows, site("attention"), block.proj));
    DFA_TRY(pack_linear(layers_.fc1(index), rows, site("norm2"), block.fc1));
    DFA_TRY(pack_linear(layers_.fc2(index), rows, site("hidden"), block.fc2));
    if (!config_.gba) return {};
    DFA_TRY(pack_linear(layers_.down(index), rows, site("stream"), block.down.emplace()));
    return pack_linear(layers_.up(index), rows, site("narrow"), block.up.emplace());
  }

  Status pack_spm() {
    FusedSpm& spm = weights_.spm.emplace();
    MapShape map{1, 3, config_.spatial_image()};  // the stem takes one image at a time
    for (int i = 0; i < kSpmConvs; ++i) {
      ConvWeights conv = layers_.spm_conv(i);
      const LayerInput input = input_from(spm_input_site(i));
      if (i == 0 && input.element == Element::u8) {  // the image comes with its padding
        conv.padding = 0;
        map.side += 2 * kImageBorder;
      }
      if (i == kSpmStemConvs) {
        map = pooled(map);
        map.images = options_.batch;
      }
      DFA_TRY(pack_conv(conv, input, map, i < kSpmStemConvs ? spm.stem : spm.convs));
    }
    for (int level = 0; level < kSpmLevels; ++level) {
      const int side = config_.spatial_side(level);
      DFA_TRY(
          pack_linear(layers_.level(level), side * side, spm_map_site(kSpmStemConvs + level), spm.fcs.emplace_back()));
    }
    return {};
  }

  Status pack_query_pool() {
    FusedQueryPool& pool = weights_.query_pool.emplace();
    pool.queries = read_("readout_query.queries");
    const double scale = attention_scale(kQueryWidth, kQueryHeads).front();
    for (float& value : pool.queries) value = static_cast<float>(value * scale);
    DFA_TRY(pack_f32(layers_.query_kv(), config_.lsa ? spatial_rows() : trunk_rows(), pool.kv));
    return pack_f32(layers_.query_out(), options_.batch, pool.out);
  }

  // Moves `map` on to the convolution's output.
  Status pack_conv(const ConvWeights& folded, const LayerInput& input, MapShape& map, std::vector<PackedConv>& packed) {
    DFA_ASSIGN_OR_RETURN(PackedConv layer, PackedConv::pack(library_, weights_.store, folded, map, input));
    map = layer.output(map);
    packed.push_back(std::move(layer));
    return {};
  }

  Status pack_interaction(int stage) {
    const bool one_row = stage + 1 == stages() && last_extractor_gives_one_row(config_, options_.unread);
    DFA_TRY(pack_cross(Cross::injector, stage, trunk_rows(), spatial_rows(), weights_.injectors.emplace_back()));
    return pack_cross(Cross::extractor, stage, one_row ? options_.batch : spatial_rows(), trunk_rows(),
                      weights_.extractors.emplace_back());
  }

  Status pack_cross(Cross cross, int stage, int query_rows, int source_rows, FusedCross& packed) {
    DFA_TRY(pack_linear(layers_.cross_q(cross, stage), query_rows, cross_query_site(cross, stage), packed.q));
    DFA_TRY(pack_linear(layers_.cross_kv(cross, stage), source_rows, cross_source_site(cross, stage), packed.kv));
    return pack_linear(layers_.cross_out(cross, stage), query_rows, cross_out_site(cross, stage), packed.out);
  }

  OneDnn& library_;
  const NetworkConfig& config_;
  const WeightReader& read_;
  FoldedLayers layers_;
  PackOptions options_;
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
