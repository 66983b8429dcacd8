// `dfa.config`, with the parts that depend on the kind of model. For this room and the one that exchanges models with
// other programs; others use model.hpp.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/strict_json.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// A backbone has no read-out and no head: both are written as false.
enum class ConfigHead { present, absent };

std::string config_text(const NetworkConfig& config, ConfigHead head);
// With ConfigHead::absent the configuration comes back with readout cls, and its head is of no meaning.
Result<NetworkConfig> parse_config(std::string_view json, ConfigHead head);

// [[0,3],[4,7]]. Errors: model_incompatible.
Result<std::vector<StageRange>> parse_stages(const Json& list, std::string_view what);

// token0, cls, level-mean, query:K
std::string readout_name(const NetworkConfig& config);
// Sets readout and, with query:K, queries. Errors: model_incompatible, listing the known names.
Status set_readout(NetworkConfig& config, std::string_view name);
// trunk, own
std::string_view readout_norm_name(ReadoutNorm norm);
Result<ReadoutNorm> parse_readout_norm(std::string_view name);
// gelu, quick-gelu, silu
std::string_view activation_name(Activation activation);
Result<Activation> parse_activation(std::string_view name);
// image, patch
std::string_view spatial_source_name(SpatialSource source);
Result<SpatialSource> parse_spatial_source(std::string_view name);
// batchnorm_linear, l2_linear, linear; read with hyphens as well.
std::string_view head_name(HeadKind head);
Result<HeadKind> parse_head(std::string_view name);

}  // namespace dfa
