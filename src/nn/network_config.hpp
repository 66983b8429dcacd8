// What network it is. A value: parsed from `dfa.config` by src/model, built into an engine by src/nn and into torch
// modules by train/. Nothing about the sizes of a network is written anywhere else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace dfa {

// Blocks [first, last] of the trunk, both included, that run between an injector and its extractor.
struct StageRange {
  int first = 0;
  int last = 0;
  bool operator==(const StageRange&) const = default;
};

// What the head reads (docs/architecture.md, "Read-outs and heads").
//   token0: the first spatial token. cls: the class token. level_mean: mean over the means of the three maps.
//   query: K learned queries attend to the spatial tokens (to the trunk's without LSA); their mean.
enum class Readout { token0, cls, level_mean, query };
// Which LayerNorm the read tokens go through: the trunk's final one, or one of the read-out's own.
enum class ReadoutNorm { trunk, own };
// All end in a linear layer. batchnorm_linear: behind a BatchNorm without affine part. l2_linear: of the feature
// divided by its L2 norm. linear: of the feature itself.
enum class HeadKind { batchnorm_linear, l2_linear, linear };
// Of the trunk's MLP. gelu: exact, by erf. quick_gelu: x / (1 + exp(-1.702 x)), CLIP's. silu: x / (1 + exp(-x)).
enum class Activation { gelu, quick_gelu, silu };
// How the trunk knows where a patch lies.
//   learned: a table that is added to class token and patches (timm, CLIP, MAE, DINOv2).
//   rotary: q and k of the patches are turned in every block, nothing is added (DINOv3; Note [Rotary positions] in
//   nn/vit/rotary.hpp).
enum class Positions { learned, rotary };
// Which picture the spatial prior module sees. Its maps are at 1/8, 1/16 and 1/32 of that picture.
//   image: the network's input, as published.
//   patch: the input brought to 16 pixels a patch, so that the middle map has the trunk's grid whatever the patch size.
//   The same thing for patches of 16.
enum class SpatialSource { image, patch };

// Query pooling is narrow on purpose: 74,560 + 32 K parameters on ViT-B.
inline constexpr int kQueryWidth = 32;  // inner width, of all heads together
inline constexpr int kQueryHeads = 4;
inline constexpr int kMaxQueries = 256;
// An L2 head divides by max(norm, this): a feature of zeros stays zeros.
inline constexpr double kHeadL2Eps = 1e-12;

struct NetworkConfig {
  std::string arch = "vit";  // trunk kind: a plain ViT with class token; what varies in it are the fields below
  int image = 224;           // side of the square input in pixels; a multiple of `patch`
  int patch = 16;
  int dim = 768;   // D
  int depth = 12;  // blocks
  int heads = 12;  // of the trunk; divides dim
  int mlp = 3072;  // hidden width of the MLP
  Activation activation = Activation::gelu;
  bool gated_mlp = false;    // fc1 gives 2 x mlp: the activation of the first half times the second (SwiGLU with silu)
  double norm_eps = 1e-6;    // of every LayerNorm, those of the interactions included
  bool pre_norm = false;     // a LayerNorm before the first block (CLIP)
  bool patch_bias = true;    // CLIP's patches have none
  bool distilled = false;    // a distillation token behind the class token (DeiT)
  int registers = 0;         // R, register tokens behind those, without position (DINOv2, DINOv3)
  bool layer_scale = false;  // per-channel factors on what attention and MLP add (DINOv2, DINOv3)
  Positions positions = Positions::learned;
  double rotary_base = 100;  // read only with Positions::rotary
  bool gba = true;           // globally-aware bottleneck adapters
  int bottleneck = 64;       // R, width of a GBA
  bool lsa = true;           // locally-aware spatial adapters (SPM, injectors, extractors)
  int lsa_heads = 6;         // heads of the interactions; divides dim
  int spm_width = 64;        // C of the stem; the later maps have 2C, 4C, 4C channels
  SpatialSource spatial_source = SpatialSource::image;
  std::vector<StageRange> stages = {{0, 3}, {4, 7}, {8, 11}};  // consecutive, cover 0..depth-1; read only with lsa
  Readout readout = Readout::token0;                           // token0 and level_mean need lsa
  int queries = 4;                                             // K; read only with Readout::query
  ReadoutNorm readout_norm = ReadoutNorm::trunk;
  HeadKind head = HeadKind::batchnorm_linear;
  int classes = 2;

  bool operator==(const NetworkConfig&) const = default;

  int grid() const { return image / patch; }
  int head_dim() const { return dim / heads; }
  // Tokens in front of the patches: class, distillation, registers.
  int prefix_tokens() const { return 1 + (distilled ? 1 : 0) + registers; }
  // T
  int trunk_tokens() const { return prefix_tokens() + grid() * grid(); }
  // Rows of the table of learned positions: every token but the registers.
  int position_rows() const { return trunk_tokens() - registers; }
  // Outputs of the MLP's first layer.
  int mlp_inner() const { return gated_mlp ? 2 * mlp : mlp; }
  // Side of the picture that the spatial prior module sees.
  int spatial_image() const;
  // Side of spatial map `level` (0: 1/8, 1: 1/16, 2: 1/32): every stride-2 step maps n to ceil(n / 2).
  int spatial_side(int level) const;
  // Tokens of the three spatial maps together: 1029 for 224.
  int spatial_tokens() const;
};

// Errors: model_incompatible, with every field that does not fit.
Status check_config(const NetworkConfig& config);

// Which part of the network a tensor belongs to.
enum class ParameterGroup { trunk, gba, spm, interaction, level_embed, head };
// weight: trained; statistic: running mean or variance; counter: num_batches_tracked (int64 scalar)
enum class ParameterKind { weight, statistic, counter };

struct ParameterSpec {
  std::string name;  // the authors' key (spec method.md 2.7)
  std::vector<std::int64_t> shape;
  ParameterGroup group;
  ParameterKind kind;
};

// Every tensor of the network, in a fixed order. The one list that strict loading, counting, initialisation and
// training share.
std::vector<ParameterSpec> network_parameters(const NetworkConfig& config);

struct ParameterCounts {
  std::int64_t trunk = 0;     // 85,798,656 for ViT-B/16
  std::int64_t adapters = 0;  // GBA + SPM + interactions + level_embed + head: 16,917,838 for ViT-B/16
};
ParameterCounts count_parameters(const NetworkConfig& config);

}  // namespace dfa
