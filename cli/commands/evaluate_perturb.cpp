#include "cli/commands/evaluate_perturb.hpp"
#include "dataset/layouts/words.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "cli/commands/evaluate_gather.hpp"
#include "cli/commands/perturb_plan.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "eval/robustness.hpp"
#include "eval/robustness_scores.hpp"
#include "eval/robustness_transfer.hpp"
#include "eval/score_csv.hpp"
#include "report/robustness_tables.hpp"

namespace dfa::cli {
namespace {

constexpr int kBatch = 16;

struct PerturbCommand {
  std::string kind;  // empty: no perturbation is asked for
  std::vector<std::string> codes;
  std::string levels;
  std::int64_t seed = 0;
  RecutFace face = RecutFace::clean;
  PerturbedPixels pixels = PerturbedPixels::frames;
  std::string sources;
  std::vector<std::string> metrics = {"auc"};
  std::vector<std::string> transfer;  // manifests of the other side
};

// What the words on the command line come to.
struct PerturbPlan {
  PerturbKind kind = PerturbKind::deeperforensics;
  std::vector<Perturbation> perturbations;
  PerturbedPixels pixels = PerturbedPixels::frames;
};

Result<PerturbPlan> plan_of(const PerturbCommand& command) {
  PerturbPlan plan;
  DFA_ASSIGN_OR_RETURN(plan.kind, perturb_kind_by_name(command.kind));
  std::vector<int> levels;
  if (!command.levels.empty()) {
    DFA_ASSIGN_OR_RETURN(levels, parse_levels(command.levels));
  }
  DFA_ASSIGN_OR_RETURN(plan.perturbations, chosen_perturbations(plan.kind, command.codes, levels));
  // GenD's sweep is defined on crops; on whole frames its sizes mean something else.
  plan.pixels = plan.kind == PerturbKind::gend ? PerturbedPixels::crops : command.pixels;
  if (plan.pixels == PerturbedPixels::crops && command.face == RecutFace::found)
    return fail(
        ErrorCode::usage,
        "--redetect looks for the face in the perturbed frame; {} perturbs crops, in which nothing is looked for",
        command.pixels == PerturbedPixels::crops ? "--on-crops" : "--perturb gend");
  if (plan.pixels == PerturbedPixels::crops && !command.sources.empty())
    return fail(ErrorCode::usage, "--sources names frames, and {} perturbs the stored crops",
                command.pixels == PerturbedPixels::crops ? "--on-crops" : "--perturb gend");
  return plan;
}

Result<std::vector<Metric>> metrics_of(const PerturbCommand& command) {
  std::vector<Metric> metrics;
  for (const std::string& name : command.metrics) {
    if (name == "all") {
      metrics.clear();
      for (const MetricInfo& info : metric_registry()) metrics.push_back(info.id);
      return metrics;
    }
    DFA_ASSIGN_OR_RETURN(const Metric metric, metric_by_name(name));
    metrics.push_back(metric);
  }
  return metrics;
}

Result<std::unique_ptr<Detector>> detector_of(const CropRecipe& recipe, const CommandContext& context) {
  Result<std::unique_ptr<Detector>> detector = make_detector(recipe.detector, {.threads = 1, .trace = context.trace});
  if (detector) return detector;
  return fail_within(fmt::format("--redetect: crop recipe {} needs the detector {}", recipe.name, recipe.detector),
                     std::move(detector).error());
}

NetworkOptions network_options(const EvaluateRun& run, const CommandContext& context) {
  NetworkOptions network;
  network.precision = run.precision;
  network.threads = context.options.threads;
  network.max_batch = kBatch;
  network.trace = context.trace;
  return network;
}

PerturbedScoring scoring_of(const PerturbCommand& command, const PerturbPlan& plan, const EvaluateRun& run,
                            const CommandContext& context, ProgressLine& line) {
  PerturbedScoring scoring;
  scoring.perturbations = plan.perturbations;
  scoring.seed = static_cast<std::uint64_t>(command.seed);
  scoring.pixels = plan.pixels;
  scoring.face = command.face;
  scoring.sources = command.sources;
  scoring.network = network_options(run, context);
  scoring.recipe = run.options.recipe;
  scoring.make_detector = [&context](const CropRecipe& recipe) { return detector_of(recipe, context); };
  scoring.on_progress = [&line](const Progress& now) { line.show(now); };
  return scoring;
}

// Inputs of the headline figures that never became crops: they have no score in any cell either.
Status add_inputs_without_crops(const ScoreTable& headline, std::vector<ScoreTable>& cells) {
  std::unordered_set<std::string> crops;
  for (std::size_t i = 0; i < cells.front().size(); ++i) crops.emplace(cells.front().row(i).path);
  const ScoreTable rest =
      headline.filtered([&](const ScoreRow& row) { return !row.p_fake && !crops.contains(std::string(row.path)); });
  for (ScoreTable& cell : cells) DFA_TRY(cell.append(rest));
  return {};
}

void describe(ProtocolCard& card, const PerturbCommand& command, const PerturbPlan& plan) {
  const bool on_frames = plan.pixels == PerturbedPixels::frames;
  card.set("perturbation", fmt::format("{}, seed {}, on {}", perturb_kind_name(plan.kind), command.seed,
                                       on_frames ? "whole frames before cropping" : "the stored crops"));
  if (!on_frames && plan.kind != PerturbKind::gend)
    card.stamp("--on-crops: the crops were perturbed, not the frames; not comparable with published figures");
  card.set("perturbed_geometry", !on_frames ? "none: the crop itself"
                                 : command.face == RecutFace::clean
                                     ? "box and points of the clean frame, moved along where the frame shrinks"
                                     : "the face found again in the perturbed frame: largest overlap with the "
                                       "clean one, at least 0.3, or it counts as no_face");
  card.set("perturbed_videos",
           on_frames ? "video codecs over the whole clip at its mean frame rate (a folder of pictures: one after the "
                       "other), the wanted frames taken from it; all else frame by frame"
                     : "video codecs on each crop as a run of one frame");
}

void describe_recut(EvaluationReport& report, const RecutComparison& recut) {
  const std::size_t all = recut.equal + recut.different + recut.unknown;
  report.card.set("recut_check",
                  fmt::format("{} of {} clean crops, cut again from the sources, equal the stored ones{}", recut.equal,
                              all, recut.unknown > 0 ? fmt::format("; {} could not be compared", recut.unknown) : ""));
  if (recut.different > 0)
    report.notes.push_back(
        fmt::format("{} clean crops differ from the stored ones when cut again, e.g. {}: the sources, or what decodes "
                    "them, are not those of dfa prepare",
                    recut.different, recut.first_different));
}

class PerturbPart final : public EvaluatePart {
 public:
  void add_options(CLI::App& command) override;
  Status check(const EvaluateOptions& options) override;
  Status extend(EvaluateRun& run, CommandContext& context) override {
    if (!command_.kind.empty()) DFA_TRY(add_robustness(run, context));
    return command_.transfer.empty() ? Status() : add_transfer(run, context);
  }
  Status write(const EvaluateRun& run, CommandContext& context) override;
  bool has_failures() const override {
    return std::any_of(cells_.begin(), cells_.end(), [](const ScoreTable& cell) {
      const auto outcomes = cell.outcomes();
      return std::any_of(outcomes.begin(), outcomes.end(), [](Outcome outcome) {
        return outcome == Outcome::decode_error || outcome == Outcome::abstained;
      });
    });
  }

 private:
  Status add_robustness(EvaluateRun& run, CommandContext& context);
  Status add_transfer(EvaluateRun& run, CommandContext& context);

  PerturbCommand command_;
  PerturbPlan plan_;
  std::vector<Metric> metrics_;
  std::vector<ScoreTable> cells_;
};

Status PerturbPart::check(const EvaluateOptions& options) {
  const bool wants_something = !command_.kind.empty() || !command_.transfer.empty();
  if (wants_something && options.data.empty())
    return fail(ErrorCode::usage,
                "--perturb and --transfer score crops, which --from does not name\n  next step: --data MANIFEST");
  const bool has_details = !command_.codes.empty() || !command_.levels.empty() || !command_.sources.empty() ||
                           command_.seed != 0 || command_.face != RecutFace::clean ||
                           command_.pixels != PerturbedPixels::frames;
  if (command_.kind.empty() && has_details)
    return fail(ErrorCode::usage,
                "--codes, --levels, --perturb-seed, --sources, --redetect and --on-crops say how to perturb, and "
                "--perturb is not given\n  next step: add --perturb {}",
                perturb_kind_name(perturb_kinds().front()));
  if (!wants_something && command_.metrics != PerturbCommand().metrics)
    return fail(ErrorCode::usage,
                "--perturb-metrics chooses figures for --perturb and --transfer, and neither is given");
  DFA_ASSIGN_OR_RETURN(metrics_, metrics_of(command_));
  if (command_.kind.empty()) return {};
  DFA_ASSIGN_OR_RETURN(plan_, plan_of(command_));
  return {};
}

Status PerturbPart::add_robustness(EvaluateRun& run, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const Role role, role_by_name(run.options.role));
  ProgressLine line(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal);
  const PerturbedScoring scoring = scoring_of(command_, plan_, run, context, line);
  RecutComparison recut;
  cells_.assign(plan_.perturbations.size() + 1, ScoreTable());
  for (const std::string& manifest : run.options.data) {
    DFA_ASSIGN_OR_RETURN(const PerturbedScores scores,
                         score_perturbed(*run.model, manifest, role, scoring, *context.cancel));
    for (std::size_t i = 0; i < cells_.size(); ++i) DFA_TRY(cells_[i].append(scores.cells[i]));
    recut.add(scores.recut);
  }
  line.wipe();
  DFA_TRY(add_inputs_without_crops(run.scores, cells_));
  EvaluationOptions options = run.report.evaluation.options;
  options.metrics = metrics_;
  DFA_ASSIGN_OR_RETURN(const Robustness robustness, evaluate_robustness(plan_.perturbations, cells_, options));
  for (ReportTable& table : robustness_tables(robustness, metrics_)) run.report.tables.push_back(std::move(table));
  describe(run.report.card, command_, plan_);
  if (plan_.pixels == PerturbedPixels::frames) describe_recut(run.report, recut);
  return {};
}

std::string side_name(const std::vector<std::string>& manifests) {
  return fmt::format("{}", fmt::join(manifests, ", "));
}

Result<std::string> root_of(const std::string& manifest) {
  DFA_ASSIGN_OR_RETURN(const Manifest read, read_manifest(manifest));
  return normal_path(manifest_root(read, manifest).lexically_normal().generic_string());
}

Status PerturbPart::add_transfer(EvaluateRun& run, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const ScoreTable other, gather_more(run, command_.transfer, context));
  std::vector<std::string> roots;
  for (const auto* side : {&run.options.data, &command_.transfer})
    for (const std::string& manifest : *side) {
      DFA_ASSIGN_OR_RETURN(std::string root, root_of(manifest));
      roots.push_back(std::move(root));
    }
  EvaluationOptions options = run.report.evaluation.options;
  options.metrics = metrics_;
  DFA_ASSIGN_OR_RETURN(const Transfer transfer, evaluate_transfer(run.scores, other, roots, options));
  for (ReportTable& table :
       transfer_tables(transfer, side_name(run.options.data), side_name(command_.transfer), metrics_))
    run.report.tables.push_back(std::move(table));
  run.report.card.set("transfer_to", side_name(command_.transfer));
  return {};
}

// Beside the report's other files: the scores of every cell, as --from reads them.
Status PerturbPart::write(const EvaluateRun& run, CommandContext&) {
  if (run.options.out.empty() || cells_.empty()) return {};
  const std::filesystem::path folder = std::filesystem::path(run.options.out) / "perturbed";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(ErrorCode::file_unwritable, "{}: cannot be created ({})", folder.string(), error.message());
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const std::string name =
        i == 0 ? "clean.csv"
               : fmt::format("{}_{}.csv", plan_.perturbations[i - 1].code, plan_.perturbations[i - 1].level);
    DFA_TRY(write_scores_csv(cells_[i], run.report.evaluation.options.dropped, folder / name));
  }
  return {};
}

void PerturbPart::add_options(CLI::App& command) {
  command
      .add_option("--perturb", command_.kind,
                  "Also score the crops of perturbed frames: deeperforensics, recompress, messenger; gend perturbs the "
                  "crops")
      ->type_name("KIND");
  command.add_option("--codes", command_.codes, "Only these codes of --perturb (dfa perturb --list)")
      ->delimiter(',')
      ->type_name("A,B");
  command.add_option("--levels", command_.levels, "Only these levels of --perturb, e.g. 1-3,5")->type_name("LEVELS");
  add_integer(command, "--perturb-seed", command_.seed, "Seed of noise and blocks", 0)->capture_default_str();
  command
      .add_option("--perturb-metrics", command_.metrics,
                  "Figures of the tables of --perturb and --transfer: auc, eer, ap, ... or all")
      ->delimiter(',')
      ->capture_default_str()
      ->type_name("A,B");
  command.add_flag_callback(
      "--redetect", [this] { command_.face = RecutFace::found; },
      "Find the face again in the perturbed frame instead of keeping the clean frame's crop");
  command.add_flag_callback(
      "--on-crops", [this] { command_.pixels = PerturbedPixels::crops; },
      "Perturb the stored crops instead of the frames, where the frames are not there");
  command
      .add_option("--sources", command_.sources,
                  "Where the data set lies now that the manifests were prepared from; default: where it lay then")
      ->type_name("DIR");
  command
      .add_option("--transfer", command_.transfer,
                  "Manifests of the same videos in another compression: figures of both and the drop")
      ->type_name("MANIFEST");
}

}  // namespace

std::unique_ptr<EvaluatePart> make_perturb_part() {
  return std::make_unique<PerturbPart>();
}

}  // namespace dfa::cli
