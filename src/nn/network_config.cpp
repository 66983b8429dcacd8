#include "nn/network_config.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

namespace dfa {
namespace {

// Far beyond any network of this kind; a configuration from a file must not be able to ask for a size that overflows.
constexpr int kMaxImage = 4096;
constexpr int kMaxWidth = 16384;
constexpr int kMaxDepth = 256;
constexpr int kMaxClasses = 65536;
constexpr int kMaxRegisters = 1024;
// What SpatialSource::patch brings a patch to: the side at which the middle map, 1/16, has the trunk's grid.
constexpr int kSpatialPatch = 16;

using Problems = std::vector<std::string>;

void check_range(Problems& problems, std::string_view field, int value, int high) {
  if (value < 1 || value > high) problems.push_back(fmt::format("{} is {}, must be 1 to {}", field, value, high));
}

void check_divides(Problems& problems, std::string_view field, int divisor, int dim) {
  if (divisor > 0 && dim > 0 && dim % divisor != 0) {
    problems.push_back(fmt::format("{} is {}, which does not divide dim {}", field, divisor, dim));
  }
}

// Half of a head's width turns with the row, half with the column, two values a frequency.
void check_rotary(Problems& problems, const NetworkConfig& config) {
  if (!(config.rotary_base > 1 && config.rotary_base <= 1e9))
    problems.push_back(fmt::format("rotary_base is {}, must be above 1 and at most 1e9", config.rotary_base));
  if (config.heads > 0 && config.dim % config.heads == 0 && config.head_dim() % 4 != 0)
    problems.push_back(
        fmt::format("heads of {} values (dim {} / {}) cannot turn with positions, must be a multiple of 4",
                    config.head_dim(), config.dim, config.heads));
}

void check_trunk(Problems& problems, const NetworkConfig& config) {
  if (config.arch != "vit") problems.push_back(fmt::format("arch is \"{}\", this build knows \"vit\"", config.arch));
  check_range(problems, "image", config.image, kMaxImage);
  check_range(problems, "patch", config.patch, kMaxImage);
  if (config.image > 0 && config.patch > 0 && config.image % config.patch != 0) {
    problems.push_back(fmt::format("image {} is not a multiple of patch {}", config.image, config.patch));
  }
  check_range(problems, "dim", config.dim, kMaxWidth);
  check_range(problems, "depth", config.depth, kMaxDepth);
  check_range(problems, "mlp", config.mlp, 4 * kMaxWidth);
  check_range(problems, "heads", config.heads, kMaxWidth);
  check_divides(problems, "heads", config.heads, config.dim);
  if (!(config.norm_eps > 0 && config.norm_eps < 1)) {
    problems.push_back(fmt::format("norm_eps is {}, must be above 0 and below 1", config.norm_eps));
  }
  check_range(problems, "classes", config.classes, kMaxClasses);
  if (config.registers < 0 || config.registers > kMaxRegisters)
    problems.push_back(fmt::format("registers is {}, must be 0 to {}", config.registers, kMaxRegisters));
  if (config.positions == Positions::rotary) check_rotary(problems, config);
}

void check_stages(Problems& problems, const NetworkConfig& config) {
  int next = 0;
  for (std::size_t i = 0; i < config.stages.size(); ++i) {
    const StageRange stage = config.stages[i];
    if (stage.first != next || stage.last < stage.first) {
      problems.push_back(fmt::format("stages[{}] is [{},{}], must begin at block {} and not end before it begins", i,
                                     stage.first, stage.last, next));
      return;
    }
    if (stage.last >= config.depth) {
      problems.push_back(
          fmt::format("stages[{}] ends at block {}, the last block is {}", i, stage.last, config.depth - 1));
      return;
    }
    next = stage.last + 1;
  }
  if (next != config.depth) {
    problems.push_back(
        fmt::format("stages cover {} of {} blocks; every block belongs to one stage", next, config.depth));
  }
}

void check_adapters(Problems& problems, const NetworkConfig& config) {
  if (config.readout == Readout::query) check_range(problems, "queries", config.queries, kMaxQueries);
  if (config.gba) check_range(problems, "bottleneck", config.bottleneck, kMaxWidth);
  if (!config.lsa) {
    if (config.readout != Readout::cls && config.readout != Readout::query)
      problems.emplace_back("without lsa the only readouts are \"cls\" and \"query:K\"");
    return;
  }
  check_range(problems, "lsa_heads", config.lsa_heads, kMaxWidth);
  check_divides(problems, "lsa_heads", config.lsa_heads, config.dim);
  check_range(problems, "spm_width", config.spm_width, kMaxWidth / 4);
  check_stages(problems, config);
}

// Builds the list of network_parameters, one method a module.
class ParameterList {
 public:
  explicit ParameterList(const NetworkConfig& config) : config_(config), dim_(config.dim) {}

  std::vector<ParameterSpec> build() && {
    add_trunk_input();
    for (int i = 0; i < config_.depth; ++i) add_block(fmt::format("blocks.{}.", i));
    add_norm("norm", ParameterGroup::trunk);
    if (config_.lsa) {
      add("level_embed", {3, dim_}, ParameterGroup::level_embed);
      add_spm();
      for (std::size_t i = 0; i < config_.stages.size(); ++i) add_interaction(fmt::format("interactions.{}.", i));
    }
    add_readout();
    add_head();
    return std::move(specs_);
  }

 private:
  void add(std::string name, std::vector<std::int64_t> shape, ParameterGroup group,
           ParameterKind kind = ParameterKind::weight) {
    specs_.push_back({std::move(name), std::move(shape), group, kind});
  }

  void add_linear(const std::string& name, std::int64_t out, std::int64_t in, ParameterGroup group) {
    add(name + ".weight", {out, in}, group);
    add(name + ".bias", {out}, group);
  }

  void add_norm(const std::string& name, ParameterGroup group) {
    add(name + ".weight", {dim_}, group);
    add(name + ".bias", {dim_}, group);
  }

  void add_statistics(const std::string& name, std::int64_t channels, ParameterGroup group) {
    add(name + ".running_mean", {channels}, group, ParameterKind::statistic);
    add(name + ".running_var", {channels}, group, ParameterKind::statistic);
    add(name + ".num_batches_tracked", {}, group, ParameterKind::counter);
  }

  void add_trunk_input() {
    add("cls_token", {1, 1, dim_}, ParameterGroup::trunk);
    if (config_.distilled) add("dist_token", {1, 1, dim_}, ParameterGroup::trunk);
    if (config_.registers > 0) add("reg_token", {1, config_.registers, dim_}, ParameterGroup::trunk);
    if (config_.positions == Positions::learned)
      add("pos_embed", {1, config_.position_rows(), dim_}, ParameterGroup::trunk);
    add("patch_embed.proj.weight", {dim_, 3, config_.patch, config_.patch}, ParameterGroup::trunk);
    if (config_.patch_bias) add("patch_embed.proj.bias", {dim_}, ParameterGroup::trunk);
    if (config_.pre_norm) add_norm("norm_pre", ParameterGroup::trunk);
  }

  void add_block(const std::string& prefix) {
    add_norm(prefix + "norm1", ParameterGroup::trunk);
    add_linear(prefix + "attn.qkv", 3 * dim_, dim_, ParameterGroup::trunk);
    add_linear(prefix + "attn.proj", dim_, dim_, ParameterGroup::trunk);
    if (config_.layer_scale) add(prefix + "ls1.gamma", {dim_}, ParameterGroup::trunk);
    add_norm(prefix + "norm2", ParameterGroup::trunk);
    add_linear(prefix + "mlp.fc1", config_.mlp_inner(), dim_, ParameterGroup::trunk);
    add_linear(prefix + "mlp.fc2", dim_, config_.mlp, ParameterGroup::trunk);
    if (config_.layer_scale) add(prefix + "ls2.gamma", {dim_}, ParameterGroup::trunk);
    if (!config_.gba) return;
    add_linear(prefix + "adaptor.down_proj", config_.bottleneck, dim_, ParameterGroup::gba);
    add_linear(prefix + "adaptor.up_proj", dim_, config_.bottleneck, ParameterGroup::gba);
    add(prefix + "adaptor.scale", {1}, ParameterGroup::gba);
  }

  void add_conv_norm(const std::string& conv, const std::string& norm, std::int64_t out, std::int64_t in) {
    add(conv + ".weight", {out, in, 3, 3}, ParameterGroup::spm);
    add(norm + ".weight", {out}, ParameterGroup::spm);
    add(norm + ".bias", {out}, ParameterGroup::spm);
    add_statistics(norm, out, ParameterGroup::spm);
  }

  void add_spm() {
    const std::int64_t c = config_.spm_width;
    add_conv_norm("spm.stem.0", "spm.stem.1", c, 3);
    add_conv_norm("spm.stem.3", "spm.stem.4", c, c);
    add_conv_norm("spm.stem.6", "spm.stem.7", c, c);
    add_conv_norm("spm.conv2.0", "spm.conv2.1", 2 * c, c);
    add_conv_norm("spm.conv3.0", "spm.conv3.1", 4 * c, 2 * c);
    add_conv_norm("spm.conv4.0", "spm.conv4.1", 4 * c, 4 * c);
    add_fc("spm.fc2", 2 * c);
    add_fc("spm.fc3", 4 * c);
    add_fc("spm.fc4", 4 * c);
  }

  void add_fc(const std::string& name, std::int64_t in) {
    add(name + ".weight", {dim_, in, 1, 1}, ParameterGroup::spm);
    add(name + ".bias", {dim_}, ParameterGroup::spm);
  }

  void add_interaction(const std::string& prefix) {
    add_cross_attention(prefix + "injector.");
    add(prefix + "injector.gamma", {dim_}, ParameterGroup::interaction);
    add_cross_attention(prefix + "extractor.");
  }

  void add_cross_attention(const std::string& prefix) {
    add_norm(prefix + "query_norm", ParameterGroup::interaction);
    add_norm(prefix + "feat_norm", ParameterGroup::interaction);
    add(prefix + "self_attn.in_proj_weight", {3 * dim_, dim_}, ParameterGroup::interaction);
    add(prefix + "self_attn.in_proj_bias", {3 * dim_}, ParameterGroup::interaction);
    add_linear(prefix + "self_attn.out_proj", dim_, dim_, ParameterGroup::interaction);
  }

  void add_readout() {
    if (config_.readout_norm == ReadoutNorm::own) add_norm("readout_norm", ParameterGroup::head);
    if (config_.readout != Readout::query) return;
    add("readout_query.queries", {config_.queries, kQueryWidth}, ParameterGroup::head);
    add_linear("readout_query.kv", 2 * kQueryWidth, dim_, ParameterGroup::head);
    add_linear("readout_query.out", dim_, kQueryWidth, ParameterGroup::head);
  }

  void add_head() {
    if (config_.head == HeadKind::batchnorm_linear) add_statistics("head.0", dim_, ParameterGroup::head);
    add_linear("head.1", config_.classes, dim_, ParameterGroup::head);
  }

  const NetworkConfig& config_;
  std::int64_t dim_;
  std::vector<ParameterSpec> specs_;
};

}  // namespace

int NetworkConfig::spatial_image() const {
  return spatial_source == SpatialSource::patch ? kSpatialPatch * grid() : image;
}

int NetworkConfig::spatial_side(int level) const {
  int side = spatial_image();
  for (int step = 0; step < 3 + level; ++step) side = (side + 1) / 2;  // stem conv, max-pool, conv2, ...
  return side;
}

int NetworkConfig::spatial_tokens() const {
  int tokens = 0;
  for (int level = 0; level < 3; ++level) tokens += spatial_side(level) * spatial_side(level);
  return tokens;
}

Status check_config(const NetworkConfig& config) {
  Problems problems;
  check_trunk(problems, config);
  check_adapters(problems, config);
  if (problems.empty()) return {};
  return fail(
      ErrorCode::model_incompatible,
      "this network configuration cannot be: {}\n  likely cause: the sizes were not those of the weights, or were "
      "edited by hand\n  next step: correct the fields named above",
      fmt::join(problems, "; "));
}

std::vector<ParameterSpec> network_parameters(const NetworkConfig& config) {
  return ParameterList(config).build();
}

ParameterCounts count_parameters(const NetworkConfig& config) {
  ParameterCounts counts;
  for (const ParameterSpec& spec : network_parameters(config)) {
    if (spec.kind != ParameterKind::weight) continue;
    std::int64_t elements = 1;
    for (const std::int64_t side : spec.shape) elements *= side;
    (spec.group == ParameterGroup::trunk ? counts.trunk : counts.adapters) += elements;
  }
  return counts;
}

}  // namespace dfa
