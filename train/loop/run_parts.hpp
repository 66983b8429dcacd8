// What a run works with, made from its configuration: crops, network, optimiser, weight average. The run itself and the
// plan of a run start from these.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/data/crop_set.hpp"
#include "train/data/epoch_plan.hpp"
#include "train/data/self_blender.hpp"
#include "train/devices/gradient_pool.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/observer.hpp"
#include "train/nets/train_network.hpp"
#include "train/optim/loss_scale.hpp"
#include "train/optim/optimizer.hpp"

namespace dfa::train {

// Crops of the manifest that are alike.
struct DataCount {
  std::string role;
  std::string label;   // "real", "fake", "unknown"
  std::string method;  // of the fakes; empty where the manifest names none
  std::int64_t crops = 0;
};

struct RunParts {
  RunConfig config;
  std::shared_ptr<RankGroup> group = RankGroup::alone();  // who trains together
  std::vector<DataCount> data_counts;                     // the whole manifest, in the order of role, label, method
  std::string manifest_sha256;
  std::string initial_sha256;  // of the file with the pre-trained trunk; empty without one
  std::string trunk_sha256;    // of the trunk's tensors before training
  std::unique_ptr<CropSet> train_crops, val_crops;
  std::vector<double> class_weights;     // (classes); empty = none
  std::unique_ptr<SelfBlender> blender;  // null without self-blended pairs
  Device device;
  std::unique_ptr<std::pmr::memory_resource> batch_memory;  // null: ordinary memory
  std::unique_ptr<TrainNetwork> network;
  int micro_batch = 0;  // crops of one forward pass of one rank
  std::unique_ptr<GradientPool> gradients;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<WeightAverage> average;  // null without one
  std::optional<LossScale> loss_scale;     // nothing where steps need none
};

// Everything a run with this configuration works with. Errors: those of the three below.
Result<RunParts> open_parts(const RunConfig& config, std::shared_ptr<RankGroup> group, RunObserver& observer);
// Chooses the device, over what ranks meet on it, and in what arithmetic steps are computed there, which may change
// parts.config. A meeting. Errors: usage for what this machine does not have.
Status choose_means(RunParts& parts, RunObserver& observer);
// Fills the crops from parts.config, and what blends them. Errors: usage (no manifest; role val lacks a class; no
// points for self-blending; an epoch that cannot be planned), manifest_invalid, recipe_mismatch, file_*.
Status open_data(RunParts& parts, RunObserver& observer);
// What an epoch shows. Errors: those of plan_epoch().
Result<std::vector<Slot>> plan_of(const RunParts& parts, std::int64_t epoch);
// Fills network, optimiser and average, with the first weights. Errors: model_*, file_*, usage.
Status build_network(RunParts& parts, RunObserver& observer);

// The state as it is now.
Checkpoint snapshot(const RunParts& parts, const RunPosition& position, CheckpointKind kind);

}  // namespace dfa::train
