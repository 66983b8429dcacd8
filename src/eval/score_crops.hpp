// Runs a model over the crops of a manifest.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "eval/score_table.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"
#include "score/result.hpp"

namespace dfa {

// A crop and what the model says of it.
struct CropScore {
  std::string path;              // as the manifest has it
  std::optional<int> label;      // 1 = fake; nothing where the manifest does not say
  std::string method;            // of forgery; empty for reals
  std::string video;             // video_key() below the manifest's root: unique over manifests
  std::optional<double> p_fake;  // nothing where the crop could not be scored: never a number in its place
  std::string problem;           // why there is no score
  Outcome outcome = Outcome::scored;
  std::string set, identity;
  std::optional<std::int64_t> frame;
  std::optional<double> margin;  // l1 - l0 before calibration
};

enum class RecipeCheck { enforce, skip };

struct ScoreCropsOptions {
  NetworkOptions network;
  RecipeCheck recipe = RecipeCheck::enforce;
  // Told now and then: crops done and crops in all. May be empty.
  std::function<void(std::size_t, std::size_t)> progress;
};

// Scores every crop of `role`, in the manifest's order. A crop that cannot be read or has another size than the recipe
// stores is a decode_error under its own name. Errors: recipe_mismatch when the manifest's crops were made by another
// recipe than the model's; those of make_network; cancelled.
Result<std::vector<CropScore>> score_crops(const Model& model, const std::filesystem::path& manifest, Role role,
                                           const ScoreCropsOptions& options, const CancelFlag& cancel);

// Empty when the manifest's crops are those of `recipe`; else the difference in words.
std::string manifest_recipe_difference(const Manifest& manifest, const CropRecipe& recipe);

// The scores as rows of a table. Errors: manifest_invalid, as ScoreTable::add().
Status add_scores(ScoreTable& table, std::span<const CropScore> scores);
Result<ScoreTable> score_table_of(std::span<const CropScore> scores);

}  // namespace dfa
