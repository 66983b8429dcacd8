#include "nn/vit/fused_plan.hpp"

#include <optional>
#include <set>
#include <string>

#include "nn/layers/input_steps.hpp"
#include "nn/layers/readout_steps.hpp"

namespace dfa {
namespace {

// Axes: N images, T tokens of the trunk, C tokens of the spatial maps, D width.
class PlanBuilder {
 public:
  PlanBuilder(OneDnn& library, const NetworkConfig& config, const FusedWeights& weights,
              const FusedPlanOptions& options)
      : library_(library), config_(config), weights_(weights), options_(options) {}

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
    DFA_TRY(read_out());
    return std::move(plan_);
  }

 private:
  // Tokens of all images, (N * tokens, D), and their normalised form while it is current.
  struct Stream {
    Slice values;
    int tokens = 0;
    std::optional<Slice> normalised;
  };
  // What attention reads: D columns of a projection whose rows are row_values long.
  struct Projection {
    Slice values;
    int tokens = 0;
    int row_values = 0;
  };

  std::size_t row_values(int tokens, int width) const {
    return static_cast<std::size_t>(options_.images) * static_cast<std::size_t>(tokens) *
           static_cast<std::size_t>(width);
  }

  // What lies between two products and is not quantised.
  Slice add_rows(int tokens, int width) { return plan_.add_buffer(row_values(tokens, width), options_.element); }
  // What `reader` reads, in its format.
  Slice add_input(int tokens, const PackedLinear& reader) {
    return plan_.add_buffer(row_values(tokens, reader.in()), reader.input().element, reader.input().codes);
  }
  // The streams themselves and what the head reads: f32 in every engine.
  Slice add_wide_rows(int tokens, int width) { return plan_.add_buffer(row_values(tokens, width)); }

  Status add_linear(Part part, const std::string& name, const PackedLinear& layer, int rows, Slice src, Slice dst,
                    After after) {
    observe_site(part, layer, rows, src);
    if (dst.element == Element::u8 && layer.own() == nullptr)
      return add_encoded(part, name, layer, rows, src, dst, after);
    DFA_ASSIGN_OR_RETURN(auto step, make_linear_step(library_, plan_, layer, rows, src, dst, after, options_.threads));
    plan_.add_step(part, name, std::move(step));
    return {};
  }

  // oneDNN's products know no codes: through f32.
  Status add_encoded(Part part, const std::string& name, const PackedLinear& layer, int rows, Slice src, Slice dst,
                     After after) {
    const Slice wide = plan_.add_buffer(static_cast<std::size_t>(rows) * static_cast<std::size_t>(layer.out()));
    DFA_ASSIGN_OR_RETURN(auto step, make_linear_step(library_, plan_, layer, rows, src, wide, after, options_.threads));
    plan_.add_step(part, name, std::move(step));
    plan_.add_step(part, name + ".codes", make_narrow_step(rows, layer.out(), wide, dst, options_.threads));
    return {};
  }

  // Calibration sees each site once, where it is read first.
  void observe_site(Part part, const PackedLinear& layer, int rows, Slice src) {
    const std::string& site = layer.input().site;
    if (options_.activations == nullptr || site.empty() || !seen_sites_.insert(site).second) return;
    plan_.add_step(part, site, make_observe_site_step(*options_.activations, site, rows, layer.in(), src));
  }

  // The stream without mean and deviation, as `reader` reads it; weight and bias are in that layer. Made once for all
  // its readers, which share one format.
  Slice normalised(Part part, const std::string& name, Stream& stream, const PackedLinear& reader) {
    if (!stream.normalised) {
      stream.normalised = add_input(stream.tokens, reader);
      add_layer_norm(part, name, options_.images * stream.tokens, kNoAffine, stream.values, *stream.normalised);
    }
    return *stream.normalised;
  }

  void add_layer_norm(Part part, const std::string& name, int rows, const NormWeights& norm, Slice src, Slice dst) {
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    const LayerNormShape shape{rows, config_.dim, dim, dim, static_cast<float>(config_.norm_eps)};
    plan_.add_step(part, name, make_layer_norm_step(shape, norm, src, dst, options_.threads));
  }

  // Returns (N * q.tokens, D), as `reader` reads it.
  Slice add_attention(Part part, const std::string& name, int heads, Projection q, Projection k, Projection v,
                      const PackedLinear& reader) {
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    const auto strides = [](int tokens, std::size_t row) {
      return TokenStrides{static_cast<std::size_t>(tokens) * row, row};
    };
    const AttentionShape shape{.images = options_.images,
                               .heads = heads,
                               .head_dim = config_.dim / heads,
                               .queries = q.tokens,
                               .keys = k.tokens,
                               .q = strides(q.tokens, static_cast<std::size_t>(q.row_values)),
                               .kv = strides(k.tokens, static_cast<std::size_t>(k.row_values)),
                               .out = strides(q.tokens, dim)};
    const Slice out = add_input(q.tokens, reader);
    plan_.add_step(part, name, make_attention_step(plan_, shape, q.values, k.values, v.values, out, options_.threads));
    return out;
  }

  // Token 0 of every image as a stream of its own.
  Stream first_rows(Part part, const std::string& name, const Stream& stream) {
    const Stream first{add_wide_rows(1, config_.dim), 1, {}};
    plan_.add_step(part, name,
                   make_first_rows_step(options_.images, stream.tokens, config_.dim, stream.values, first.values));
    return first;
  }

  Status embed_patches() {
    const int patches = x_.tokens - config_.prefix_tokens();
    const Slice rows = add_rows(patches, weights_.patch_embed.in());
    const Slice embedded = add_wide_rows(patches, config_.dim);
    x_.values = add_wide_rows(x_.tokens, config_.dim);
    plan_.add_step(Part::patch_embed, "patches",
                   make_patches_step(options_.images, config_.image, config_.patch, rows, options_.threads));
    DFA_TRY(add_linear(Part::patch_embed, "proj", weights_.patch_embed, options_.images * patches, rows, embedded,
                       After::nothing));
    plan_.add_step(Part::patch_embed, "assemble",
                   make_assemble_step(options_.images, config_.prefix_tokens(), x_.tokens, config_.dim, weights_.embed,
                                      embedded, x_.values, options_.threads));
    if (config_.pre_norm)
      add_layer_norm(Part::patch_embed, "norm_pre", options_.images * x_.tokens, weights_.norm_pre, x_.values,
                     x_.values);
    observe(-1);
    return {};
  }

  void observe(int block) {
    if (options_.observer == nullptr) return;
    plan_.add_step(Part::blocks, "observe",
                   make_observe_step(*options_.observer, block, options_.images, x_.tokens, config_.dim, x_.values));
  }

  Status spatial_prior() {
    const FusedSpm& spm = *weights_.spm;
    MapShape shape{options_.images, 3, config_.spatial_image()};
    Slice map = plan_.add_buffer(shape.values(), options_.element);
    plan_.add_step(Part::spm, "image",
                   make_channels_last_step(plan_, options_.images, config_.image, shape.side, map, options_.threads));
    for (std::size_t i = 0; i < spm.stem.size(); ++i)
      DFA_TRY(add_conv("stem." + std::to_string(3 * i), spm.stem[i], shape, map));
    DFA_TRY(add_max_pool(shape, map));
    c_.values = add_wide_rows(c_.tokens, config_.dim);
    std::size_t token = 0;
    for (std::size_t level = 0; level < spm.convs.size(); ++level) {
      DFA_TRY(add_conv("conv" + std::to_string(level + 2), spm.convs[level], shape, map));
      DFA_TRY(add_level(level, shape, map, token));
      token += static_cast<std::size_t>(shape.side) * static_cast<std::size_t>(shape.side);
    }
    return {};
  }

  // Moves shape and map on to the convolution's output.
  Status add_conv(const std::string& name, const PackedConv& layer, MapShape& shape, Slice& map) {
    const MapShape out = layer.output(shape);
    const Slice dst = plan_.add_buffer(out.values(), options_.element);
    DFA_ASSIGN_OR_RETURN(auto step, make_conv_relu_step(library_, plan_, layer, shape, map, dst));
    plan_.add_step(Part::spm, name, std::move(step));
    shape = out;
    map = dst;
    return {};
  }

  Status add_max_pool(MapShape& shape, Slice& map) {
    const MapShape out{shape.images, shape.channels, (shape.side + 1) / 2};
    const Slice dst = plan_.add_buffer(out.values(), options_.element);
    DFA_ASSIGN_OR_RETURN(auto step, make_max_pool_step(library_, plan_, shape, map, dst));
    plan_.add_step(Part::spm, "max_pool", std::move(step));
    shape = out;
    map = dst;
    return {};
  }

  // Tokens [token, token + side^2) of every image. One product an image: each writes its own contiguous rows of c.
  Status add_level(std::size_t level, MapShape shape, Slice map, std::size_t token) {
    const int rows = shape.side * shape.side;
    const std::size_t dim = static_cast<std::size_t>(config_.dim);
    for (int image = 0; image < options_.images; ++image) {
      const std::size_t index = static_cast<std::size_t>(image);
      const Slice src = map.at(index * static_cast<std::size_t>(rows) * static_cast<std::size_t>(shape.channels));
      const Slice dst = c_.values.at((index * static_cast<std::size_t>(c_.tokens) + token) * dim);
      DFA_TRY(add_linear(Part::spm, "fc" + std::to_string(level + 2), weights_.spm->fcs[level], rows, src, dst,
                         After::nothing));
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
    if (last && last_extractor_gives_one_row(config_, options_.unread)) c_ = first_rows(Part::extractor, "token0", c_);
    return cross(Part::extractor, "extractor." + name, weights_.extractors[stage], c_, x_);
  }

  // query += out_proj(attention(q of query, k and v of source))
  Status cross(Part part, const std::string& name, const FusedCross& cross, Stream& query, Stream& source) {
    const int dim = config_.dim;
    const int query_rows = options_.images * query.tokens;
    const Slice query_norm = normalised(part, name + ".query_norm", query, cross.q);
    const Slice source_norm = normalised(part, name + ".feat_norm", source, cross.kv);
    const Slice q = add_rows(query.tokens, dim);
    const Slice kv = add_rows(source.tokens, 2 * dim);
    DFA_TRY(add_linear(part, name + ".q", cross.q, query_rows, query_norm, q, After::nothing));
    DFA_TRY(add_linear(part, name + ".kv", cross.kv, options_.images * source.tokens, source_norm, kv, After::nothing));
    const Slice mixed = add_attention(part, name + ".attention", config_.lsa_heads, {q, query.tokens, dim},
                                      {kv, source.tokens, 2 * dim},
                                      {kv.at(static_cast<std::size_t>(dim)), source.tokens, 2 * dim}, cross.out);
    query.normalised.reset();
    return add_linear(part, name + ".out", cross.out, query_rows, mixed, query.values, After::add_to_destination);
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
    plan_.add_step(Part::blocks, name,
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
    const Slice norm = normalised(Part::blocks, name + ".norm1", x_, block.qkv);
    const Slice qkv = add_rows(x_.tokens, width);
    DFA_TRY(add_linear(Part::blocks, name + ".qkv", block.qkv, rows, norm, qkv, After::nothing));
    turn(name + ".turn_q", qkv, width);
    turn(name + ".turn_k", qkv.at(dim), width);
    const Slice mixed = add_attention(Part::blocks, name + ".attention", config_.heads, {qkv, x_.tokens, width},
                                      {qkv.at(dim), x_.tokens, width}, {qkv.at(2 * dim), x_.tokens, width}, block.proj);
    x_.normalised.reset();
    return add_linear(Part::blocks, name + ".proj", block.proj, rows, mixed, x_.values, After::add_to_destination);
  }

  // Only the class token is read after this block: keys and values of all tokens, queries and everything later of one.
  Status attend_from_class_token(const FusedBlock& block, const std::string& name) {
    const int dim = config_.dim;
    const Slice norm = normalised(Part::blocks, name + ".norm1", x_, block.kv);
    const Slice kv = add_rows(x_.tokens, 2 * dim);
    DFA_TRY(add_linear(Part::blocks, name + ".kv", block.kv, options_.images * x_.tokens, norm, kv, After::nothing));
    turn(name + ".turn_k", kv, 2 * dim);
    Stream first = first_rows(Part::blocks, name + ".class_token", x_);
    const Slice first_norm = normalised(Part::blocks, name + ".norm1_class_token", first, block.q);
    const Slice q = add_rows(1, dim);
    DFA_TRY(add_linear(Part::blocks, name + ".q", block.q, options_.images, first_norm, q, After::nothing));
    const Slice mixed =
        add_attention(Part::blocks, name + ".attention", config_.heads, {q, 1, dim}, {kv, x_.tokens, 2 * dim},
                      {kv.at(static_cast<std::size_t>(dim)), x_.tokens, 2 * dim}, block.proj);
    first.normalised.reset();
    x_ = first;
    return add_linear(Part::blocks, name + ".proj", block.proj, options_.images, mixed, x_.values,
                      After::add_to_destination);
  }

  // The stream as the adapter's product reads it.
  Slice stream_values(const std::string& name, const PackedLinear& reader) {
    if (reader.input().element == Element::f32) return x_.values;
    const Slice values = add_input(x_.tokens, reader);
    plan_.add_step(Part::blocks, name + ".narrow",
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
    const Slice hidden = add_input(x_.tokens, block.fc2);
    if (!config_.gated_mlp) {
      DFA_TRY(add_linear(Part::blocks, name + ".fc1", block.fc1, rows, norm, hidden, activation()));
      return hidden;
    }
    const Slice both = add_rows(x_.tokens, config_.mlp_inner());
    DFA_TRY(add_linear(Part::blocks, name + ".fc1", block.fc1, rows, norm, both, After::nothing));
    plan_.add_step(Part::blocks, name + ".gate",
                   make_gate_step(rows, config_.mlp, config_.activation, both, hidden, options_.threads));
    return hidden;
  }

  // x += fc2(GELU(fc1(LN2 x))) + up(ReLU(down x))
  Status feed_forward(const FusedBlock& block, const std::string& name) {
    const int rows = options_.images * x_.tokens;
    const Slice norm = normalised(Part::blocks, name + ".norm2", x_, block.fc1);
    DFA_ASSIGN_OR_RETURN(const Slice hidden, hidden_values(block, name, rows, norm));
    Slice narrow;
    if (block.down) {
      narrow = add_input(x_.tokens, *block.up);
      const Slice stream = stream_values(name, *block.down);
      DFA_TRY(add_linear(Part::blocks, name + ".down", *block.down, rows, stream, narrow, After::relu));
    }
    x_.normalised.reset();
    DFA_TRY(add_linear(Part::blocks, name + ".fc2", block.fc2, rows, hidden, x_.values, After::add_to_destination));
    if (!block.up) return {};
    return add_linear(Part::blocks, name + ".up", *block.up, rows, narrow, x_.values, After::add_to_destination);
  }

  Status read_out() {
    const Slice feature = add_wide_rows(1, config_.dim);
    const Slice logits = add_wide_rows(1, config_.classes);
    if (config_.readout == Readout::query) {
      DFA_TRY(pool_by_queries(config_.lsa ? c_ : x_, feature));
    } else if (config_.readout == Readout::level_mean) {
      const Slice norm = add_wide_rows(c_.tokens, config_.dim);
      add_layer_norm(Part::head, "norm", options_.images * c_.tokens, weights_.norm, c_.values, norm);
      std::vector<int> level_tokens;
      level_tokens.reserve(3);
      for (int level = 0; level < 3; ++level)
        level_tokens.push_back(config_.spatial_side(level) * config_.spatial_side(level));
      plan_.add_step(Part::head, "level_mean",
                     make_level_mean_step(options_.images, level_tokens, config_.dim, norm, feature));
    } else {
      Stream stream = config_.readout == Readout::cls ? x_ : c_;
      if (stream.tokens != 1) stream = first_rows(Part::head, "first_rows", stream);
      add_layer_norm(Part::head, "norm", options_.images, weights_.norm, stream.values, feature);
    }
    Slice read = feature;
    if (config_.head == HeadKind::l2_linear) {
      read = add_wide_rows(1, config_.dim);
      plan_.add_step(Part::head, "l2", make_l2_step(options_.images, config_.dim, kHeadL2Eps, feature, read));
    }
    DFA_TRY(add_linear(Part::head, "linear", weights_.head, options_.images, read, logits, After::nothing));
    plan_.add_step(Part::head, "output",
                   make_output_step(options_.images, config_.dim, config_.classes, feature, logits));
    return {};
  }

  // feature = out(mean over the queries of attention(queries, k and v of the tokens)); all images share the queries
  Status pool_by_queries(Stream& tokens, Slice feature) {
    const FusedQueryPool& pool = *weights_.query_pool;
    const std::size_t width = static_cast<std::size_t>(kQueryWidth);
    const std::size_t keys = static_cast<std::size_t>(tokens.tokens);
    const std::size_t queries = static_cast<std::size_t>(config_.queries);
    const Slice norm = add_wide_rows(tokens.tokens, config_.dim);
    add_layer_norm(Part::head, "norm", options_.images * tokens.tokens, kNoAffine, tokens.values, norm);
    const Slice kv = add_wide_rows(tokens.tokens, 2 * kQueryWidth);
    DFA_TRY(add_linear(Part::head, "query.kv", pool.kv, options_.images * tokens.tokens, norm, kv, After::nothing));
    const Slice q = plan_.add_buffer(pool.queries.size());
    plan_.add_step(Part::head, "queries", make_constant_step(pool.queries, q));
    const AttentionShape shape{.images = options_.images,
                               .heads = kQueryHeads,
                               .head_dim = kQueryWidth / kQueryHeads,
                               .queries = config_.queries,
                               .keys = tokens.tokens,
                               .q = {.image = 0, .row = width},
                               .kv = {.image = keys * 2 * width, .row = 2 * width},
                               .out = {.image = queries * width, .row = width}};
    const Slice gathered = add_wide_rows(config_.queries, kQueryWidth);
    plan_.add_step(Part::head, "query.attention",
                   make_attention_step(plan_, shape, q, kv, kv.at(width), gathered, options_.threads));
    const Slice mean = add_wide_rows(1, kQueryWidth);
    plan_.add_step(Part::head, "query.mean",
                   make_level_mean_step(options_.images, {config_.queries}, kQueryWidth, gathered, mean));
    return add_linear(Part::head, "query.out", pool.out, options_.images, mean, feature, After::nothing);
  }

  static inline const NormWeights kNoAffine;

  OneDnn& library_;
  const NetworkConfig& config_;
  const FusedWeights& weights_;
  FusedPlanOptions options_;
  std::set<std::string> seen_sites_;
  Plan plan_;
  Stream x_;  // trunk
  Stream c_;  // spatial
};

}  // namespace

Result<Plan> build_fused_plan(OneDnn& library, const NetworkConfig& config, const FusedWeights& weights,
                              const FusedPlanOptions& options) {
  return PlanBuilder(library, config, weights, options).build();
}

}  // namespace dfa
