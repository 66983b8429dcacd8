#include "train/export/export_model.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/rng.hpp"
#include "model/model_save.hpp"
#include "preprocess/crop.hpp"
#include "train/loop/checkpoint.hpp"

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
  const Json json = {{"config", Json::parse(run_config_json(checkpoint.config))},
                     {"seed", checkpoint.config.seed},
                     {"code_version", checkpoint.code_version},
                     {"manifest_sha256", checkpoint.manifest_sha256},
                     {"pretrained_sha256", checkpoint.initial_sha256},
                     {"epochs", at.epoch},
                     {"selection", "highest validation AUC over crops, of equal ones the earlier; role test not used"},
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

Result<Model> export_model(const std::filesystem::path& source, const std::filesystem::path& out,
                           const ExportOptions& options) {
  const bool is_folder = std::filesystem::is_directory(source);
  DFA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, read_checkpoint(is_folder ? source / kBestCheckpoint : source));
  Model model;
  model.name = options.name.empty() ? checkpoint.config.name : options.name;
  model.config = checkpoint.config.network;
  model.crop = checkpoint.config.crop;
  model.training = training_text(checkpoint);
  model.license = options.license;
  model.card = options.card;
  model.weights = checkpoint.network;
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

}  // namespace dfa::train
