#include "eval/robustness_scores.hpp"
#include "dataset/layouts/words.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/machine.hpp"
#include "eval/crop_batches.hpp"
#include "eval/score_csv.hpp"
#include "media/read_picture.hpp"

namespace dfa {
namespace {

// One crop in one cell, small: there are as many as crops times cells.
struct CropFigure {
  double p_fake = 0, margin = 0;
  Outcome outcome = Outcome::decode_error;
  std::uint32_t problem = 0;  // place in the list of problems
};

class SameProblems {
 public:
  std::uint32_t number_of(std::string problem) {
    const auto [found, fresh] = numbers_.emplace(std::move(problem), static_cast<std::uint32_t>(texts_.size()));
    if (fresh) texts_.push_back(&found->first);
    return found->second;
  }
  const std::string& text(std::uint32_t number) const { return *texts_[number]; }

 private:
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<const std::string*> texts_;
};

// Tells how far the whole is.
class Pace {
 public:
  Pace(const std::function<void(const Progress&)>& tell, std::size_t items) : tell_(tell) { now_.items_all = items; }
  void item_share(double share) { show(share); }
  void item_done() {
    ++now_.items_done;
    show(0);
  }

 private:
  void show(double share) {
    if (!tell_) return;
    now_.share = (static_cast<double>(now_.items_done) + share) / static_cast<double>(now_.items_all);
    now_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    now_.seconds_left = now_.share > 0 ? now_.seconds * (1 - now_.share) / now_.share : 0;
    tell_(now_);
  }
  const std::function<void(const Progress&)>& tell_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Progress now_;
};

// One manifest: where scores go, and the network that makes them.
class Sweep {
 public:
  Sweep(const Manifest& manifest, const std::filesystem::path& path, std::vector<std::size_t> entries,
        const PerturbedScoring& options, CropBatches batches)
      : manifest_(manifest),
        path_(path),
        root_(manifest_root(manifest, path)),
        entries_(std::move(entries)),
        options_(options),
        batches_(std::move(batches)),
        cells_(options.perturbations.size() + 1, std::vector<CropFigure>(entries_.size())) {
    for (std::size_t i = 0; i < entries_.size(); ++i) row_of_[entries_[i]] = i;
    threads_ = options.network.threads > 0 ? options.network.threads : usable_processors();
  }

  Status of_frames(const CropRecipe& model_recipe, const CancelFlag& cancel) {
    DFA_ASSIGN_OR_RETURN(const SourceVideos sources,
                         find_sources({manifest_, path_, entries_, options_.sources, model_recipe}));
    if (sources.recipe.stored_px != model_recipe.stored_px)
      return fail(ErrorCode::recipe_mismatch, "{}: crops of {} px, the model's recipe stores {}", path_.string(),
                  sources.recipe.stored_px, model_recipe.stored_px);
    DFA_ASSIGN_OR_RETURN(RecutOptions recutting, recut_options(sources.recipe));
    Pace pace(options_.on_progress, sources.videos.size());
    recutting.progress = [&](double share) { pace.item_share(share); };
    const RecutSink sink = [&](std::size_t cell, std::size_t entry, Recut recut) -> Status {
      if (cell == 0) compare(entry, recut);
      return take(cell, entry, std::move(recut));
    };
    for (const SourceVideo& video : sources.videos) {
      DFA_TRY(recut_video(video, sources, recutting, cancel, sink));
      DFA_TRY(batches_.flush(on_score()));
      pace.item_done();
    }
    return {};
  }

  Status of_crops(const CropRecipe& model_recipe, const CancelFlag& cancel) {
    DFA_ASSIGN_OR_RETURN(const RecutOptions perturbing, recut_options(model_recipe));
    Pace pace(options_.on_progress, entries_.size());
    const RecutSink sink = [&](std::size_t cell, std::size_t entry, Recut recut) {
      return take(cell, entry, std::move(recut));
    };
    for (const std::size_t entry : entries_) {
      DFA_TRY(of_one_crop(entry, model_recipe, perturbing, cancel, sink));
      pace.item_done();
    }
    return batches_.flush(on_score());
  }

  Result<PerturbedScores> result() const {
    PerturbedScores scores;
    scores.recut = recut_;
    for (const std::vector<CropFigure>& cell : cells_) {
      DFA_ASSIGN_OR_RETURN(ScoreTable table, table_of(cell));
      scores.cells.push_back(std::move(table));
    }
    return scores;
  }

 private:
  Result<RecutOptions> recut_options(const CropRecipe& recipe) const {
    RecutOptions recutting;
    recutting.perturbations = options_.perturbations;
    recutting.seed = options_.seed;
    recutting.face = options_.face;
    recutting.threads = threads_;
    recutting.limits = options_.limits;
    const bool looks_again = options_.pixels == PerturbedPixels::frames && options_.face == RecutFace::found;
    for (int i = 0; looks_again && i < threads_; ++i) {
      DFA_ASSIGN_OR_RETURN(std::unique_ptr<Detector> detector, options_.make_detector(recipe));
      recutting.detectors.push_back(std::move(detector));
    }
    return recutting;
  }

  Status of_one_crop(std::size_t entry, const CropRecipe& recipe, const RecutOptions& perturbing,
                     const CancelFlag& cancel, const RecutSink& sink) {
    const std::string& name = manifest_.entries[entry].path;
    Result<Picture> crop = read_stored_crop(root_ / name, recipe);
    if (!crop) {
      for (std::size_t cell = 0; cell < cells_.size(); ++cell)
        DFA_TRY(sink(cell, entry, {Outcome::decode_error, crop.error().message, {}}));
      return {};
    }
    DFA_TRY(perturb_stored_crop(crop->view(), name, entry, perturbing, cancel, sink));
    return sink(0, entry, {Outcome::scored, "", std::move(*crop)});
  }

  Status take(std::size_t cell, std::size_t entry, Recut recut) {
    const std::size_t row = row_of_.at(entry);
    CropFigure& figure = cells_[cell][row];
    figure.outcome = recut.outcome;
    figure.problem = problems_.number_of(std::move(recut.problem));
    if (recut.outcome != Outcome::scored) return {};
    return batches_.add(recut.crop.view(), cell * entries_.size() + row, on_score());
  }

  CropBatches::OnScore on_score() {
    return [this](std::size_t ticket, const std::optional<CropNumbers>& numbers) {
      CropFigure& figure = cells_[ticket / entries_.size()][ticket % entries_.size()];
      if (numbers) {
        figure.p_fake = numbers->p_fake;
        figure.margin = numbers->margin;
        return;
      }
      figure.outcome = Outcome::abstained;
      figure.problem = problems_.number_of("the network's logits are not finite");
    };
  }

  void compare(std::size_t entry, const Recut& recut) {
    const std::string& name = manifest_.entries[entry].path;
    const Result<Picture> stored = read_picture(root_ / name, options_.limits);
    if (!stored || recut.outcome != Outcome::scored) {
      ++recut_.unknown;
    } else if (stored->rgb == recut.crop.rgb && stored->width == recut.crop.width) {
      ++recut_.equal;
    } else {
      if (recut_.different++ == 0) recut_.first_different = name;
    }
  }

  Result<ScoreTable> table_of(const std::vector<CropFigure>& cell) const {
    ScoreTable table;
    for (std::size_t row = 0; row < entries_.size(); ++row) {
      const ManifestEntry& entry = manifest_.entries[entries_[row]];
      const CropFigure& figure = cell[row];
      const std::string video = normal_path((root_ / video_key(entry)).lexically_normal().generic_string());
      ScoreRow line;
      line.path = entry.path;
      line.set = entry.set;
      line.method = entry.method;
      line.video = video;
      line.identity = entry.identity;
      line.label = entry.label;
      line.frame = entry.frame;
      line.outcome = figure.outcome;
      if (figure.outcome == Outcome::scored) {
        line.p_fake = figure.p_fake;
        line.margin = figure.margin;
      } else {
        line.problem = problems_.text(figure.problem);
      }
      DFA_TRY(table.add(line));
    }
    return table;
  }

  const Manifest& manifest_;
  const std::filesystem::path& path_;
  const std::filesystem::path root_;
  const std::vector<std::size_t> entries_;
  const PerturbedScoring& options_;
  CropBatches batches_;
  std::vector<std::vector<CropFigure>> cells_;  // [cell][row]
  std::unordered_map<std::size_t, std::size_t> row_of_;
  SameProblems problems_;
  RecutComparison recut_;
  int threads_ = 1;
};

}  // namespace

void RecutComparison::add(const RecutComparison& other) {
  if (different == 0) first_different = other.first_different;
  equal += other.equal;
  different += other.different;
  unknown += other.unknown;
}

Result<PerturbedScores> score_perturbed(const Model& model, const std::filesystem::path& manifest_path, Role role,
                                        const PerturbedScoring& options, const CancelFlag& cancel) {
  for (const Perturbation& perturbation : options.perturbations) DFA_TRY(check_perturbation(perturbation));
  DFA_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(manifest_path));
  DFA_TRY(check_crop_recipe(manifest, manifest_path, model.crop, options.recipe));
  DFA_ASSIGN_OR_RETURN(CropBatches batches, CropBatches::create(model, options.network));
  std::vector<std::size_t> entries;
  for (std::size_t i = 0; i < manifest.entries.size(); ++i)
    if (manifest.entries[i].role == role) entries.push_back(i);
  Sweep sweep(manifest, manifest_path, std::move(entries), options, std::move(batches));
  DFA_TRY(options.pixels == PerturbedPixels::frames ? sweep.of_frames(model.crop, cancel)
                                                    : sweep.of_crops(model.crop, cancel));
  return sweep.result();
}

}  // namespace dfa
