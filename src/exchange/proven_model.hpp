// Model files that carry their own proof: golden vectors of crops made by rule.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

// What an export or a merge puts into a model file unless told otherwise.
inline constexpr int kGoldenCrops = 4;

// Crops for golden vectors, (count, side, side, 3) u8, from the hash rule alone: even ones noise, odd ones smooth (8x8
// noise enlarged), because a network sees more than noise.
Result<std::vector<std::uint8_t>> made_crops(int count, int side);

// Adds golden vectors of `count` made crops (none for 0), with the logits of the weights as they will be stored, by the
// ref engine; writes; gives the model as load_model() reads it. Errors: those of make_golden, save_model, load_model;
// internal for logits that are not finite.
Result<Model> save_with_golden(Model model, const std::filesystem::path& out, Dtype weights_dtype, int count,
                               int threads);

}  // namespace dfa
