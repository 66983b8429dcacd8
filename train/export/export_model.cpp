#include "train/export/export_model.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/rng.hpp"
#include "model/model_save.hpp"
#include "preprocess/crop.hpp"
#include "train/export/adapter_file.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/nets/factors.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSmoothSide = 8;

std::uint8_t made_byte(std::string_view name, std::uint64_t index) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  return static_cast<std::uint8_t>(mix64(index + fnv1a32(name) * kGolden) >> 56);
}

Picture noise(std::string_view name, int side) {
  Picture picture{side, side,
                  std::vector<std::uint8_t>(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side))};
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = made_byte(name, i);
  return picture;
}

// What dfa.training says: how this model came about, and which parts of the data chose it.
std::string training_text(const Checkpoint& checkpoint) {
  const RunPosition& at = checkpoint.position;
  Json metrics = nullptr;
  if (!at.history.empty())
    metrics = Json::parse(
        at.history[static_cast<std::size_t>(std::clamp<std::int64_t>(at.best_epoch, 1, at.epoch)) - 1], nullptr, false);
  const Json json = {
      {"config", Json::parse(run_config_json(checkpoint.config))},
      {"seed", checkpoint.config.seed},
      {"code_version", checkpoint.code_version},
      {"manifest_sha256", checkpoint.manifest_sha256},
      {"pretrained_sha256", checkpoint.initial_sha256},
      {"epochs", at.epoch},
      {"selected_on", role_name(checkpoint.config.select_on)},
      {"selection", checkpoint.config.select_on == Role::test
                        ? "highest AUC over the crops of role test, of equal ones the later"
                        : "highest validation AUC over crops, of equal ones the earlier; role test not used"},
      {"deviations", deviations_of(checkpoint.config)},
      {"metrics", metrics}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Logits of `model` on golden crops by the ref engine.
Result<std::vector<float>> reference_logits(const Model& model, const std::vector<std::uint8_t>& crops, int count) {
  const std::size_t side = static_cast<std::size_t>(model.crop.stored_px),
                    input = static_cast<std::size_t>(model.config.image);
  std::vector<float> images(static_cast<std::size_t>(count) * 3 * input * input);
  for (int i = 0; i < count; ++i) {
    const PictureView view{model.crop.stored_px, model.crop.stored_px, static_cast<std::ptrdiff_t>(3 * side),
                           &crops[static_cast<std::size_t>(i) * 3 * side * side]};
    DFA_TRY(
        crop_to_tensor(view, model.crop, model.config.image,
                       std::span(images).subspan(static_cast<std::size_t>(i) * 3 * input * input, 3 * input * input)));
  }
  NetworkOptions options;
  options.precision = Precision::ref;
  DFA_ASSIGN_OR_RETURN(const auto network, make_network(model.config, model.weights, options));
  std::vector<float> logits(static_cast<std::size_t>(count) * static_cast<std::size_t>(model.config.classes));
  DFA_TRY(network->forward(images, count, {logits, {}}));
  for (const float logit : logits)
    if (!std::isfinite(logit))
      return fail(ErrorCode::internal, "the exported weights give a logit of {}, expected a finite number", logit);
  return logits;
}

Result<Checkpoint> read_source(const std::filesystem::path& source) {
  return read_checkpoint(std::filesystem::is_directory(source) ? source / kBestCheckpoint : source);
}

// All but the weights.
Model described_model(const Checkpoint& checkpoint, const ExportOptions& options) {
  Model model;
  model.name = options.name.empty() ? checkpoint.config.name : options.name;
  model.config = checkpoint.config.network;
  model.crop = checkpoint.config.crop;
  model.training = training_text(checkpoint);
  model.license = options.license;
  model.card = options.card;
  return model;
}

// Adds golden vectors and writes.
Result<Model> write_model(Model model, const std::filesystem::path& out, const ExportOptions& options) {
  if (options.golden_crops > 0) {
    GoldenVectors golden;
    golden.count = options.golden_crops;
    golden.side = model.crop.stored_px;
    DFA_ASSIGN_OR_RETURN(golden.crops, made_crops(golden.count, golden.side));
    Model stored = model;
    DFA_ASSIGN_OR_RETURN(stored.weights, stored_weights(model, options.weights));
    DFA_ASSIGN_OR_RETURN(golden.logits, reference_logits(stored, golden.crops, golden.count));
    model.golden = std::move(golden);
  }
  DFA_TRY(save_model(model, out, options.weights));
  return load_model(out);
}

}  // namespace

Result<std::vector<std::uint8_t>> made_crops(int count, int side) {
  std::vector<std::uint8_t> crops;
  for (int i = 0; i < count; ++i) {
    const std::string name = "golden.crop." + std::to_string(i);
    Picture picture = noise(name, i % 2 == 0 ? side : std::min(side, kSmoothSide));
    DFA_ASSIGN_OR_RETURN(picture, resize_antialiased(picture.view(), side, side, "bilinear"));
    crops.insert(crops.end(), picture.rgb.begin(), picture.rgb.end());
  }
  return crops;
}

Status export_adapter(const std::filesystem::path& source, const std::filesystem::path& out,
                      const ExportOptions& options) {
  DFA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, read_source(source));
  const RunConfig& config = checkpoint.config;
  AdapterFile adapter;
  adapter.model = described_model(checkpoint, options);
  adapter.tuning = config.tuning;
  adapter.base_name = config.pretrained.empty() ? fmt::format("random start, seed {}", config.seed)
                                                : std::filesystem::path(config.pretrained).filename().string();
  adapter.base_sha256 = checkpoint.trunk_sha256;
  for (const ParameterSpec& spec : adapter_parameters(config.network, config.tuning)) {
    const auto found = checkpoint.network.find(spec.name);
    if (found != checkpoint.network.end()) adapter.model.weights[spec.name] = found->second;
  }
  return write_adapter(adapter, out);
}

Result<Model> merge_adapter(const std::filesystem::path& adapter_path, const std::filesystem::path& base,
                            const std::filesystem::path& out, const ExportOptions& options) {
  DFA_ASSIGN_OR_RETURN(const AdapterFile adapter, read_adapter(adapter_path));
  Model model = adapter.model;
  model.kind = Model{}.kind;
  DFA_ASSIGN_OR_RETURN(model.weights, merged_weights(adapter, base));
  return write_model(std::move(model), out, options);
}

Result<Model> export_model(const std::filesystem::path& source, const std::filesystem::path& out,
                           const ExportOptions& options) {
  DFA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, read_source(source));
  Model model = described_model(checkpoint, options);
  DFA_ASSIGN_OR_RETURN(model.weights,
                       merge_factors(checkpoint.config.network, checkpoint.config.tuning, checkpoint.network));
  return write_model(std::move(model), out, options);
}

}  // namespace dfa::train
