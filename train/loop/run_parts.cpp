#include "train/loop/run_parts.hpp"

#include <map>
#include <tuple>

#include "base/hash.hpp"
#include "train/config/precision.hpp"
#include "train/data/crop_file.hpp"
#include "train/data/pairing.hpp"
#include "train/devices/batch_memory.hpp"
#include "train/devices/shares.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/nets/start_weights.hpp"
#include "version.hpp"

namespace dfa::train {

namespace {

std::string describe(const CropSet& crops) {
  std::size_t fakes = 0;
  for (const Sample& sample : crops.samples()) fakes += sample.label == 1 ? 1 : 0;
  return fmt::format("{} real, {} fake{}", crops.samples().size() - fakes, fakes,
                     crops.unlabelled() > 0 ? fmt::format(", {} without a label left out", crops.unlabelled()) : "");
}

std::string describe(const Pairing& pairing) {
  std::size_t fakes = 0;
  for (const PairGroup& group : pairing.groups) fakes += group.fakes.size();
  return fmt::format(
      "paired sampling: {} real crops with {} fakes of the same frames; {} real, {} fake without a partner, shown by "
      "themselves",
      pairing.groups.size(), fakes, pairing.unpaired.size() - pairing.unpaired_fakes, pairing.unpaired_fakes);
}

bool has_both_classes(const CropSet& crops) {
  bool seen[2] = {false, false};
  for (const Sample& sample : crops.samples()) seen[sample.label] = true;
  return seen[0] && seen[1];
}

std::vector<DataCount> count_crops(const Manifest& manifest) {
  std::map<std::tuple<Role, int, std::string>, std::int64_t> counts;
  constexpr int kUnknown = 2;
  for (const ManifestEntry& entry : manifest.entries)
    ++counts[{entry.role, entry.label.value_or(kUnknown), entry.label == 1 ? entry.method : ""}];
  constexpr const char* kLabels[] = {"real", "fake", "unknown"};
  std::vector<DataCount> alike;
  for (const auto& [key, crops] : counts) {
    const auto& [role, label, method] = key;
    alike.push_back({std::string(role_name(role)), kLabels[label], method, crops});
  }
  return alike;
}

}  // namespace

Result<RunParts> open_parts(const RunConfig& config, std::shared_ptr<RankGroup> group, RunObserver& observer) {
  RunParts parts;
  parts.config = config;
  parts.group = std::move(group);
  DFA_TRY(choose_means(parts, observer));
  DFA_TRY(open_data(parts, observer));
  DFA_TRY(build_network(parts, observer));
  return parts;
}

Status choose_means(RunParts& parts, RunObserver& observer) {
  RunConfig& config = parts.config;
  DFA_ASSIGN_OR_RETURN(parts.device, choose_device(config.device, parts.group->local_rank()));
  if (config.device.kind != DeviceWish::Kind::cpu)
    observer.note(LogLevel::info, "device: " + device_name(parts.device));
  DFA_ASSIGN_OR_RETURN(const std::string backend, choose_rank_backend(*parts.group, parts.device, config.rank_backend));
  if (!backend.empty()) observer.note(LogLevel::info, backend);
  if (const std::string instead = settle_precision(config, parts.device); !instead.empty())
    observer.note(LogLevel::warning, instead);
  parts.batch_memory = batch_memory(parts.device);
  if (scales_loss(config)) parts.loss_scale.emplace(config.loss_scale);
  return {};
}

Status open_data(RunParts& parts, RunObserver& observer) {
  const RunConfig& config = parts.config;
  if (config.data.manifest.empty())
    return fail(ErrorCode::usage, "configuration: \"data.manifest\" is empty, expected the manifest's path");
  const std::filesystem::path path = config.data.manifest;
  DFA_ASSIGN_OR_RETURN(CropFile file, open_crop_file(path));
  DFA_TRY(choose_methods(file, config.data.methods));
  parts.manifest_sha256 = file.sha256;
  parts.data_counts = count_crops(file.manifest);
  const std::uint64_t cache_bytes = static_cast<std::uint64_t>(config.data.cache_mib) << 20;
  DFA_ASSIGN_OR_RETURN(parts.train_crops, CropSet::open(file, Role::train, config.crop, cache_bytes));
  DFA_ASSIGN_OR_RETURN(parts.val_crops, CropSet::open(file, config.select_on, config.crop, cache_bytes));
  if (!has_both_classes(*parts.val_crops))
    return fail(ErrorCode::usage, "{}: role {} has {}; choosing the best checkpoint needs both classes{}",
                path.string(), role_name(config.select_on), describe(*parts.val_crops),
                config.select_on == Role::val ? " (role test is never used for it)" : "");
  observer.note(LogLevel::info, fmt::format("train: {}; {}: {}", describe(*parts.train_crops),
                                            role_name(config.select_on), describe(*parts.val_crops)));
  DFA_ASSIGN_OR_RETURN(parts.class_weights, weights_of_classes(config.data.class_weights, parts.train_crops->samples(),
                                                               config.network.classes));
  if (!parts.class_weights.empty())
    observer.note(LogLevel::info, "weights in the loss: " + class_weights_text(parts.class_weights));
  for (const std::string& deviation : deviations_of(config)) observer.note(LogLevel::warning, deviation);
  if (config.data.self_blend > 0) {
    DFA_ASSIGN_OR_RETURN(parts.blender, SelfBlender::create(*parts.train_crops, config.crop));
    observer.note(LogLevel::info,
                  fmt::format("self-blended pairs: drawn from {} real crops", parts.blender->candidates().size()));
  }
  if (config.data.sampling == Sampling::paired)
    observer.note(LogLevel::info, describe(find_pairs(parts.train_crops->samples())));
  DFA_TRY(plan_of(parts, 0));  // what cannot be planned is said before the network is built
  return {};
}

Result<std::vector<Slot>> plan_of(const RunParts& parts, std::int64_t epoch) {
  const RunConfig& config = parts.config;
  PlanOptions options;
  options.sampling = config.data.sampling;
  options.samples_per_epoch = static_cast<std::size_t>(config.data.samples_per_epoch);
  options.self_blend = config.data.self_blend;
  options.batch = static_cast<std::size_t>(config.batch);
  options.seed = config.seed;
  options.epoch = static_cast<std::uint64_t>(epoch);
  std::span<const std::uint32_t> blendable;
  if (parts.blender) blendable = parts.blender->candidates();
  return plan_epoch(parts.train_crops->samples(), blendable, options);
}

Status build_network(RunParts& parts, RunObserver& observer) {
  const RunConfig& config = parts.config;
  DFA_ASSIGN_OR_RETURN(parts.micro_batch, micro_batch_size(config, parts.group->size()));
  DFA_ASSIGN_OR_RETURN(const int threads, threads_of_rank(*parts.group, config.threads));
  set_torch_threads(threads);
  DFA_ASSIGN_OR_RETURN(parts.network,
                       TrainNetwork::create(config.network, config.tuning, config.attention, parts.device));
  parts.network->set_recompute(config.recompute);
  DFA_ASSIGN_OR_RETURN(const StartWeights start,
                       start_weights(config.network, config.tuning, config.seed, config.pretrained));
  if (!config.pretrained.empty()) {
    DFA_ASSIGN_OR_RETURN(parts.initial_sha256, sha256_file(config.pretrained));
  }
  parts.trunk_sha256 = start.trunk_sha256;
  DFA_TRY(parts.network->load(start.weights));
  DFA_TRY(parts.network->add_loss_heads(init_loss_heads(config.network, config.loss, config.seed)));
  share_statistics(*parts.network, *parts.group, config.head_statistics);
  parts.gradients = GradientPool::create(*parts.network, *parts.group);
  DFA_ASSIGN_OR_RETURN(parts.optimizer, Optimizer::create(*parts.network, config.optimizer));
  if (config.ema > 0) parts.average = WeightAverage::create(*parts.network, config.ema);

  const TrainedCounts counts = parts.network->counts();
  const TrainedCounts expected = count_trained(config.network, config.tuning);
  if (counts.trained != expected.trained || counts.frozen != expected.frozen)
    return fail(ErrorCode::internal, "the network has {}, its configuration {}", counts_text(counts),
                counts_text(expected));
  observer.note(LogLevel::info,
                fmt::format("tuning {}: parameters: {}", tuning_word(config.tuning), counts_text(counts)));
  return {};
}

Checkpoint snapshot(const RunParts& parts, const RunPosition& position, CheckpointKind kind) {
  Checkpoint checkpoint;
  checkpoint.kind = kind;
  checkpoint.config = parts.config;
  checkpoint.position = position;
  checkpoint.code_version = std::string(kVersion) + " (" + kBuildId + ")";
  checkpoint.manifest_sha256 = parts.manifest_sha256;
  checkpoint.initial_sha256 = parts.initial_sha256;
  checkpoint.trunk_sha256 = parts.trunk_sha256;
  checkpoint.network = parts.network->tensors();
  checkpoint.loss_heads = parts.network->loss_heads();
  if (kind == CheckpointKind::weights) return checkpoint;
  checkpoint.optimizer = parts.optimizer->state();
  if (parts.average) checkpoint.average = parts.average->state();
  if (parts.loss_scale) checkpoint.loss_scale = parts.loss_scale->state();
  return checkpoint;
}

}  // namespace dfa::train
