// dfa export --to int8: scales for the int8 engine, calibrated on the crops of a manifest.
#pragma once

#include <cstdint>
#include <string>

#include "cli/command.hpp"
#include "eval/score_crops.hpp"
#include "exchange/export.hpp"

namespace dfa::cli {

struct Int8Request {
  std::string manifest;                // --calibrate
  std::string role = "train";          // --role: whose crops; never test
  std::int64_t crops = 128;            // --crops: at most as many
  std::int64_t seed = 1;               // --seed: which of them
  double budget = 0.002;               // --budget: largest mean |difference of p_fake| from f32 on them
  std::string spatial_prior = "wide";  // --spatial-prior: wide or codes
  RecipeCheck recipe = RecipeCheck::enforce;
};

// Errors: as Exporter; manifest_invalid, recipe_mismatch and those of media for the crops, of which every one has to be
// readable; usage for role test; cancelled.
Result<Exported> export_int8(const ExportSettings& settings, const Int8Request& request, const CommandContext& context);

}  // namespace dfa::cli
