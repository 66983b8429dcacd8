#include "nn/vit/fused_plan.hpp"

#include <algorithm>
#include <string>

#include "nn/layers/input_steps.hpp"
#include "nn/layers/readout_steps.hpp"
#include "nn/vit/folded_layers.hpp"
#include "nn/vit/plan_readout.hpp"
#include "nn/vit/plan_writer.hpp"

namespace dfa {
namespace {

// Images whose keys and values lie in the workspace at once while trunk and maps interact.
constexpr int kCrossImages = 4;

// Axes: N images, T tokens of the trunk, C tokens of the spatial maps, D width.
class PlanBuilder {
 public:
  PlanBuilder(OneDnn& library, const NetworkConfig& config, const FusedWeights& weights,
              const FusedPlanOptions& options)
      : library_(library), config_(config), weights_(weights), options_(options), to_(library, config, options) {}

  Result<Plan> build() && {
    x_ = {{}, config_.trunk_tokens(), {}};
    c_ = {{}, config_.spatial_tokens(), {}};
    DFA_TRY(embed_patches());
    if (config_.lsa) {
      DFA_TRY(spatial_prior());
      for (std::size_t stage = 0; stage < config_.stages.size(); ++stage) DFA_TRY(run_stage(stage));
    } else {
      DFA_TRY(run_blocks({0, config_.depth - 1}));
    }
    const bool reads_trunk = config_.readout == Readout::cls || !config_.lsa;
    DFA_TRY(write_readout(to_, config_, weights_, reads_trunk ? x_ : c_));
    return std::move(to_.plan());
  }

 private:
  Status embed_patches() {
    const int patches = x_.tokens - config_.prefix_tokens();
    const Slice rows = to_.add_input(options_.images * patches, weights_.patch_embed);
    const Slice embedded = to_.add_wide_rows(patches, config_.dim);
    x_.values = to_.add_wide_rows(x_.tokens, config_.dim);
    to_.add_step(Part::patch_embed, "patches",
                 make_patches_step(options_.images, config_.image, config_.patch, rows, options_.threads));
    DFA_TRY(to_.add_linear(Part::patch_embed, "proj", weights_.patch_embed, options_.images * patches, rows, embedded,
                           After::nothing));
    to_.add_step(Part::patch_embed, "assemble",
                 make_assemble_step(options_.images, config_.prefix_tokens(), x_.tokens, config_.dim, weights_.embed,
                                    embedded, x_.values, options_.threads));
    if (config_.pre_norm)
      to_.add_layer_norm(Part::patch_embed, "norm_pre", options_.images * x_.tokens, weights_.norm_pre, x_.values,
                         x_.values);
    observe(-1);
    return {};
  }

  void observe(int block) {
    if (options_.observer == nullptr) return;
    to_.add_step(Part::blocks, "observe",
                 make_observe_step(*options_.observer, block, options_.images, x_.tokens, config_.dim, x_.values));
  }

  Status spatial_prior() {
    const FusedSpm& spm = *weights_.spm;
    MapShape shape = pooled_shape();
    shape.images = options_.images;
    Slice map = to_.add_map(shape, spm.convs.front().input());
    for (int image = 0; image < options_.images; ++image) DFA_TRY(stem(image, map));
    c_.values = to_.add_wide_rows(c_.tokens, config_.dim);
    std::size_t token = 0;
    for (std::size_t level = 0; level < spm.convs.size(); ++level) {
      DFA_TRY(add_conv(kSpmStemConvs + static_cast<int>(level), spm.fcs[level].input(), shape, map));
      DFA_TRY(add_level(level, shape, map, token));
      token += static_cast<std::size_t>(shape.side) * static_cast<std::size_t>(shape.side);
    }
    return {};
  }

  // What the first convolution reads: an image in codes has its padding with it.
  MapShape image_shape() const {
    const bool codes = weights_.spm->stem.front().input().element == Element::u8;
    return {1, 3, config_.spatial_image() + (codes ? 2 * kImageBorder : 0)};
  }

  // What the stem makes of an image.
  MapShape pooled_shape() const {
    MapShape shape = image_shape();
    for (const PackedConv& conv : weights_.spm->stem) shape = conv.output(shape);
    return pooled(shape);
  }

  // One image after the other: its maps, the largest of the network, then stay in the cores' caches. In bf16 that
  // halves the time.
  Status stem(int image, Slice pooled_maps) {
    const FusedSpm& spm = *weights_.spm;
    MapShape shape = image_shape();
    Slice map = to_.add_map(shape, spm.stem.front().input());
    to_.add_step(
        Part::spm, "image",
        make_channels_last_step(to_.plan(), image, config_.image, config_.spatial_image(), map, options_.threads));
    for (std::size_t i = 0; i < spm.stem.size(); ++i) {
      const bool last = i + 1 == spm.stem.size();
      DFA_TRY(add_conv(static_cast<int>(i), (last ? spm.convs.front() : spm.stem[i + 1]).input(), shape, map));
    }
    const Slice dst = pooled_maps.at(static_cast<std::size_t>(image) * pooled(shape).values());
    DFA_ASSIGN_OR_RETURN(auto step, make_max_pool_step(library_, to_.plan(), shape, map, dst));
    to_.add_step(Part::spm, "max_pool", std::move(step));
    return {};
  }

  // Convolution `index`, to what `reader` reads. Moves shape and map on to the convolution's output.
  Status add_conv(int index, const LayerInput& reader, MapShape& shape, Slice& map) {
    const FusedSpm& spm = *weights_.spm;
    const std::size_t at = static_cast<std::size_t>(index);
    const PackedConv& layer = index < kSpmStemConvs ? spm.stem[at] : spm.convs[at - kSpmStemConvs];
    const std::string name = spm_conv_name(index);
    to_.observe_site(Part::spm, name, layer.input(), shape.rows(), shape.channels, map);
    const MapShape out = layer.output(shape);
    const Slice dst = to_.add_map(out, reader);
    DFA_TRY(to_.add_conv(Part::spm, name, layer, shape, map, dst));
    shape = out;
    map = dst;
    return {};
  }

  // Tokens [token, token + side^2) of every image. One product an image: each writes its own contiguous rows of c.
  Status add_level(std::size_t level, MapShape shape, Slice map, std::size_t token) {
    const int rows = shape.side * shape.side;
    const PackedLinear& fc = weights_.spm->fcs[level];
    const std::string name = spm_level_name(static_cast<int>(level));
    to_.observe_site(Part::spm, "maps", fc.input(), shape.rows(), shape.channels, map);  // of all images at once
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    for (int image = 0; image < options_.images; ++image) {
      const std::size_t index = static_cast<std::size_t>(image);
      const Slice src = map.at(index * static_cast<std::size_t>(rows) * static_cast<std::size_t>(shape.channels));
      const Slice dst = c_.values.at((index * static_cast<std::size_t>(c_.tokens) + token) * dim);
      DFA_TRY(to_.add_linear(Part::spm, name, fc, rows, src, dst, After::nothing));
    }
    return {};
  }

  Status run_stage(std::size_t stage) {
    const bool last = stage + 1 == config_.stages.size();
    const std::string name = std::to_string(stage);
    DFA_TRY(cross(Part::injector, "injector." + name, weights_.injectors[stage], x_, c_));
    DFA_TRY(run_blocks(config_.stages[stage]));
    // The class token does not depend on the last extractor.
    if (last && config_.readout == Readout::cls && options_.unread == UnreadRows::skip) return {};
    if (last && last_extractor_gives_one_row(config_, options_.unread))
      c_ = to_.first_rows(Part::extractor, "token0", c_);
    return cross(Part::extractor, "extractor." + name, weights_.extractors[stage], c_, x_);
  }

  // query += out_proj(attention(q of query, k and v of source)), some images at a time: keys and values of all maps
  // would be the largest thing in the workspace.
  Status cross(Part part, const std::string& name, const FusedCross& cross, Stream& query, Stream& source) {
    const CrossInputs inputs{to_.normalised(part, name + ".query_norm", query, cross.q),
                             to_.normalised(part, name + ".feat_norm", source, cross.kv)};
    for (int first = 0; first < options_.images; first += kCrossImages)
      DFA_TRY(cross_images(part, name, cross, query, source, inputs,
                           {first, std::min(kCrossImages, options_.images - first)}));
    query.normalised.reset();
    return {};
  }

  struct CrossInputs {
    Slice query, source;
  };
  struct ImageRange {
    int first, count;
  };

  Status cross_images(Part part, const std::string& name, const FusedCross& cross, const Stream& query,
                      const Stream& source, CrossInputs inputs, ImageRange images) {
    const int dim = config_.dim;
    const int query_rows = images.count * query.tokens, source_rows = images.count * source.tokens;
    const auto from_first = [&](Slice rows, int tokens) {
      return rows.at(static_cast<std::size_t>(images.first) * static_cast<std::size_t>(tokens) *
                     static_cast<std::size_t>(dim));
    };
    const Slice q = to_.add_attended_rows(query_rows, dim, {&cross.q, &cross.kv}, cross.out);
    const Slice kv = to_.add_attended_rows(source_rows, 2 * dim, {&cross.q, &cross.kv}, cross.out);
    DFA_TRY(to_.add_linear(part, name + ".q", cross.q, query_rows, from_first(inputs.query, query.tokens), q,
                           After::nothing));
    DFA_TRY(to_.add_linear(part, name + ".kv", cross.kv, source_rows, from_first(inputs.source, source.tokens), kv,
                           After::nothing));
    const Slice mixed = to_.add_attention(part, name + ".attention", images.count, config_.lsa_heads,
                                          {q, query.tokens, dim}, {kv, source.tokens, 2 * dim},
                                          {kv.at(static_cast<std::size_t>(dim)), source.tokens, 2 * dim}, cross.out);
    return to_.add_linear(part, name + ".out", cross.out, query_rows, mixed, from_first(query.values, query.tokens),
                          After::add_to_destination);
  }

  Status run_blocks(StageRange range) {
    for (int i = range.first; i <= range.last; ++i) {
      const std::string name = std::to_string(i);
      const FusedBlock& block = weights_.blocks[static_cast<std::size_t>(i)];
      const bool one_row = i == config_.depth - 1 && last_block_gives_one_row(config_, options_.unread);
      DFA_TRY(one_row ? attend_from_class_token(block, name) : attend(block, name));
      DFA_TRY(feed_forward(block, name));
      observe(i);
    }
    return {};
  }

  // q or k of a projection whose rows are `row` floats long.
  void turn(const std::string& name, Slice values, int row) {
    if (!weights_.rotary) return;
    to_.add_step(Part::blocks, name,
                 make_turn_step(*weights_.rotary,
                                {.values = values,
                                 .images = options_.images,
                                 .prefix = config_.prefix_tokens(),
                                 .tokens = x_.tokens,
                                 .row = row,
                                 .heads = config_.heads},
                                options_.threads));
  }

  Status attend(const FusedBlock& block, const std::string& name) {
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    const int rows = options_.images * x_.tokens;
    const int width = 3 * config_.dim;
    const Slice norm = to_.normalised(Part::blocks, name + ".norm1", x_, block.qkv);
    const Slice qkv = to_.add_attended_rows(rows, width, {&block.qkv}, block.proj);
    DFA_TRY(to_.add_linear(Part::blocks, name + ".qkv", block.qkv, rows, norm, qkv, After::nothing));
    turn(name + ".turn_q", qkv, width);
    turn(name + ".turn_k", qkv.at(dim), width);
    const Slice mixed =
        to_.add_attention(Part::blocks, name + ".attention", options_.images, config_.heads, {qkv, x_.tokens, width},
                          {qkv.at(dim), x_.tokens, width}, {qkv.at(2 * dim), x_.tokens, width}, block.proj);
    x_.normalised.reset();
    return to_.add_linear(Part::blocks, name + ".proj", block.proj, rows, mixed, x_.values, After::add_to_destination);
  }

  // Only the class token is read after this block: keys and values of all tokens, queries and everything later of one.
  Status attend_from_class_token(const FusedBlock& block, const std::string& name) {
    const int dim = config_.dim;
    const Slice norm = to_.normalised(Part::blocks, name + ".norm1", x_, block.kv);
    const Slice kv = to_.add_attended_rows(options_.images * x_.tokens, 2 * dim, {&block.q, &block.kv}, block.proj);
    DFA_TRY(
        to_.add_linear(Part::blocks, name + ".kv", block.kv, options_.images * x_.tokens, norm, kv, After::nothing));
    turn(name + ".turn_k", kv, 2 * dim);
    Stream first = to_.first_rows(Part::blocks, name + ".class_token", x_);
    const Slice first_norm = to_.normalised(Part::blocks, name + ".norm1_class_token", first, block.q);
    const Slice q = to_.add_attended_rows(options_.images, dim, {&block.q, &block.kv}, block.proj);
    DFA_TRY(to_.add_linear(Part::blocks, name + ".q", block.q, options_.images, first_norm, q, After::nothing));
    const Slice mixed = to_.add_attention(Part::blocks, name + ".attention", options_.images, config_.heads,
                                          {q, 1, dim}, {kv, x_.tokens, 2 * dim},
                                          {kv.at(static_cast<std::size_t>(dim)), x_.tokens, 2 * dim}, block.proj);
    first.normalised.reset();
    x_ = first;
    return to_.add_linear(Part::blocks, name + ".proj", block.proj, options_.images, mixed, x_.values,
                          After::add_to_destination);
  }

  // The stream as the adapter's product reads it.
  Slice stream_values(const std::string& name, const PackedLinear& reader) {
    if (reader.input().element == Element::f32) return x_.values;
    const Slice values = to_.add_input(options_.images * x_.tokens, reader);
    to_.add_step(Part::blocks, name + ".narrow",
                 make_narrow_step(options_.images * x_.tokens, config_.dim, x_.values, values, options_.threads));
    return values;
  }

  After activation() const {
    switch (config_.activation) {
      case Activation::gelu:
        return After::gelu;
      case Activation::quick_gelu:
        return After::quick_gelu;
      case Activation::silu:
        break;
    }
    return After::silu;
  }

  // The MLP's hidden values, (rows, mlp), of the normalised stream.
  Result<Slice> hidden_values(const FusedBlock& block, const std::string& name, int rows, Slice norm) {
    const Slice hidden = to_.add_input(rows, block.fc2);
    if (!config_.gated_mlp) {
      DFA_TRY(to_.add_linear(Part::blocks, name + ".fc1", block.fc1, rows, norm, hidden, activation()));
      return hidden;
    }
    const Slice both = to_.add_rows(rows, config_.mlp_inner());
    DFA_TRY(to_.add_linear(Part::blocks, name + ".fc1", block.fc1, rows, norm, both, After::nothing));
    to_.add_step(Part::blocks, name + ".gate",
                 make_gate_step(rows, config_.mlp, config_.activation, both, hidden, options_.threads));
    return hidden;
  }

  // x += fc2(GELU(fc1(LN2 x))) + up(ReLU(down x))
  Status feed_forward(const FusedBlock& block, const std::string& name) {
    const int rows = options_.images * x_.tokens;
    const Slice norm = to_.normalised(Part::blocks, name + ".norm2", x_, block.fc1);
    DFA_ASSIGN_OR_RETURN(const Slice hidden, hidden_values(block, name, rows, norm));
    Slice narrow;
    if (block.down) {
      narrow = to_.add_input(rows, *block.up);
      const Slice stream = stream_values(name, *block.down);
      DFA_TRY(to_.add_linear(Part::blocks, name + ".down", *block.down, rows, stream, narrow, After::relu));
    }
    x_.normalised.reset();
    DFA_TRY(to_.add_linear(Part::blocks, name + ".fc2", block.fc2, rows, hidden, x_.values, After::add_to_destination));
    if (!block.up) return {};
    return to_.add_linear(Part::blocks, name + ".up", *block.up, rows, narrow, x_.values, After::add_to_destination);
  }

  OneDnn& library_;
  const NetworkConfig& config_;
  const FusedWeights& weights_;
  FusedPlanOptions options_;
  PlanWriter to_;
  Stream x_;  // trunk
  Stream c_;  // spatial
};

}  // namespace

Result<Plan> build_fused_plan(OneDnn& library, const NetworkConfig& config, const FusedWeights& weights,
                              const FusedPlanOptions& options) {
  return PlanBuilder(library, config, weights, options).build();
}

}  // namespace dfa
