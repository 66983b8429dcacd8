// The fused engine's weights: folded, then packed once for the machine's kernels.
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "nn/layers/conv_step.hpp"
#include "nn/layers/linear_step.hpp"
#include "nn/layers/token_steps.hpp"
#include "nn/network_config.hpp"
#include "nn/quantisation.hpp"
#include "nn/vit/weight_reader.hpp"

namespace dfa {

struct FusedBlock {
  PackedLinear qkv;    // LN1 and the attention scale folded in; empty in a block of which only the class token is read
  PackedLinear q, kv;  // that block's
  PackedLinear proj, fc1, fc2;           // LN2 folded into fc1; layer scale into proj and fc2
  std::optional<PackedLinear> down, up;  // GBA; its scale folded into up
};

struct FusedCross {
  PackedLinear q, kv;  // query_norm and feat_norm folded in, the attention scale into q
  PackedLinear out;    // gamma folded in
};

struct FusedSpm {
  std::vector<PackedConv> stem;   // 3
  std::vector<PackedConv> convs;  // conv2, conv3, conv4
  std::vector<PackedLinear> fcs;  // fc2, fc3, fc4, their level's embedding in the bias
};

struct FusedQueryPool {
  std::vector<float> queries;  // (K, W), the attention scale folded in
  PackedLinear kv;             // the read-out's norm folded in
  PackedLinear out;
};

struct FusedWeights {
  WeightStore store;
  Quantisation quantisation;  // int8: of the layers' inputs, which point into it; else empty
  std::vector<float> embed;  // (T, D): class, distillation and register tokens, each with its position; patch positions
  PackedLinear patch_embed;
  NormWeights norm_pre;               // empty without; not folded: the stream itself goes through it
  std::optional<RotaryTable> rotary;  // with rotary positions
  std::vector<FusedBlock> blocks;
  std::optional<FusedSpm> spm;
  std::vector<FusedCross> injectors, extractors;
  NormWeights norm;  // of the read-out: its output is an output of ours, so it is not folded; empty with query_pool
  std::optional<FusedQueryPool> query_pool;
  PackedLinear head;
};

// Which rows nobody reads are left out (the engine), or computed all the same (the test that it makes no difference).
enum class UnreadRows { skip, compute };

// Whether the last block need only give the class token.
bool last_block_gives_one_row(const NetworkConfig& config, UnreadRows unread);
// Whether the last extractor need only give token 0.
bool last_extractor_gives_one_row(const NetworkConfig& config, UnreadRows unread);

struct PackOptions {
  int batch = 1;  // the largest number of images of a plan
  UnreadRows unread = UnreadRows::skip;
  // Of the large products and convolutions. Query pooling and the head are f32 always: they cost nothing.
  Element element = Element::f32;
  const Quantisation* quantisation = nullptr;  // int8: products that read its sites take codes; checked. May be null
};
// Errors: internal (oneDNN), out_of_memory.
Result<FusedWeights> pack_weights(OneDnn& library, const NetworkConfig& config, const WeightReader& read,
                                  const PackOptions& options);

}  // namespace dfa
