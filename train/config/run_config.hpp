// The configuration of a training run: JSON, strict, with everything resolved written beside the results.
//
// Note [Where a value comes from]
// Defaults, then the file, then each --set in order. A file may leave out what it does not change, but may not hold a
// key that is not in the defaults: the error names the nearest known one. The crop recipe's and the network's defaults
// follow from `crop.name` and from the published ViT-B/16, those of `augment` from `augment.set`. The resolved
// configuration holds every key, so reading it back needs no defaults. Where `pretrained` names a model file, the
// network's defaults are that file's trunk, three stages of equal length and a number of interaction heads that fits
// (train/nets/backbone.hpp), unless the configuration says the whole trunk itself, as a resolved one does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "augment/augment_sets.hpp"
#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "nn/network_config.hpp"
#include "preprocess/crop_recipe.hpp"
#include "train/config/recipe.hpp"
#include "train/data/class_weights.hpp"
#include "train/devices/device.hpp"
#include "train/devices/rank_backend.hpp"
#include "train/devices/statistics.hpp"
#include "train/losses/loss_options.hpp"
#include "train/nets/train_network.hpp"
#include "train/optim/loss_scale.hpp"
#include "train/optim/optimizer.hpp"
#include "train/optim/schedule.hpp"

namespace dfa::train {

enum class Sampling {
  shuffle,   // every crop once an epoch
  balanced,  // half real, half fake, the fakes evenly over their methods
  paired     // every crop once an epoch, a real and the fakes of its source frame in one batch (train/data/pairing.hpp)
};

// Whether `rate` is the learning rate itself or is multiplied by batch / 256, as the published recipe does.
enum class RateUnit { absolute, per_256 };

struct DataOptions {
  std::string manifest;              // path of a manifest or a pack, relative to the working directory
  std::vector<std::string> methods;  // whose fakes are trained and selected on, beside the real crops; empty = all
  Sampling sampling = Sampling::shuffle;
  std::int64_t samples_per_epoch = 0;  // of balanced, or of self_blend 1; 0 = as many as role train has crops
  ClassWeights class_weights;          // in the loss; the sampler does not look at them
  double self_blend = 0;               // share of each batch that is pairs of a real crop and its self-blended forgery
  int workers = 1;                     // threads that decode and augment; the result does not depend on their number
  int prefetch = 2;                    // batches made ahead
  std::int64_t cache_mib = 1024;       // decoded crops kept in memory up to this much; 0 = none
};

struct RunConfig {
  Recipe recipe = Recipe::standard;  // where the defaults came from
  std::string name = "run";
  std::string out = "runs/run";  // the run folder
  std::uint64_t seed = 777;
  NetworkConfig network;
  std::string
      pretrained;  // file with trunk tensors (model file, safetensors or .pt); empty = the trunk starts at random
  Tuning tuning;   // "gba+lsa"
  CropRecipe crop;
  Role select_on = Role::val;  // whose crops choose the best checkpoint; test only with recipe official
  DataOptions data;
  AugmentSet augment_set = AugmentSet::none;  // where the numbers of `augment` came from, but for those given singly
  AugmentOptions augment;
  LossOptions loss;  // its compute, statistics, epoch and class weights are set for each step
  OptimizerOptions optimizer;
  double rate = 0.1;
  RateUnit rate_unit = RateUnit::per_256;
  Schedule schedule;   // peak is computed from rate, rate_unit and batch
  int batch = 32;      // crops of a step: of all ranks and all its micro-batches
  int accumulate = 1;  // micro-batches of a step, one after the other; batch statistics are those of a micro-batch
  HeadStatistics head_statistics = HeadStatistics::whole;  // matters with several ranks only
  int rank_timeout_s = 60;                                 // a rank that does not answer for so long ends the run
  RankBackend rank_backend = RankBackend::automatic;       // over what gradients meet
  int eval_batch = 32;
  double ema = 0;  // decay of the weight average; 0 = none. Validation, best checkpoint and export then use the average
  DeviceWish device;  // "cpu"
  Compute compute = Compute::f32;
  LossScaleOptions loss_scale;
  AttentionPath attention = AttentionPath::fused;
  Recompute recompute = Recompute::nothing;
  int threads = 0;                // of torch; 0 = every processor this process may use
  int checkpoint_every = 1;       // epochs between saves of the last state
  int checkpoint_steps = 0;       // besides: steps between them; 0 = none
  double checkpoint_minutes = 0;  // besides: minutes between them; 0 = none
  int keep_every = 0;             // epochs between checkpoints that stay (epoch-NNNN.safetensors); 0 = none
  int log_every = 20;             // steps between the lines of steps.jsonl and the points of TensorBoard; 0 = none
};

// Errors: usage (unknown key with the nearest known one, wrong type, value out of range), file_*, model_incompatible.
Result<RunConfig> read_run_config(const std::filesystem::path& path, std::span<const std::string> overrides);
// `what` names the text in messages. Each override is "key=value"; nested keys are written with dots
// ("optimizer.momentum=0.8"), values are JSON, a text may go without quotes. The flat names of the golden files (image,
// dim, depth, heads, ...) mean the network's.
Result<RunConfig> parse_run_config(std::string_view json, std::string_view what,
                                   std::span<const std::string> overrides);
// Every key, indented; parse_run_config() reads it back to an equal configuration.
std::string run_config_json(const RunConfig& config);

}  // namespace dfa::train
