#include "nn/vit/ref_network.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/machine.hpp"
#include "nn/forward_check.hpp"
#include "nn/ops/resize.hpp"
#include "nn/ops/rotary.hpp"
#include "nn/vit/ref_modules.hpp"

namespace dfa {
namespace {

using ref::Tokens;

// Views, which keep their bytes alive.
TensorMap trunk_blocks(const TensorMap& weights) {
  TensorMap blocks;
  for (const auto& entry : weights)
    if (entry.first.starts_with("blocks.")) blocks.insert(entry);
  return blocks;
}

class RefNetwork final : public Network {
 public:
  RefNetwork(const NetworkConfig& config, const TensorMap& weights, const WeightReader& read, int threads,
             BlockObserver* observer)
      : config_(config),
        weights_(trunk_blocks(weights)),
        threads_(threads),
        observer_(observer),
        prefix_(read_prefix(read, config)),
        patch_positions_(read_patch_positions(read, config)),
        patch_embed_(ref::make_conv({3, config.dim, config.patch, config.patch, 0, {}, {}},
                                    read("patch_embed.proj.weight"),
                                    config.patch_bias ? read("patch_embed.proj.bias") : std::vector<float>())),
        norm_(ref::read_norm(read, readout_norm_name(config), config.norm_eps)),
        head_(ref::make_linear(config.classes, config.dim, read("head.1.weight"), read("head.1.bias"))) {
    if (config.head == HeadKind::batchnorm_linear)
      head_norm_ = {read("head.0.running_mean"), read("head.0.running_var"), {}, {}, kHeadNormEps};
    if (config.pre_norm) norm_pre_ = ref::read_norm(read, "norm_pre", config.norm_eps);
    if (config.positions == Positions::rotary) rotary_ = make_rotary_table(config);
    if (config.readout == Readout::query) query_pool_.emplace(config, read);
    if (!config.lsa) return;
    spm_.emplace(config, read);
    for (std::size_t i = 0; i < config.stages.size(); ++i) {
      const std::string prefix = "interactions." + std::to_string(i) + ".";
      injectors_.emplace_back(config, read, prefix + "injector.", true);
      extractors_.emplace_back(config, read, prefix + "extractor.", false);
    }
  }

  const NetworkConfig& config() const override { return config_; }

  Result<std::unique_ptr<Network>> make_instance() const override { return std::make_unique<RefNetwork>(*this); }

  Status forward(std::span<const float> images, int n, ForwardOutput output) override {
    DFA_TRY(check_forward(config_, images, n, output));
    const std::size_t image_size = images.size() / static_cast<std::size_t>(n);
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    const std::size_t classes = static_cast<std::size_t>(config_.classes);
    for (int i = 0; i < n; ++i) {
      const std::size_t index = static_cast<std::size_t>(i);
      Tokens feature = image_feature(images.subspan(index * image_size, image_size), i);
      if (!output.feature.empty()) std::ranges::copy(feature, output.feature.subspan(index * dim).begin());
      if (output.logits.empty()) continue;
      if (config_.head == HeadKind::batchnorm_linear)
        ref::batch_norm(feature, head_norm_);
      else if (config_.head == HeadKind::l2_linear)
        ref::l2_normalise(feature);
      std::ranges::copy(ref::linear(feature, 1, head_, threads_), output.logits.subspan(index * classes).begin());
    }
    return {};
  }

 private:
  // (D), what the head reads
  Tokens image_feature(std::span<const float> pixels, int image) const {
    const ref::Map map{3, config_.image, std::vector<float>(pixels.begin(), pixels.end())};
    Tokens x = embed_patches(map);
    observe(image, -1, x);
    if (!config_.lsa) {
      run_blocks(x, {0, config_.depth - 1}, image);
      return read_out(x, {});
    }
    Tokens c = spm_->forward(spatial_picture(map), threads_);
    for (std::size_t stage = 0; stage < config_.stages.size(); ++stage) {
      injectors_[stage].forward(x, c, threads_);
      run_blocks(x, config_.stages[stage], image);
      extractors_[stage].forward(c, x, threads_);
    }
    return read_out(x, c);
  }

  ref::Map spatial_picture(const ref::Map& image) const {
    const int side = config_.spatial_image();
    if (side == image.side) return image;
    ref::Map picture{3, side, std::vector<float>(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side))};
    resize_bilinear(image.values.data(), 3, image.side, side, picture.values.data(), threads_);
    return picture;
  }

  // (T, D): class, distillation and register tokens, then the patches, plus position
  Tokens embed_patches(const ref::Map& image) const {
    const ref::Map patches = ref::conv2d(image, patch_embed_, threads_);  // (D, grid, grid)
    const std::size_t area = static_cast<std::size_t>(patches.side) * patches.side;
    Tokens x = prefix_;
    for (std::size_t position = 0; position < area; ++position) {
      for (int i = 0; i < config_.dim; ++i) x.push_back(patches.values[static_cast<std::size_t>(i) * area + position]);
    }
    for (std::size_t i = 0; i < patch_positions_.size(); ++i) x[prefix_.size() + i] += patch_positions_[i];
    return norm_pre_ ? ref::layer_norm(x, *norm_pre_) : x;
  }

  void run_blocks(Tokens& x, StageRange range, int image) const {
    for (int i = range.first; i <= range.last; ++i) {
      const ref::Block block(config_, WeightReader(weights_), "blocks." + std::to_string(i) + ".");
      block.forward(x, rotary_, threads_);
      observe(image, i, x);
    }
  }

  void observe(int image, int block, const Tokens& x) const {
    if (observer_ != nullptr) observer_->after_block(image, block, x);
  }

  Tokens read_out(const Tokens& x, const Tokens& c) const {
    switch (config_.readout) {
      case Readout::token0:
        return ref::layer_norm(std::span(c).first(norm_.weight.size()), norm_);
      case Readout::cls:
        return ref::layer_norm(std::span(x).first(norm_.weight.size()), norm_);
      case Readout::level_mean:
        return level_mean(ref::layer_norm(c, norm_));
      case Readout::query:
        break;
    }
    return query_pool_->forward(ref::layer_norm(config_.lsa ? c : x, norm_), threads_);
  }

  // Mean over the tokens of each level, then over the three levels. c: (C, D), normalised
  Tokens level_mean(const Tokens& c) const {
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    std::vector<double> mean(dim);
    std::size_t token = 0;
    for (int level = 0; level < 3; ++level) {
      const int side = config_.spatial_side(level);
      for (int i = 0; i < side * side; ++i, ++token) {
        for (std::size_t j = 0; j < dim; ++j) mean[j] += c[token * dim + j] / (3.0 * side * side);
      }
    }
    return Tokens(mean.begin(), mean.end());
  }

  NetworkConfig config_;
  // Blocks are made of them when they are reached and forgotten again: the weights are never in memory twice, and
  // making a block is little beside running it for some hundred tokens.
  TensorMap weights_;
  int threads_;
  BlockObserver* observer_;
  std::vector<float> prefix_, patch_positions_;
  std::optional<ref::Norm> norm_pre_;
  std::optional<RotaryTable> rotary_;
  ref::Conv patch_embed_;
  std::optional<ref::SpatialPrior> spm_;
  std::vector<ref::CrossAttention> injectors_, extractors_;
  ref::Norm norm_;  // of the read-out: the trunk's or its own
  std::optional<ref::QueryPool> query_pool_;
  ref::BatchNorm head_norm_;  // empty with an L2 head
  ref::Linear head_;
};

}  // namespace

std::unique_ptr<Network> make_ref_network(const NetworkConfig& config, const TensorMap& weights,
                                          const NetworkOptions& options) {
  const int threads = options.threads > 0 ? options.threads : usable_processors();
  return std::make_unique<RefNetwork>(config, weights, WeightReader(weights), threads, options.observer);
}

}  // namespace dfa
