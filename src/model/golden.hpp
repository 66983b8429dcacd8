// The proof that a model file carries: crops, and the logits that the reference engine gives for them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa {

// `count` crops of (side, side, 3) bytes: coloured blocks under noise, so that every spatial scale is there. The same
// on every machine.
std::vector<std::uint8_t> synthetic_crops(int count, int side);

// Logits of the ref engine for crops of the model's recipe, (count, side, side, 3) u8 with side = crop.stored_px,
// computed with the weights as save_model will store them in `weights_dtype`. About 30 billion plain multiplications a
// crop for ViT-B/16. Errors: usage (size of crops), model_tensors, model_incompatible.
Result<GoldenVectors> make_golden(const Model& model, std::vector<std::uint8_t> crops, int count, Dtype weights_dtype,
                                  int threads = 0);

// Crops -> normalised network input (count, 3, S, S), by the model's recipe. Errors: usage.
Result<std::vector<float>> golden_images(const Model& model, std::span<const std::uint8_t> crops, int count);

// Runs `images` (count, 3, S, S) in batches. Errors: as Network::forward.
struct NetworkOutput {
  std::vector<float> logits;   // (count, classes)
  std::vector<float> feature;  // (count, D)
};
Result<NetworkOutput> run_network(Network& network, std::span<const float> images, int count);

}  // namespace dfa
