#include "train/export/export_model.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "exchange/proven_model.hpp"
#include "train/export/adapter_file.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/nets/factors.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

Status export_adapter(const std::filesystem::path& source, const std::filesystem::path& out,
                      const ExportOptions& options) {
  DFA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, read_source(source));
  const RunConfig& config = checkpoint.config;
  AdapterFile adapter;
  adapter.record.model = described_model(checkpoint, options);
  adapter.tuning = config.tuning;
  adapter.record.base_name = config.pretrained.empty() ? fmt::format("random start, seed {}", config.seed)
                                                       : std::filesystem::path(config.pretrained).filename().string();
  adapter.record.base_sha256 = checkpoint.trunk_sha256;
  for (const ParameterSpec& spec : adapter_parameters(config.network, config.tuning)) {
    const auto found = checkpoint.network.find(spec.name);
    if (found != checkpoint.network.end()) adapter.record.model.weights[spec.name] = found->second;
  }
  return write_adapter(adapter, out);
}

Result<Model> merge_adapter(const std::filesystem::path& adapter_path, const std::filesystem::path& base,
                            const std::filesystem::path& out, const ExportOptions& options) {
  DFA_ASSIGN_OR_RETURN(const AdapterFile adapter, read_adapter(adapter_path));
  Model model = adapter.record.model;
  model.kind = Model{}.kind;
  DFA_ASSIGN_OR_RETURN(model.weights, merged_weights(adapter, base));
  return save_with_golden(std::move(model), out, options.weights, options.golden_crops, 0);
}

Result<Model> export_model(const std::filesystem::path& source, const std::filesystem::path& out,
                           const ExportOptions& options) {
  DFA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, read_source(source));
  Model model = described_model(checkpoint, options);
  DFA_ASSIGN_OR_RETURN(model.weights,
                       merge_factors(checkpoint.config.network, checkpoint.config.tuning, checkpoint.network));
  return save_with_golden(std::move(model), out, options.weights, options.golden_crops, 0);
}

}  // namespace dfa::train
