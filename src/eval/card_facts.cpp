#include "eval/card_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "eval/level_scores.hpp"

namespace dfa {
namespace {

constexpr double kPercent = 100;

// The distinct texts, in order of first sight, separated by "; ".
class Words {
 public:
  void add(std::string_view text) {
    if (text.empty() || !seen_.emplace(text).second) return;
    joined_ += fmt::format("{}{}", joined_.empty() ? "" : "; ", text);
  }
  const std::string& text() const { return joined_; }

 private:
  std::set<std::string, std::less<>> seen_;
  std::string joined_;
};

// Notes of layout readers are sentences; the words by which those on a subject are known.
bool speaks_of(std::string_view note, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return note.find(word) != std::string_view::npos; });
}

void add_sets(const TestedData& data, Role role, Words& names) {
  std::set<std::string> sets;
  for (const ManifestEntry& entry : data.named.manifest.entries)
    if (entry.role == role) sets.insert(entry.set);
  for (const std::string& set : sets) names.add(set.empty() ? "a set without a name" : set);
}

struct FewestMost {
  std::size_t fewest = 0, most = 0;
};

// Scored crops of the videos that have any.
FewestMost crops_a_video(const ScoreTable& table) {
  std::vector<std::size_t> counts(table.video_count());
  for (std::size_t i = 0; i < table.size(); ++i)
    counts[table.videos()[i]] += table.outcomes()[i] == Outcome::scored ? 1 : 0;
  std::erase(counts, std::size_t{0});
  if (counts.empty()) return {};
  const auto [low, high] = std::minmax_element(counts.begin(), counts.end());
  return {*low, *high};
}

}  // namespace

void describe_data(ProtocolCard& card, std::span<const TestedData> tested, Role role) {
  Words sets, layouts, compressions, splits, reals, recipes, hashes;
  for (const TestedData& data : tested) {
    const Manifest& manifest = data.named.manifest;
    add_sets(data, role, sets);
    recipes.add(fmt::format("{}, {} px", manifest.crop_name, manifest.stored_px));
    hashes.add(manifest.crop_sha256);
    if (!data.prepared) continue;
    layouts.add(data.prepared->layout);
    for (const std::string& level : data.prepared->compressions) compressions.add(level);
    for (const std::string& note : data.prepared->reading) {
      if (speaks_of(note, {"split", "roles", "role "})) splits.add(note);
      if (speaks_of(note, {"real class"})) reals.add(note);
    }
  }
  card.set("dataset", sets.text());
  card.set("layout", layouts.text());
  card.set("role", role_name(role));
  card.set("compression", compressions.text());
  card.set("split_rule", splits.text());
  card.set("real_class_rule", reals.text());
  card.set("crop_recipe", recipes.text());
  card.set("crop_recipe_sha256", hashes.text());
}

void describe_model(ProtocolCard& card, const Model& model) {
  const TrainingFacts facts = training_facts(model);
  card.set("model_sha256", model.sha256);
  card.set("base_weights_sha256", facts.base_sha256);
  card.set("training_seed", facts.seed);
  card.set("selection_rule", facts.selection.empty() ? facts.selected_on : facts.selection);
  card.set("frames_asked", model.crop.frames);
  if (!facts.deviations.empty()) card.set("training_deviations", facts.deviations);
}

std::string coverage_words(const Coverage& coverage, const OutcomeCounts& counts) {
  std::string scored = fmt::format("{}/{}", counts.scored(), counts.inputs());
  if (!coverage.known) return fmt::format("unknown: {} of those listed, nothing says what was never listed", scored);
  if (counts.inputs() == 0) return scored;
  return fmt::format("{}, {:.1f} %", scored,
                     kPercent * static_cast<double>(counts.scored()) / static_cast<double>(counts.inputs()));
}

std::string coverage_words(const Coverage& coverage) {
  return coverage_words(coverage, coverage.videos);
}

void describe_figures(ProtocolCard& card, const ScoreTable& table, const Evaluation& evaluation) {
  const EvaluationOptions& options = evaluation.options;
  const FewestMost crops = crops_a_video(table);
  card.set("frames_distinct",
           crops.most == 0 ? std::string() : fmt::format("{} to {} scored crops a video", crops.fewest, crops.most));
  card.set("aggregation", fmt::format("{} over the scored crops of a video", aggregation_name(options.video)));
  card.set("no_face_rule", no_face_rule_name(options.no_face));
  card.set("min_frames_per_video", fmt::format("{}", options.min_frames_per_video));
  card.set("coverage", coverage_words(evaluation.all.coverage));
  card.set("eer_definition",
           "eer: crossing of FNR = FPR on the linearly interpolated ROC; eer_nearest: FPR of the ROC vertex with the "
           "smallest gap, collinear vertices dropped");
  card.set("interval_method", fmt::format("95 %, {} bootstrap over videos, drawn within each class, {} rounds, seed {}",
                                          interval_method_name(options.bootstrap.method), options.bootstrap.rounds,
                                          options.bootstrap.seed));
}

}  // namespace dfa
