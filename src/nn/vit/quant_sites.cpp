#include <algorithm>
#include <cmath>

#include "nn/quantisation.hpp"
#include "nn/vit/site_names.hpp"

namespace dfa {
namespace {

// A site and how to read the layers behind it.
struct Reader {
  std::string name;
  LinearWeights (*fold)(const FoldedLayers& layers, int index);
  int index;
};
struct SiteEntry {
  QuantSite site;
  std::vector<Reader> readers;
};

void add_block(const NetworkConfig& config, int block, std::vector<SiteEntry>& sites) {
  const std::string step = std::to_string(block) + ".";
  const auto add = [&](std::string_view tensor, int channels, const char* layer,
                       LinearWeights (*fold)(const FoldedLayers&, int)) {
    sites.push_back({{block_site(block, tensor), channels}, {{step + layer, fold, block}}});
  };
  add("norm1", config.dim, "qkv", [](const FoldedLayers& layers, int i) { return layers.qkv(i); });
  add("attention", config.dim, "proj", [](const FoldedLayers& layers, int i) { return layers.proj(i); });
  add("norm2", config.dim, "fc1", [](const FoldedLayers& layers, int i) { return layers.fc1(i); });
  add("hidden", config.mlp, "fc2", [](const FoldedLayers& layers, int i) { return layers.fc2(i); });
  if (!config.gba) return;
  add("stream", config.dim, "down", [](const FoldedLayers& layers, int i) { return layers.down(i); });
  add("narrow", config.bottleneck, "up", [](const FoldedLayers& layers, int i) { return layers.up(i); });
}

void add_patches(const NetworkConfig& config, std::vector<SiteEntry>& sites) {
  sites.push_back({{std::string(kPatchSite), 3 * config.patch * config.patch},
                   {{"proj", [](const FoldedLayers& layers, int) { return layers.patch_embed(); }, 0}}});
}

void add_spatial_prior(const NetworkConfig& config, std::vector<SiteEntry>& sites) {
  const auto conv = [](const FoldedLayers& layers, int i) { return taps_of(layers.spm_conv(i)); };
  for (int i = 0; i < kSpmConvs; ++i)
    sites.push_back({{spm_input_site(i), spm_conv_shape(config, i).in, i == 0 ? ZeroPoint::any : ZeroPoint::zero},
                     {{spm_conv_name(i), conv, i}}});
  sites.push_back({{spm_map_site(kSpmConvs - 1), spm_conv_shape(config, kSpmConvs - 1).out, ZeroPoint::zero}, {}});
  for (int level = 0; level < kSpmLevels; ++level) {
    SiteEntry& map = sites[sites.size() - static_cast<std::size_t>(kSpmLevels - level)];
    map.readers.push_back(
        {spm_level_name(level), [](const FoldedLayers& layers, int i) { return layers.level(i); }, level});
  }
}

// Which product of a cross-attention.
enum class CrossLayer { q, kv, out };

template <Cross cross, CrossLayer layer>
LinearWeights fold_cross(const FoldedLayers& layers, int stage) {
  if constexpr (layer == CrossLayer::q) return layers.cross_q(cross, stage);
  if constexpr (layer == CrossLayer::kv) return layers.cross_kv(cross, stage);
  return layers.cross_out(cross, stage);
}

template <Cross cross>
Reader cross_reader(CrossLayer layer, int stage) {
  const std::string name = cross_name(cross, stage);
  switch (layer) {
    case CrossLayer::q:
      return {name + ".q", fold_cross<cross, CrossLayer::q>, stage};
    case CrossLayer::kv:
      return {name + ".kv", fold_cross<cross, CrossLayer::kv>, stage};
    case CrossLayer::out:
      break;
  }
  return {name + ".out", fold_cross<cross, CrossLayer::out>, stage};
}

// In the order of the forward pass. The last extractor is not run where the class token alone is read.
std::vector<SiteEntry> site_entries(const NetworkConfig& config) {
  std::vector<SiteEntry> sites;
  add_patches(config, sites);
  if (!config.lsa) {
    for (int block = 0; block < config.depth; ++block) add_block(config, block, sites);
    return sites;
  }
  add_spatial_prior(config, sites);
  const int stages = static_cast<int>(config.stages.size());
  const auto extracts = [&](int stage) { return stage + 1 < stages || config.readout != Readout::cls; };
  for (int stage = 0; stage < stages; ++stage) {
    SiteEntry trunk{{trunk_site(stage), config.dim}, {cross_reader<Cross::injector>(CrossLayer::q, stage)}};
    if (stage > 0) trunk.readers.push_back(cross_reader<Cross::extractor>(CrossLayer::kv, stage - 1));
    SiteEntry spatial{{spatial_site(stage), config.dim}, {cross_reader<Cross::injector>(CrossLayer::kv, stage)}};
    if (extracts(stage)) spatial.readers.push_back(cross_reader<Cross::extractor>(CrossLayer::q, stage));
    sites.push_back(std::move(trunk));
    sites.push_back(std::move(spatial));
    sites.push_back({{cross_out_site(Cross::injector, stage), config.dim},
                     {cross_reader<Cross::injector>(CrossLayer::out, stage)}});
    const StageRange range = config.stages[static_cast<std::size_t>(stage)];
    for (int block = range.first; block <= range.last; ++block) add_block(config, block, sites);
    if (!extracts(stage)) continue;
    if (stage + 1 == stages)
      sites.push_back({{trunk_site(stages), config.dim}, {cross_reader<Cross::extractor>(CrossLayer::kv, stage)}});
    sites.push_back({{cross_out_site(Cross::extractor, stage), config.dim},
                     {cross_reader<Cross::extractor>(CrossLayer::out, stage)}});
  }
  return sites;
}

}  // namespace

std::vector<QuantSite> quant_sites(const NetworkConfig& config) {
  std::vector<QuantSite> sites;
  for (SiteEntry& entry : site_entries(config)) sites.push_back(std::move(entry.site));
  return sites;
}

Status check_quantisation(const NetworkConfig& config, const Quantisation& quantisation) {
  const std::vector<QuantSite> sites = quant_sites(config);
  for (const auto& [name, codes] : quantisation) {
    const auto site = std::ranges::find(sites, name, &QuantSite::name);
    if (site == sites.end())
      return fail(ErrorCode::model_tensors, "the scales name `{}`, which is no tensor of this network", name);
    if (codes.multipliers.size() != static_cast<std::size_t>(site->channels))
      return fail(ErrorCode::model_tensors, "the scales of `{}` are {}, expected one for each of {} channels", name,
                  codes.multipliers.size(), site->channels);
    const auto usable = [](float value) { return std::isfinite(value) && value > 0; };
    if (!std::ranges::all_of(codes.multipliers, usable))
      return fail(ErrorCode::model_tensors, "a scale of `{}` is not a positive, finite number", name);
    if (codes.zero_point < 0 || codes.zero_point > 255)
      return fail(ErrorCode::model_tensors, "the zero point of `{}` is {}, must be 0 to 255", name, codes.zero_point);
    if (site->zero_point == ZeroPoint::zero && codes.zero_point != 0)
      return fail(ErrorCode::model_tensors, "the zero point of `{}` is {}, must be 0: it is padded with zeros", name,
                  codes.zero_point);
  }
  return {};
}

std::vector<FoldedLayer> readers_of_site(const NetworkConfig& config, const TensorMap& weights, std::string_view site) {
  const WeightReader read(weights);
  const FoldedLayers layers(config, read);
  std::vector<FoldedLayer> folded;
  for (const SiteEntry& entry : site_entries(config)) {
    if (entry.site.name != site) continue;
    for (const Reader& reader : entry.readers) folded.push_back({reader.name, reader.fold(layers, reader.index)});
  }
  return folded;
}

}  // namespace dfa
