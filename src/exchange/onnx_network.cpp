#include "exchange/onnx_network.hpp"

#include <utility>

#include "exchange/onnx_modules.hpp"
#include "nn/vit/weight_reader.hpp"

namespace dfa::onnx {
namespace {

using Integers = std::vector<std::int64_t>;

constexpr const char* kImages = "images";
const Attribute kTokenAxis{"axis", std::int64_t{1}};

class NetworkGraph {
 public:
  NetworkGraph(NetworkConfig config, const TensorMap& weights, Head head)
      : config_(std::move(config)), head_(head), build_(weights) {
    if (head_ == Head::present) return;
    config_.readout = Readout::cls;
    config_.readout_norm = ReadoutNorm::trunk;
  }

  Graph make() && {
    const std::string x = embed_patches();
    const std::string read = config_.lsa ? run_stages(x) : run_blocks(x, {0, config_.depth - 1});
    name_feature(read);
    std::vector<Value> outputs;
    if (head_ == Head::present) {
      add_head();
      outputs = {{"logits", {"N", config_.classes}}, {"probs", {"N", config_.classes}}};
    }
    outputs.push_back({"feature", {"N", config_.dim}});
    const std::vector<Value> inputs = {{kImages, {"N", 3, config_.image, config_.image}}};
    return std::move(build_).finish("dfa", inputs, std::move(outputs));
  }

 private:
  bool reads_trunk() const {
    return config_.readout == Readout::cls || (config_.readout == Readout::query && !config_.lsa);
  }

  // (N) as a list of one
  std::string batch_size() {
    return build_.add("Shape", {kImages}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  }

  // (1, prefix tokens, D) with the positions of class and distillation token in it; then the patches' (1, G*G, D)
  std::pair<std::string, std::string> prefix_and_positions() {
    const Attribute axis = kTokenAxis;
    std::string prefix = build_.weight("cls_token"), positions;
    if (config_.distilled) prefix = build_.add("Concat", {prefix, build_.weight("dist_token")}, {axis});
    if (config_.positions == Positions::learned) {
      const std::int64_t patches = config_.grid() * config_.grid();
      const auto rows = build_.split(build_.weight("pos_embed"), 1, {config_.position_rows() - patches, patches});
      prefix = build_.add("Add", {prefix, rows[0]});
      positions = rows[1];
    }
    if (config_.registers > 0) prefix = build_.add("Concat", {prefix, build_.weight("reg_token")}, {axis});
    return {prefix, positions};
  }

  // (N, T, D)
  std::string embed_patches() {
    build_.enter("patch_embed");
    std::vector<std::string> inputs = {kImages, build_.weight("patch_embed.proj.weight")};
    if (config_.patch_bias) inputs.push_back(build_.weight("patch_embed.proj.bias"));
    const Integers square = {config_.patch, config_.patch};
    const std::string map = build_.add("Conv", inputs, {{"kernel_shape", square}, {"strides", square}});
    std::string patches = build_.transpose(build_.reshape(map, {0, config_.dim, -1}), {0, 2, 1});
    const auto [prefix, positions] = prefix_and_positions();
    if (!positions.empty()) patches = build_.add("Add", {patches, positions});
    const std::string shape = build_.add(
        "Concat", {batch_size(), build_.integers({config_.prefix_tokens(), config_.dim})}, {{"axis", std::int64_t{0}}});
    std::string x = build_.add("Concat", {build_.add("Expand", {prefix, shape}), patches}, {kTokenAxis});
    if (!config_.pre_norm) return x;
    build_.enter("norm_pre");
    return layer_norm(build_, x, "norm_pre", config_.norm_eps);
  }

  std::string run_blocks(std::string x, StageRange range) {
    for (int i = range.first; i <= range.last; ++i)
      x = trunk_block(build_, config_, x, "blocks." + std::to_string(i) + ".");
    return x;
  }

  // What the spatial prior sees: the images, or the images at 16 pixels a patch.
  std::string spatial_picture() {
    const std::int64_t side = config_.spatial_image();
    if (side == config_.image) return kImages;
    build_.enter("spm.picture");
    const std::string planes = build_.add("Shape", {kImages}, {{"start", std::int64_t{0}}, {"end", std::int64_t{2}}});
    const std::string sizes =
        build_.add("Concat", {planes, build_.integers({side, side})}, {{"axis", std::int64_t{0}}});
    return build_.add("Resize", {kImages, "", "", sizes},
                      {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
  }

  // Trunk and spatial tokens in turn; gives the one that the read-out reads. What a last extractor gives is nobody's
  // when that is the trunk.
  std::string run_stages(std::string x) {
    std::string c = spatial_prior(build_, config_, spatial_picture());
    for (std::size_t stage = 0; stage < config_.stages.size(); ++stage) {
      const std::string prefix = fmt::format("interactions.{}.", stage);
      x = cross_attention(build_, config_, x, c, fmt::format("{}injector.", prefix), Gate::gamma);
      x = run_blocks(x, config_.stages[stage]);
      if (reads_trunk() && stage + 1 == config_.stages.size()) return x;
      c = cross_attention(build_, config_, c, x, fmt::format("{}extractor.", prefix), Gate::none);
    }
    return c;
  }

  std::string normalised(const std::string& x) {
    return layer_norm(build_, x, readout_norm_name(config_), config_.norm_eps);
  }

  // Token 0 of x (N, T, D) as (N, D)
  std::string first_token(const std::string& x) {
    return build_.add("Squeeze",
                      {build_.add("Slice", {x, build_.integers({0}), build_.integers({1}), build_.integers({1})}),
                       build_.integers({1})});
  }

  std::string level_mean(const std::string& c) {
    Integers sizes;
    for (int level = 0; level < 3; ++level)
      sizes.push_back(std::int64_t{config_.spatial_side(level)} * config_.spatial_side(level));
    std::vector<std::string> means;
    for (const std::string& tokens : build_.split(normalised(c), 1, sizes))
      means.push_back(build_.add("ReduceMean", {tokens}, {{"axes", Integers{1}}, {"keepdims", std::int64_t{0}}}));
    return build_.add("Mean", means);
  }

  void name_feature(const std::string& x) {
    build_.enter("readout");
    std::string feature;
    switch (config_.readout) {
      case Readout::token0:
      case Readout::cls:
        feature = normalised(first_token(x));
        break;
      case Readout::level_mean:
        feature = level_mean(x);
        break;
      case Readout::query:
        feature = query_pool(build_, config_, normalised(x));
        break;
    }
    build_.add_named("feature", "Identity", {feature});
  }

  // What the linear layer sees of the feature.
  std::string head_input() {
    const std::vector<std::int64_t> shape = {config_.dim};
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    switch (config_.head) {
      case HeadKind::linear:
        break;
      case HeadKind::l2_linear: {
        const std::string norm =
            build_.add("ReduceL2", {"feature"}, {{"axes", Integers{1}}, {"keepdims", std::int64_t{1}}});
        const std::string floor = build_.scalar(static_cast<float>(kHeadL2Eps));
        return build_.add("Div", {"feature", build_.add("Max", {norm, floor})});
      }
      case HeadKind::batchnorm_linear:
        return build_.add("BatchNormalization",
                          {"feature", build_.table("constant.head.ones", shape, std::vector<float>(dim, 1.0F)),
                           build_.table("constant.head.zeros", shape, std::vector<float>(dim, 0.0F)),
                           build_.weight("head.0.running_mean"), build_.weight("head.0.running_var")},
                          {{"epsilon", static_cast<float>(kHeadNormEps)}});
    }
    return "feature";
  }

  void add_head() {
    build_.enter("head");
    build_.add_named("logits", "Identity", {linear(build_, head_input(), "head.1")});
    build_.add_named("probs", "Softmax", {"logits"}, {{"axis", std::int64_t{-1}}});
  }

  NetworkConfig config_;
  Head head_;
  Builder build_;
};

}  // namespace

Graph network_graph(const NetworkConfig& config, const TensorMap& weights, Head head) {
  return NetworkGraph(config, weights, head).make();
}

}  // namespace dfa::onnx
