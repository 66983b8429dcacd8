#include "eval/score_crops.hpp"

#include <algorithm>

#include "dataset/layouts/words.hpp"
#include "eval/crop_batches.hpp"
#include "eval/score_csv.hpp"

namespace dfa {
namespace {

void fail_score(CropScore& score, Outcome outcome, std::string problem) {
  score.outcome = outcome;
  score.problem = std::move(problem);
}

}  // namespace

std::string manifest_recipe_difference(const Manifest& manifest, const CropRecipe& recipe) {
  std::string difference;
  const auto note = [&](std::string_view field, const auto& got, const auto& want) {
    if (got != want) difference += fmt::format("{}{}: {} against {}", difference.empty() ? "" : "; ", field, got, want);
  };
  note("recipe", manifest.crop_name, recipe.name);
  note("stored_px", manifest.stored_px, recipe.stored_px);
  if (!manifest.crop_sha256.empty()) note("sha256", manifest.crop_sha256, crop_recipe_hash(recipe));
  return difference;
}

Status check_crop_recipe(const Manifest& manifest, const std::filesystem::path& path, const CropRecipe& recipe,
                         RecipeCheck check) {
  const std::string difference = manifest_recipe_difference(manifest, recipe);
  if (difference.empty() || check == RecipeCheck::skip) return {};
  return fail(
      ErrorCode::recipe_mismatch,
      "{}: its crops were not made by the model's recipe ({})\n  likely cause: the model was trained on other crops\n"
      "  next step: make the crops with the model's recipe, or pass --force-crop and say so beside the figures",
      path.string(), difference);
}

Result<std::vector<CropScore>> score_crops(const Model& model, const std::filesystem::path& manifest_path, Role role,
                                           const ScoreCropsOptions& options, const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(manifest_path));
  DFA_TRY(check_crop_recipe(manifest, manifest_path, model.crop, options.recipe));
  DFA_ASSIGN_OR_RETURN(CropBatches batches, CropBatches::create(model, options.network));

  const std::filesystem::path root = manifest_root(manifest, manifest_path);
  std::vector<CropScore> scores;
  for (const ManifestEntry& entry : manifest.entries)
    if (entry.role == role && (!options.wanted || options.wanted(entry)))
      scores.push_back({.path = entry.path,
                        .label = entry.label,
                        .method = entry.method,
                        .video = normal_path((root / video_key(entry)).lexically_normal().generic_string()),
                        .p_fake = {},
                        .problem = {},
                        .outcome = Outcome::scored,
                        .set = entry.set,
                        .identity = entry.identity,
                        .frame = entry.frame,
                        .margin = {}});

  const CropBatches::OnScore on_score = [&](std::size_t i, const std::optional<CropNumbers>& numbers) {
    if (!numbers) return fail_score(scores[i], Outcome::abstained, "the network's logits are not finite");
    scores[i].p_fake = numbers->p_fake;
    scores[i].margin = numbers->margin;
  };
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped after {} of {} crops", i, scores.size());
    const Result<Picture> crop = read_stored_crop(root / scores[i].path, model.crop);
    if (crop)
      DFA_TRY(batches.add(crop->view(), i, on_score));
    else
      fail_score(scores[i], Outcome::decode_error, crop.error().message);
    if (options.progress) options.progress(i + 1, scores.size());
  }
  DFA_TRY(batches.flush(on_score));
  return scores;
}

Status add_scores(ScoreTable& table, std::span<const CropScore> scores) {
  for (const CropScore& score : scores)
    DFA_TRY(table.add({.path = score.path,
                       .set = score.set,
                       .method = score.method,
                       .video = score.video,
                       .identity = score.identity,
                       .problem = score.problem,
                       .label = score.label,
                       .p_fake = score.p_fake,
                       .margin = score.margin,
                       .outcome = score.outcome,
                       .frame = score.frame}));
  return {};
}

Result<ScoreTable> score_table_of(std::span<const CropScore> scores) {
  ScoreTable table;
  DFA_TRY(add_scores(table, scores));
  return table;
}

}  // namespace dfa
