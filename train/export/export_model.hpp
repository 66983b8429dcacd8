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

// `source`: a run folder (its best.safetensors) or a checkpoint file. Factors of a low-rank change are multiplied out:
// the file holds plain weights. The golden logits are those of the weights as stored (f16 where asked), by the ref
// engine. Errors: those of read_checkpoint, save_model, make_network; internal for logits that are not finite.
Result<Model> export_model(const std::filesystem::path& source, const std::filesystem::path& out,
                           const ExportOptions& options);

// The adapter-only form of the same: trained tensors, statistics, and the hash of the trunk they belong to.
// `options.weights` and `golden_crops` are not used: the file is f32, and golden vectors are made when it is merged.
// Errors: those of read_checkpoint and write_adapter.
Status export_adapter(const std::filesystem::path& source, const std::filesystem::path& out,
                      const ExportOptions& options);

// An adapter file and its trunk as a model file: with the same `weights` and `golden_crops` the same bytes as
// export_model() of the run. Name, card and license are the adapter's, those of `options` are not used. Errors: those
// of read_adapter, merged_weights, save_model.
Result<Model> merge_adapter(const std::filesystem::path& adapter, const std::filesystem::path& base,
                            const std::filesystem::path& out, const ExportOptions& options);

}  // namespace dfa::train
