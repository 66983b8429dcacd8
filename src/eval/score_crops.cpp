#include "eval/score_crops.hpp"

#include <algorithm>

#include "eval/score_csv.hpp"
#include "media/read_picture.hpp"
#include "preprocess/crop.hpp"
#include "score/operating_point.hpp"

namespace dfa {
namespace {

void fail_score(CropScore& score, Outcome outcome, std::string problem) {
  score.outcome = outcome;
  score.problem = std::move(problem);
}

// Collects readable crops into batches and runs the network on full ones.
class BatchScorer {
 public:
  BatchScorer(const Model& model, Network& network, std::size_t batch, std::vector<CropScore>& scores)
      : model_(model),
        network_(network),
        batch_(batch),
        scores_(scores),
        values_(3 * side() * side()),
        images_(batch * values_) {}

  // `item`: where the score belongs.
  Status add(const Picture& crop, std::size_t item) {
    DFA_TRY(crop_to_tensor(crop.view(), model_.crop, model_.config.image,
                           std::span(images_).subspan(items_.size() * values_, values_)));
    items_.push_back(item);
    return items_.size() == batch_ ? flush() : Status{};
  }

  Status flush() {
    if (items_.empty()) return {};
    const std::size_t classes = static_cast<std::size_t>(model_.config.classes);
    std::vector<float> logits(items_.size() * classes);
    DFA_TRY(network_.forward(std::span(images_).first(items_.size() * values_), static_cast<int>(items_.size()),
                             {.logits = logits, .feature = {}}));
    const double temperature = model_.calibration ? model_.calibration->temperature : 1.0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      CropScore& score = scores_[items_[i]];
      const std::span<const float> of_crop = std::span(logits).subspan(i * classes, classes);
      score.p_fake = p_fake_from_logits(of_crop, temperature);
      if (score.p_fake)
        score.margin = static_cast<double>(of_crop[1]) - static_cast<double>(of_crop[0]);
      else
        fail_score(score, Outcome::abstained, "the network's logits are not finite");
    }
    items_.clear();
    return {};
  }

 private:
  std::size_t side() const { return static_cast<std::size_t>(model_.config.image); }
  const Model& model_;
  Network& network_;
  std::size_t batch_;
  std::vector<CropScore>& scores_;
  std::size_t values_;         // of one tensor
  std::vector<float> images_;  // (batch, 3, S, S)
  std::vector<std::size_t> items_;
};

Result<Picture> read_crop(const std::filesystem::path& file, const CropRecipe& recipe) {
  DFA_ASSIGN_OR_RETURN(Picture crop, read_picture(file, MediaLimits{}));
  if (crop.width != recipe.stored_px || crop.height != recipe.stored_px)
    return fail(ErrorCode::recipe_mismatch, "{}x{} pixels, the crop recipe stores {}x{}", crop.width, crop.height,
                recipe.stored_px, recipe.stored_px);
  return crop;
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

Result<std::vector<CropScore>> score_crops(const Model& model, const std::filesystem::path& manifest_path, Role role,
                                           const ScoreCropsOptions& options, const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(manifest_path));
  const std::string difference = manifest_recipe_difference(manifest, model.crop);
  if (!difference.empty() && options.recipe == RecipeCheck::enforce)
    return fail(
        ErrorCode::recipe_mismatch,
        "{}: its crops were not made by the model's recipe ({})\n  likely cause: the model was trained on other crops\n"
        "  next step: make the crops with the model's recipe, or pass --force-crop and say so beside the figures",
        manifest_path.string(), difference);
  if (model.config.classes != 2)
    return fail(ErrorCode::model_incompatible, "the model has {} classes, expected real and fake",
                model.config.classes);
  DFA_ASSIGN_OR_RETURN(const auto network, make_network(model.config, model.weights, options.network));

  const std::filesystem::path root = manifest_root(manifest, manifest_path);
  std::vector<CropScore> scores;
  for (const ManifestEntry& entry : manifest.entries)
    if (entry.role == role)
      scores.push_back({.path = entry.path,
                        .label = entry.label,
                        .method = entry.method,
                        .video = one_spelling((root / video_key(entry)).lexically_normal().generic_string()),
                        .p_fake = {},
                        .problem = {},
                        .outcome = Outcome::scored,
                        .set = entry.set,
                        .identity = entry.identity,
                        .frame = entry.frame,
                        .margin = {}});

  BatchScorer scorer(model, *network, static_cast<std::size_t>(options.network.max_batch), scores);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped after {} of {} crops", i, scores.size());
    const Result<Picture> crop = read_crop(root / scores[i].path, model.crop);
    if (crop)
      DFA_TRY(scorer.add(*crop, i));
    else
      fail_score(scores[i], Outcome::decode_error, crop.error().message);
    if (options.progress) options.progress(i + 1, scores.size());
  }
  DFA_TRY(scorer.flush());
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
