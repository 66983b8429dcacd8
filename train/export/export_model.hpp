// From a checkpoint to the model file that dfa runs.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"
#include "model/model.hpp"

namespace dfa::train {

struct ExportOptions {
  std::string name;            // empty: the run's name
  std::string card;            // text of the model card
  std::string license;         // text of the terms
  Dtype weights = Dtype::f16;  // or f32; running statistics stay f32
  int golden_crops = 4;        // crops made by rule (no picture of anybody), with logits of the ref engine; 0 = none
};

// `source`: a run folder (its best.safetensors) or a checkpoint file. The golden logits are those of the weights as
// stored (f16 where asked), by the ref engine. Errors: those of read_checkpoint, save_model, make_network; internal for
// logits that are not finite.
Result<Model> export_model(const std::filesystem::path& source, const std::filesystem::path& out,
                           const ExportOptions& options);

// Crops for golden vectors, (count, side, side, 3) u8, from the hash rule alone: even ones noise, odd ones smooth (8x8
// noise enlarged), because a network sees more than noise.
Result<std::vector<std::uint8_t>> made_crops(int count, int side);

}  // namespace dfa::train
