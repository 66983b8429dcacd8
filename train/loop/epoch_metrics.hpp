// A line of metrics.jsonl: what one epoch came to.
#pragma once

#include <cstdint>
#include <string>

#include "train/loop/validation.hpp"
#include "train/losses/loss_values.hpp"

namespace dfa::train {

// seconds, crops_per_second and peak_memory_mib tell of the machine; all else is a function of configuration and data.
struct EpochMetrics {
  std::int64_t epoch = 0;  // from 1
  std::int64_t steps = 0;
  double learning_rate = 0;  // of the last step
  double train_loss = 0;     // mean over the steps
  TermMeans train_terms;     // of the loss, before weighting, each over the steps that had it
  double grad_norm = 0;      // mean over the steps
  ValidationResult validation;
  std::int64_t best_epoch = 0;
  double train_seconds = 0;
  double val_seconds = 0;
  double crops_per_second = 0;
  double peak_memory_mib = 0;
};

// JSON on one line.
std::string metrics_line(const EpochMetrics& metrics);

}  // namespace dfa::train
