// Which ViT a file under timm's names holds, and what its library takes for granted. Private to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "exchange/names_timm.hpp"
#include "exchange/resample_positions.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// Who publishes such files. They differ in names, in what lies beside the trunk and in how positions are resampled.
enum class TimmFamily { timm, mae, dinov2 };

struct TimmTrunk {
  TimmFamily family = TimmFamily::timm;
  NetworkConfig config;  // with what was set; its image may differ from the file's
  int stored_image = 0;
  TimmForm form;
  PositionRule rule = PositionRule::bicubic_antialias;
  std::vector<std::string> assumed;
};

// From names, where MAE's fixed table has a zero row for the class token also from values. `bare`: the file's tensors
// lie below no key, as timm writes them.
TimmFamily timm_family(const TensorMap& theirs, bool bare);

// Tensors that are dropped by name: heads, MAE's decoder, mask tokens.
bool is_beside_trunk(std::string_view name, TimmFamily family);

// `theirs` without what lies beside the trunk; `set` comes on top. Errors: model_incompatible (a naming tensor is
// missing or has an odd shape, heads that have to be set, check_config); usage.
Result<TimmTrunk> infer_timm(const TensorMap& theirs, TimmFamily family, const std::vector<std::string>& set);

// Refuses what a backbone cannot have, heads that nothing tells, and what check_config does. Errors: usage,
// model_incompatible.
Status check_trunk_config(const NetworkConfig& config);

// "heads = 12 (dim / 64)" and so on: what `config` has of `fields` and nobody set. Fields: heads, activation, norm_eps.
std::vector<std::string> trunk_assumptions(const NetworkConfig& config, const std::vector<std::string>& fields,
                                           const std::vector<std::string>& set);

// As every published ViT of this width has them; 0 where there is no telling.
int usual_heads(int dim);

}  // namespace dfa
