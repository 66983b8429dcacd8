#include "train/loop/run_parts.hpp"

#include "base/hash.hpp"
#include "dataset/manifest.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/nets/init.hpp"
#include "train/nets/pretrained.hpp"

namespace dfa::train {

namespace {

std::string describe(const CropSet& crops) {
  std::size_t fakes = 0;
  for (const Sample& sample : crops.samples()) fakes += sample.label == 1 ? 1 : 0;
  return fmt::format("{} real, {} fake{}", crops.samples().size() - fakes, fakes,
                     crops.unlabelled() > 0 ? fmt::format(", {} without a label left out", crops.unlabelled()) : "");
}

bool has_both_classes(const CropSet& crops) {
  bool seen[2] = {false, false};
  for (const Sample& sample : crops.samples()) seen[sample.label] = true;
  return seen[0] && seen[1];
}

}  // namespace

Status open_data(RunParts& parts, RunObserver& observer) {
  const RunConfig& config = parts.config;
  if (config.data.manifest.empty())
    return fail(ErrorCode::usage, "configuration: \"data.manifest\" is empty, expected the manifest's path");
  const std::filesystem::path path = config.data.manifest;
  DFA_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(path));
  DFA_ASSIGN_OR_RETURN(parts.manifest_sha256, sha256_file(path));
  const std::uint64_t cache_bytes = static_cast<std::uint64_t>(config.data.cache_mib) << 20;
  DFA_ASSIGN_OR_RETURN(parts.train_crops, CropSet::open(manifest, path, Role::train, config.crop, cache_bytes));
  DFA_ASSIGN_OR_RETURN(parts.val_crops, CropSet::open(manifest, path, Role::val, config.crop, cache_bytes));
  if (!has_both_classes(*parts.val_crops))
    return fail(ErrorCode::usage,
                "{}: role val has {}; choosing the best checkpoint needs both classes (role test is never used for it)",
                path.string(), describe(*parts.val_crops));
  observer.note(LogLevel::info,
                fmt::format("train: {}; val: {}", describe(*parts.train_crops), describe(*parts.val_crops)));
  return {};
}

Status build_network(RunParts& parts, RunObserver& observer) {
  const RunConfig& config = parts.config;
  set_torch_threads(config.threads);
  DFA_ASSIGN_OR_RETURN(parts.network, TrainNetwork::create(config.network, config.trained, config.attention));
  TensorMap weights = init_weights(config.network, config.seed);
  if (!config.pretrained.empty()) {
    DFA_TRY(put_pretrained_trunk(config.network, config.pretrained, weights));
    DFA_ASSIGN_OR_RETURN(parts.initial_sha256, sha256_file(config.pretrained));
  }
  DFA_TRY(parts.network->load(weights));
  DFA_TRY(parts.network->add_loss_heads(init_loss_heads(config.network, config.loss, config.seed)));
  DFA_ASSIGN_OR_RETURN(parts.optimizer, Optimizer::create(*parts.network, config.optimizer));
  if (config.ema > 0) parts.average = WeightAverage::create(*parts.network, config.ema);

  const TrainedCounts counts = parts.network->counts();
  const ParameterCounts expected = count_parameters(config.network);
  if (counts.trained + counts.frozen != expected.trunk + expected.adapters)
    return fail(ErrorCode::internal, "the network has {} parameters, its configuration {}",
                counts.trained + counts.frozen, expected.trunk + expected.adapters);
  if (config.trained == adapter_groups() && counts.trained != expected.adapters)
    return fail(ErrorCode::internal, "{} parameters learn, the adapters and the head have {}", counts.trained,
                expected.adapters);
  observer.note(LogLevel::info, fmt::format("parameters: {} trained, {} frozen", counts.trained, counts.frozen));
  return {};
}

}  // namespace dfa::train
