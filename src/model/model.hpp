// What a model file means: network configuration, crop recipe, calibration, provenance and weights (spec interfaces.md
// 6).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/calibration.hpp"
#include "model/item_rule.hpp"
#include "model/quantised.hpp"
#include "nn/network.hpp"
#include "nn/network_config.hpp"
#include "preprocess/crop_recipe.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// The file's own proof: crops in, logits out.
struct GoldenVectors {
  int count = 0;
  int side = 0;  // crops are (count, side, side, 3) u8, side = recipe.stored_px
  std::vector<std::uint8_t> crops;
  std::vector<float> logits;  // (count, classes), from the ref engine
};

struct Model {
  std::string kind = "detector";  // dfa.kind: detector, adapter, backbone, mtcnn
  std::string name;               // shown in records
  NetworkConfig config;
  CropRecipe crop;
  ItemRule item_rule = ItemRule::persons;
  // What stands in for a part of the published program, and changes its numbers: "detector substituted: SCRFD ... by
  // mtcnn". Records and reports repeat it. Empty: nothing does.
  std::string substituted;
  std::optional<Calibration> calibration;  // absent in a model that nobody validated
  std::optional<GoldenVectors> golden;
  std::optional<ModelQuantisation> quantised;  // absent: the file has no int8 scales. Belongs to `weights`
  std::string training;                        // dfa.training, JSON text of an object, may be empty
  std::string license;
  std::string card;
  TensorMap weights;   // the network's tensors, under the authors' names
  std::string sha256;  // of the file it came from; empty for one that was never written
};

// network_config <-> `dfa.config` JSON text. Parsing is strict; absent keys take the defaults of NetworkConfig only
// when `allow_defaults`.
std::string network_config_json(const NetworkConfig& config);
Result<NetworkConfig> parse_network_config(std::string_view json);
// Applies `key=value` of --set; nested and the flat golden names both (image dim depth heads lsa_heads bottleneck
// stages mlp ...).
Status set_network_field(NetworkConfig& config, std::string_view assignment);

// Strict. Errors: file_*, model_format, model_incompatible (format version; says got, reads, likely cause, next step),
// model_tensors.
Result<Model> load_model(const std::filesystem::path& path);
Result<Model> parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
// The model compiled into the program. Errors: model_incompatible when this build has none.
Result<Model> embedded_model();
// f16 or f32 weights; statistics stay f32. Written beside and renamed; equal content gives equal bytes.
Status save_model(const Model& model, const std::filesystem::path& path, Dtype weights_dtype);

// The engine of a model: make_network() with its configuration, weights and int8 scales. `options.quantisation` is the
// model's. The model may go afterwards. Errors: those of make_network(); usage for int8 without scales.
Result<std::unique_ptr<Network>> model_network(const Model& model, NetworkOptions options);

}  // namespace dfa
