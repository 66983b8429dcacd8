// The whole network as one torch module (spec method.md 2.1): trunk, adapters, interactions, read-out, head.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "nn/network_config.hpp"
#include "train/nets/readout.hpp"
#include "train/nets/spatial.hpp"
#include "train/nets/vit.hpp"

namespace dfa::train {

// Which spatial tokens the last extractor computes: those that the read-out reads, or all, for losses on them.
enum class SpatialRows { read, all };

struct NetworkOutput {
  at::Tensor feature;  // (N, D), after the norm and before the head
  at::Tensor logits;   // (N, classes)
  at::Tensor
      spatial;  // (N, Tc, D), all spatial tokens after the last extractor and the norm; with SpatialRows::all only
};

// Parameter and buffer paths are exactly the names of training_parameters(config, tuning).
struct NetworkModuleImpl : torch::nn::Module {
  NetworkModuleImpl(const NetworkConfig& config, const Tuning& tuning, AttentionKernel attention);

  // images: (N, 3, S, S) f32, normalised. `stage_tokens`, where given, receives x (N, T, D) after the blocks of each
  // stage. Requires: LSA for SpatialRows::all.
  NetworkOutput forward(const at::Tensor& images, std::vector<at::Tensor>* stage_tokens = nullptr,
                        SpatialRows rows = SpatialRows::read);

  NetworkConfig config;
  std::vector<StageRange> stages;  // what forward() walks through
  bool recompute_stages = false;   // keeps nothing of a stage's blocks for the backward pass
  PatchEmbed patch_embed{nullptr};
  at::Tensor cls_token, pos_embed;         // (1, 1, D), (1, T less registers, D); no positions where they are rotary
  at::Tensor dist_token, reg_token;        // (1, 1, D), (1, registers, D); undefined without
  torch::nn::LayerNorm norm_pre{nullptr};  // empty without a norm before the blocks
  torch::nn::ModuleList blocks{nullptr};
  torch::nn::LayerNorm norm{nullptr};
  at::Tensor level_embed;  // (3, D); undefined without LSA, like the next two
  Spm spm{nullptr};
  torch::nn::ModuleList interactions{nullptr};
  torch::nn::LayerNorm readout_norm{nullptr};  // empty: what is read goes through `norm`
  QueryPool readout_query{nullptr};            // empty with other read-outs
  torch::nn::Sequential head{nullptr};

 private:
  at::Tensor embed_positioned(const at::Tensor& images);
  at::Tensor embed(const at::Tensor& images);
  at::Tensor spatial_picture(const at::Tensor& images) const;
  at::Tensor spatial_tokens(const at::Tensor& images);
  at::Tensor run_stage(const at::Tensor& x, const StageRange& range);
  at::Tensor run_blocks(at::Tensor x, const StageRange& range);
  at::Tensor extract(const StageRange& stage, std::size_t index, const at::Tensor& c, const at::Tensor& x,
                     SpatialRows wanted);
  at::Tensor read_out(const at::Tensor& x, const at::Tensor& c);
};
TORCH_MODULE(NetworkModule);

}  // namespace dfa::train
