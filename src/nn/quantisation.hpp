// Which tensors between the products of a network may be quantised, what flows through them, and what reads them.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nn/layers/linear_weights.hpp"
#include "nn/network_config.hpp"
#include "nn/ops/codes.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Note [Quantisation sites]
// A site is a tensor that one or more products read. Its name says where it lies:
//   patches              the patches' pixels, read by the patch embedding
//   spm.image            the image that the spatial prior sees, read by its first convolution
//   spm.stem.0, spm.stem.3   what these convolutions give (with batch norm and ReLU), read by the next one
//   spm.stem.6           pooled; read by conv2
//   spm.conv2, spm.conv3, spm.conv4   the maps, read by fc2 to fc4 and the convolution that follows
//   blocks.N.norm1       the stream without mean and deviation, read by qkv
//   blocks.N.attention   read by proj
//   blocks.N.norm2       read by fc1
//   blocks.N.hidden      the MLP's hidden values, read by fc2
//   blocks.N.stream      the stream as it is, read by the adapter's down_proj
//   blocks.N.narrow      read by its up_proj
//   trunk.S.norm         the trunk's stream where interaction S begins (the last one: where it ends), normalised: read
//                        by injector S (queries) and extractor S - 1 (keys and values)
//   spatial.S.norm       the maps' tokens there: read by injector S (keys and values) and extractor S (queries)
//   injector.S.attention, extractor.S.attention   read by their out_proj
// The affine part of a norm is folded into the readers (spec method.md 2.6). Everything else (query pooling, head;
// operands of attention) stays wide: bf16 where the processor multiplies it, else f32. Maps are zero or larger and
// convolutions pad them with zeros, so their zero point is 0. Without VNNI the sites of the spatial prior stay wide as
// well (nn/isa.hpp, has_vnni).
enum class ZeroPoint { any, zero };
struct QuantSite {
  std::string name;
  int channels = 0;
  ZeroPoint zero_point = ZeroPoint::any;
};

// All of them, in the order of the forward pass.
std::vector<QuantSite> quant_sites(const NetworkConfig& config);

// How each quantised site is stored, by name; a site that is absent stays wide.
using Quantisation = std::map<std::string, Codes, std::less<>>;

// Whether the names are sites of `config` and each has as many positive, finite multipliers as the site has channels.
// Errors: model_tensors, naming the first that is not.
Status check_quantisation(const NetworkConfig& config, const Quantisation& quantisation);

// The layers that read a site, folded as the engine folds them, by the names of their plan steps ("0.qkv",
// "extractor.1.q"). `weights` has passed check_weights. Empty for an unknown site.
struct FoldedLayer {
  std::string name;
  LinearWeights weights;
};
std::vector<FoldedLayer> readers_of_site(const NetworkConfig& config, const TensorMap& weights, std::string_view site);

// Sees what flows through the sites while the f32 engine runs: calibration.
class ActivationObserver {
 public:
  virtual ~ActivationObserver() = default;
  // rows: (rows, channels) of some images; every image of a pass is shown once.
  virtual void activation(std::string_view site, std::span<const float> rows, int channels) = 0;
};

}  // namespace dfa
