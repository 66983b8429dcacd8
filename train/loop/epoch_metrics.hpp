// A line of metrics.jsonl: what one epoch came to.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "train/loop/validation.hpp"
#include "train/losses/loss_values.hpp"

namespace dfa::train {

// The seconds, crops_per_second and peak_memory_mib tell of the machine; all else is a function of configuration and
// data, and equal in equal runs to the last bit.
struct EpochMetrics {
  std::int64_t epoch = 0;  // from 1
  std::int64_t steps = 0;
  double learning_rate = 0;                   // of the last step
  double train_loss = 0;                      // mean over the steps
  TermMeans train_terms;                      // of the loss, before weighting, each over the steps that had it
  double grad_norm = 0;                       // mean over the steps that were taken
  std::optional<std::int64_t> skipped_steps;  // left out by the loss scale; nothing without loss scaling
  ValidationResult validation;
  std::int64_t best_epoch = 0;
  std::vector<std::string> warnings;
  double train_seconds = 0;
  double val_seconds = 0;
  double crops_per_second = 0;
  double peak_memory_mib = 0;
};

// JSON on one line.
std::string metrics_line(const EpochMetrics& metrics);
// Errors: model_format.
Result<EpochMetrics> parse_metrics_line(std::string_view line);

// Note [Validation falls while training rises]
// Said of an epoch when in it and the two before it the validation AUC lay more than 0.02 below the best one, and its
// mean training loss is below that of the best epoch: the network still learns its training crops, and no longer what
// they have in common with others.
inline constexpr double kFallenBy = 0.02;
inline constexpr std::size_t kFallenEpochs = 3;

// Of the last of `epochs`, which are all from the first on.
std::vector<std::string> warnings_of(std::span<const EpochMetrics> epochs);

}  // namespace dfa::train
