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
// Both end in a linear layer. batchnorm_linear: behind a BatchNorm without affine part. l2_linear: of the feature
// divided by its L2 norm.
enum class HeadKind { batchnorm_linear, l2_linear };

// Query pooling is narrow on purpose: 74,560 + 32 K parameters on ViT-B.
inline constexpr int kQueryWidth = 32;  // inner width, of all heads together
inline constexpr int kQueryHeads = 4;
inline constexpr int kMaxQueries = 256;
// An L2 head divides by max(norm, this): a feature of zeros stays zeros.
inline constexpr double kHeadL2Eps = 1e-12;

struct NetworkConfig {
  std::string arch = "vit";  // trunk kind; "vit" is timm's ViT with class token and exact (erf) GELU
  int image = 224;           // side of the square input in pixels; a multiple of `patch`
  int patch = 16;
  int dim = 768;           // D
  int depth = 12;          // blocks
  int heads = 12;          // of the trunk; divides dim
  int mlp = 3072;          // hidden width of the MLP
  double norm_eps = 1e-6;  // of every LayerNorm, those of the interactions included
  bool gba = true;         // globally-aware bottleneck adapters
  int bottleneck = 64;     // R, width of a GBA
  bool lsa = true;         // locally-aware spatial adapters (SPM, injectors, extractors)
  int lsa_heads = 6;       // heads of the interactions; divides dim
  int spm_width = 64;      // C of the stem; the later maps have 2C, 4C, 4C channels
  std::vector<StageRange> stages = {{0, 3}, {4, 7}, {8, 11}};  // consecutive, cover 0..depth-1; read only with lsa
  Readout readout = Readout::token0;                           // token0 and level_mean need lsa
  int queries = 4;                                             // K; read only with Readout::query
  ReadoutNorm readout_norm = ReadoutNorm::trunk;
  HeadKind head = HeadKind::batchnorm_linear;
  int classes = 2;

  bool operator==(const NetworkConfig&) const = default;

  int grid() const { return image / patch; }
  int trunk_tokens() const { return grid() * grid() + 1; }
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
