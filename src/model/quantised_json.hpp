// `dfa.quant` and the tensors beside it. Private to the room and to the one that makes exports.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/model.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

inline constexpr int kQuantVersion = 1;
// u8 codes with a multiplier a channel and a zero point a tensor; s8 weights with a scale an output.
inline constexpr std::string_view kQuantScheme = "u8-channel/s8-row";

// Equal values give equal text.
std::string quantised_json(const ModelQuantisation& quantised);

// Everything but the multipliers: zero points stand in the record. Strict. Errors: model_incompatible.
Result<ModelQuantisation> parse_quantised(std::string_view json);

// quant.<site>.multipliers, (channels) f32.
void put_multipliers(const Quantisation& codes, TensorMap& tensors);

// Takes those tensors out of `tensors`, for the sites of `quantised`. Errors: model_tensors for one that is missing,
// left over, of another type, or no codes of this network.
Status take_multipliers(TensorMap& tensors, const NetworkConfig& config, ModelQuantisation& quantised);

// Errors: model_tensors if any tensor is one of those.
Status refuse_multipliers(const TensorMap& tensors);

}  // namespace dfa
