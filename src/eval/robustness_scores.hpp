// Runs a model over the crops of a manifest as they look under each perturbation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "eval/robustness_recut.hpp"
#include "eval/score_crops.hpp"
#include "eval/score_table.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"
#include "pipeline/detect_job.hpp"

namespace dfa {

// What a perturbation sees.
enum class PerturbedPixels {
  frames,  // the whole frame, before the crop is cut (decisions 17)
  crops    // the stored crop alone
};

struct PerturbedScoring {
  std::vector<Perturbation> perturbations;
  std::uint64_t seed = 0;
  PerturbedPixels pixels = PerturbedPixels::frames;
  RecutFace face = RecutFace::clean;
  std::filesystem::path sources;  // root of the data set; empty: as `dfa prepare` recorded it
  NetworkOptions network;         // its threads also perturb
  RecipeCheck recipe = RecipeCheck::enforce;
  MediaLimits limits;
  // Needed for RecutFace::found: called once a thread, by the name of the crops' recipe.
  std::function<Result<std::unique_ptr<Detector>>(const CropRecipe&)> make_detector;
  // Items are videos. May be empty.
  std::function<void(const Progress&)> on_progress;
};

// How the clean crops, cut again, compare with those that the manifest names. Anything but `equal` says that the
// sources, or the decoder, are not those of then.
struct RecutComparison {
  std::size_t equal = 0;
  std::size_t different = 0;
  std::size_t unknown = 0;      // no crop on either side
  std::string first_different;  // path of the first crop that differs

  void add(const RecutComparison& other);
};

struct PerturbedScores {
  std::vector<ScoreTable> cells;  // 0: clean; k: perturbation k - 1. Rows in the order of the manifest
  RecutComparison recut;          // PerturbedPixels::frames alone
};

// Scores every crop of `role` in every cell. Equal input gives equal scores, whatever the number of threads, as far as
// the network's engine does. Memory: that of recut_video(), a batch, and 30 bytes a crop and cell besides the tables.
// Errors: those of find_sources() and make_network(); recipe_mismatch when the crops were made by another recipe than
// the model's; cancelled.
Result<PerturbedScores> score_perturbed(const Model& model, const std::filesystem::path& manifest, Role role,
                                        const PerturbedScoring& options, const CancelFlag& cancel);

}  // namespace dfa
