// What a run works with, made from its configuration: crops, network, optimiser, weight average. The run itself and the
// plan of a run start from these.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/data/crop_set.hpp"
#include "train/loop/observer.hpp"
#include "train/nets/train_network.hpp"
#include "train/optim/optimizer.hpp"

namespace dfa::train {

struct RunParts {
  RunConfig config;
  std::string manifest_sha256;
  std::string initial_sha256;  // of the file with the pre-trained trunk; empty without one
  std::unique_ptr<CropSet> train_crops, val_crops;
  std::unique_ptr<TrainNetwork> network;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<WeightAverage> average;  // null without one
};

// Fills the crops from parts.config. Errors: usage (no manifest; role val lacks a class), manifest_invalid,
// recipe_mismatch, file_*.
Status open_data(RunParts& parts, RunObserver& observer);
// Fills network, optimiser and average, with the first weights. Errors: model_*, file_*, usage.
Status build_network(RunParts& parts, RunObserver& observer);

}  // namespace dfa::train
