#include "nn/vit/plan_readout.hpp"

#include <vector>

#include "nn/layers/readout_steps.hpp"

namespace dfa {
namespace {

// feature = out(mean over the queries of attention(queries, k and v of the tokens)); all images share the queries
Status pool_by_queries(PlanWriter& to, const NetworkConfig& config, const FusedQueryPool& pool, const Stream& read,
                       Slice feature) {
  const int images = to.options().images, threads = to.options().threads;
  const std::size_t width = static_cast<std::size_t>(kQueryWidth);
  const std::size_t keys = static_cast<std::size_t>(read.tokens);
  const std::size_t queries = static_cast<std::size_t>(config.queries);
  const Slice norm = to.add_wide_rows(read.tokens, config.dim);
  to.add_layer_norm(Part::head, "norm", images * read.tokens, kNoAffine, read.values, norm);
  const Slice kv = to.add_wide_rows(read.tokens, 2 * kQueryWidth);
  DFA_TRY(to.add_linear(Part::head, "query.kv", pool.kv, images * read.tokens, norm, kv, After::nothing));
  const Slice q = to.plan().add_buffer(pool.queries.size());
  to.add_step(Part::head, "queries", make_constant_step(pool.queries, q));
  const AttentionShape shape{.images = images,
                             .heads = kQueryHeads,
                             .head_dim = kQueryWidth / kQueryHeads,
                             .queries = config.queries,
                             .keys = read.tokens,
                             .q = {.image = 0, .row = width},
                             .kv = {.image = keys * 2 * width, .row = 2 * width},
                             .out = {.image = queries * width, .row = width}};
  const Slice gathered = to.add_wide_rows(config.queries, kQueryWidth);
  to.add_step(Part::head, "query.attention",
              make_attention_step(to.plan(), shape, q, kv, kv.at(width), gathered, threads));
  const Slice mean = to.add_wide_rows(1, kQueryWidth);
  to.add_step(Part::head, "query.mean", make_level_mean_step(images, {config.queries}, kQueryWidth, gathered, mean));
  return to.add_linear(Part::head, "query.out", pool.out, images, mean, feature, After::nothing);
}

void mean_of_levels(PlanWriter& to, const NetworkConfig& config, const NormWeights& norm, const Stream& read,
                    Slice feature) {
  const int images = to.options().images;
  const Slice normalised = to.add_wide_rows(read.tokens, config.dim);
  to.add_layer_norm(Part::head, "norm", images * read.tokens, norm, read.values, normalised);
  std::vector<int> level_tokens;
  level_tokens.reserve(3);
  for (int level = 0; level < 3; ++level)
    level_tokens.push_back(config.spatial_side(level) * config.spatial_side(level));
  to.add_step(Part::head, "level_mean", make_level_mean_step(images, level_tokens, config.dim, normalised, feature));
}

}  // namespace

Status write_readout(PlanWriter& to, const NetworkConfig& config, const FusedWeights& weights, const Stream& read) {
  const int images = to.options().images;
  const Slice feature = to.add_wide_rows(1, config.dim);
  const Slice logits = to.add_wide_rows(1, config.classes);
  if (config.readout == Readout::query) {
    DFA_TRY(pool_by_queries(to, config, *weights.query_pool, read, feature));
  } else if (config.readout == Readout::level_mean) {
    mean_of_levels(to, config, weights.norm, read, feature);
  } else {
    const Stream first = read.tokens == 1 ? read : to.first_rows(Part::head, "first_rows", read);
    to.add_layer_norm(Part::head, "norm", images, weights.norm, first.values, feature);
  }
  Slice head_input = feature;
  if (config.head == HeadKind::l2_linear) {
    head_input = to.add_wide_rows(1, config.dim);
    to.add_step(Part::head, "l2", make_l2_step(images, config.dim, kHeadL2Eps, feature, head_input));
  }
  DFA_TRY(to.add_linear(Part::head, "linear", weights.head, images, head_input, logits, After::nothing));
  to.add_step(Part::head, "output", make_output_step(images, config.dim, config.classes, feature, logits));
  return {};
}

}  // namespace dfa
