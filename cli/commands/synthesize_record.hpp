// The parameters of a pair as JSON, for pairs.jsonl.
#pragma once

#include <nlohmann/json.hpp>

#include "synthesis/cross_blend.hpp"
#include "synthesis/self_blend.hpp"

namespace dfa::cli {

nlohmann::ordered_json draws_json(const SelfBlendDraws& draws);
nlohmann::ordered_json draws_json(const CrossBlendDraws& draws);
nlohmann::ordered_json draws_json(const FinishDraws& draws);

}  // namespace dfa::cli
