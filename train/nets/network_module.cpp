#include "train/nets/network_module.hpp"

#include "train/nets/norm_linear.hpp"
#include "train/nets/recomputed_blocks.hpp"

namespace dfa::train {

namespace nn = torch::nn;

namespace {

constexpr int kLevels = 3;         // spatial maps: 1/8, 1/16, 1/32
constexpr double kHeadEps = 1e-6;  // of the head's BatchNorm1d

// Class token first (x) or first cell of the 1/8 map (c).
at::Tensor first_token(const at::Tensor& tokens) {
  return tokens.select(1, 0);
}

// What autocast left narrow: statistics and losses are not computed in bf16 or fp16.
at::Tensor widen(const at::Tensor& t) {
  return at::isReducedFloatingType(t.scalar_type()) ? t.to(torch::kFloat32) : t;
}

nn::Sequential make_head(const NetworkConfig& config) {
  const nn::Linear linear(config.dim, config.classes);
  if (config.head == HeadKind::l2_linear) return nn::Sequential(L2Norm(), linear);
  if (config.head == HeadKind::linear) return nn::Sequential(nn::Identity(), linear);
  return nn::Sequential(SharedBatchNorm1d(nn::BatchNorm1dOptions(config.dim).eps(kHeadEps).momentum(0.1).affine(false)),
                        linear);
}

}  // namespace

NetworkModuleImpl::NetworkModuleImpl(const NetworkConfig& network, const Tuning& tuning, AttentionKernel attention)
    : config(network), stages(network.stages) {
  // Without LSA the stages mean nothing to the network; they may still cut the trunk for who wants to look at it in
  // pieces.
  if (!config.lsa && (stages.empty() || stages.back().last != config.depth - 1)) stages = {{0, config.depth - 1}};
  const int d = config.dim;
  patch_embed = register_module("patch_embed", PatchEmbed(config));
  cls_token = register_parameter("cls_token", torch::zeros({1, 1, d}));
  if (config.distilled) dist_token = register_parameter("dist_token", torch::zeros({1, 1, d}));
  if (config.registers > 0) reg_token = register_parameter("reg_token", torch::zeros({1, config.registers, d}));
  if (config.positions == Positions::learned)
    pos_embed = register_parameter("pos_embed", torch::zeros({1, config.position_rows(), d}));
  if (config.pre_norm) norm_pre = register_module("norm_pre", make_norm(config));
  const RotaryPositions positions = make_rotary_positions(config);
  blocks = register_module("blocks", nn::ModuleList());
  for (int i = 0; i < config.depth; ++i) blocks->push_back(Block(config, attention, tuning, positions));
  norm = register_module("norm", make_norm(config));
  if (config.lsa) {
    level_embed = register_parameter("level_embed", torch::zeros({kLevels, d}));
    spm = register_module(
        "spm", Spm(config, attention == AttentionKernel::timm ? MapLayout::planar : MapLayout::channels_last));
    interactions = register_module("interactions", nn::ModuleList());
    for (std::size_t i = 0; i < stages.size(); ++i) interactions->push_back(Interaction(config, attention));
  }
  if (config.readout_norm == ReadoutNorm::own) readout_norm = register_module("readout_norm", make_norm(config));
  if (config.readout == Readout::query) readout_query = register_module("readout_query", QueryPool(config, attention));
  head = register_module("head", make_head(config));
}

// What carries a position: class, distillation token, patches.
at::Tensor NetworkModuleImpl::embed_positioned(const at::Tensor& images) {
  const at::Tensor patches = patch_embed->forward(images);
  const at::Tensor front = dist_token.defined() ? at::cat({cls_token, dist_token}, 1) : cls_token;
  const at::Tensor spread = front.expand({images.size(0), -1, -1});
  // Blocks add to tokens that are not narrowed: where no position widens them, they are joined wide.
  if (!pos_embed.defined()) return at::cat({spread, patches.to(front.scalar_type())}, 1);
  return at::cat({spread.to(patches.scalar_type()), patches}, 1) + pos_embed;
}

at::Tensor NetworkModuleImpl::embed(const at::Tensor& images) {
  at::Tensor x = embed_positioned(images);
  if (reg_token.defined()) {
    const std::int64_t front = config.prefix_tokens() - config.registers, rest = x.size(1) - front;
    x = at::cat({x.narrow(1, 0, front), reg_token.expand({x.size(0), -1, -1}), x.narrow(1, front, rest)}, 1);
  }
  return norm_pre ? norm_pre->forward(x) : x;
}

// What the spatial prior sees: the input, or (SpatialSource::patch) the input brought to another side.
at::Tensor NetworkModuleImpl::spatial_picture(const at::Tensor& images) const {
  const int side = config.spatial_image();
  return side == config.image ? images : at::upsample_bilinear2d(images, {side, side}, /*align_corners=*/false);
}

at::Tensor NetworkModuleImpl::spatial_tokens(const at::Tensor& input) {
  const at::Tensor images = spatial_picture(input);
  if (is_narrowed(images)) return at::cat(spm->forward(images, level_embed), 1).to(at::kFloat);
  std::vector<at::Tensor> levels = spm->forward(images, at::Tensor());
  for (std::size_t i = 0; i < levels.size(); ++i) levels[i] = levels[i] + level_embed[static_cast<std::int64_t>(i)];
  return at::cat(levels, 1);
}

at::Tensor NetworkModuleImpl::run_blocks(at::Tensor x, const StageRange& range) {
  for (int i = range.first; i <= range.last; ++i) x = blocks[static_cast<std::size_t>(i)]->as<Block>()->forward(x);
  return x;
}

at::Tensor NetworkModuleImpl::run_stage(const at::Tensor& x, const StageRange& range) {
  if (!recompute_stages || !at::GradMode::is_enabled()) return run_blocks(x, range);
  return recomputed([this, range](const at::Tensor& tokens) { return run_blocks(tokens, range); }, x);
}

// The last extractor computes only what is read: nothing for cls, one row for token0. The other rows get no gradient
// either way, unless a loss reads them.
at::Tensor NetworkModuleImpl::extract(const StageRange& stage, std::size_t index, const at::Tensor& c,
                                      const at::Tensor& x, SpatialRows wanted) {
  const bool last = stage.last == config.depth - 1 && wanted == SpatialRows::read;
  if (last && config.readout == Readout::cls) return c;
  const at::Tensor rows = last && config.readout == Readout::token0 ? c.narrow(1, 0, 1) : c;
  return interactions[index]->as<Interaction>()->extractor->forward(rows, x);
}

at::Tensor NetworkModuleImpl::read_out(const at::Tensor& x, const at::Tensor& c) {
  nn::LayerNorm& read_norm = readout_norm ? readout_norm : norm;
  if (config.readout == Readout::cls) return first_token(read_norm->forward(x.narrow(1, 0, 1)));
  if (config.readout == Readout::token0) return first_token(read_norm->forward(c.narrow(1, 0, 1)));
  if (config.readout == Readout::query) return readout_query->forward(read_norm->forward(config.lsa ? c : x));
  // level_mean: the mean over each map's tokens, then the mean of the maps, so that the fine map does not drown the
  // coarse ones.
  const at::Tensor normed = read_norm->forward(c);
  std::vector<at::Tensor> means;
  std::int64_t begin = 0;
  for (int level = 0; level < kLevels; ++level) {
    const std::int64_t count = static_cast<std::int64_t>(config.spatial_side(level)) * config.spatial_side(level);
    means.push_back(normed.narrow(1, begin, count).mean(1));
    begin += count;
  }
  return at::stack(means).mean(0);
}

NetworkOutput NetworkModuleImpl::forward(const at::Tensor& images, std::vector<at::Tensor>* stage_tokens,
                                         SpatialRows rows) {
  at::Tensor x = embed(images);
  at::Tensor c = config.lsa ? spatial_tokens(images) : at::Tensor();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const StageRange& stage = stages[i];
    if (config.lsa) x = interactions[i]->as<Interaction>()->injector->forward(x, c);
    x = run_stage(x, stage);
    if (stage_tokens != nullptr) stage_tokens->push_back(x);
    if (config.lsa) c = extract(stage, i, c, x, rows);
  }
  NetworkOutput out;
  out.feature = widen(read_out(x, c));
  out.logits = widen(head->forward(out.feature));
  if (rows == SpatialRows::all) out.spatial = widen((readout_norm ? readout_norm : norm)->forward(c));
  return out;
}

}  // namespace dfa::train
