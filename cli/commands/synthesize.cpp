#include "cli/commands/synthesize.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <numeric>

#include "cli/commands/synthesize_job.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"

namespace dfa::cli {
namespace {

constexpr int kMostPairs = 100'000'000, kMostFrames = 1'000'000;
constexpr std::string_view kMarginsRecipe = "sbi-train", kWholeRecipe = "whole";
constexpr std::string_view kHashRole = "hash";

struct SynthesizeOptions {
  SynthesisRequest request;
  std::string kind;
  std::string out;
  std::string role = std::string(kHashRole);
  std::string identity = "file";
  std::string videos = "crops";
  std::int64_t count = 0;
  std::int64_t seed = 1;
};

Result<SynthesisRequest> request_of(const SynthesizeOptions& options, const CommandContext& context) {
  SynthesisRequest request = options.request;
  request.out = options.out;
  request.count = static_cast<std::size_t>(options.count);
  request.seed = static_cast<std::uint64_t>(options.seed);
  request.threads = context.options.threads;
  DFA_ASSIGN_OR_RETURN(request.kind, synthesis_kind_by_name(options.kind));
  if (options.role != kHashRole) {
    DFA_ASSIGN_OR_RETURN(request.role, role_by_name(options.role));
  }
  if (options.identity == "folder")
    request.identity = IdentityRule::folder;
  else if (options.identity != "file")
    return fail(ErrorCode::usage, "--identity {}: not known; known: file, folder", options.identity);
  if (options.videos == "whole")
    request.videos = VideoOutput::whole;
  else if (options.videos != "crops")
    return fail(ErrorCode::usage, "--videos {}: not known; known: crops, whole", options.videos);
  if (request.recipe == kMarginsRecipe) {
    request.pair.crop = FinalCrop::margins;
  } else if (request.recipe == kWholeRecipe) {
    request.pair.crop = FinalCrop::whole;
  } else {
    request.pair.crop = FinalCrop::recipe;
    Result<CropRecipe> recipe = crop_recipe_by_name(request.recipe);
    if (!recipe)
      return fail(ErrorCode::usage, "--recipe {}: not known; known: {}, {}, and the crop recipes ({})", request.recipe,
                  kMarginsRecipe, kWholeRecipe, recipe.error().message);
    request.pair.recipe = std::move(*recipe);
  }
  return request;
}

// One line a stage, drawn over itself.
class StageLine {
 public:
  explicit StageLine(CommandContext& context)
      : line_(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal) {}
  void show(std::string_view stage, std::size_t done, std::size_t of) {
    if (stage != stage_) stage_ = stage, start_ = Clock::now(), line_.wipe();
    Progress progress;
    progress.items_done = done;
    progress.items_all = of;
    progress.share = static_cast<double>(done) / static_cast<double>(of);
    progress.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    progress.seconds_left = progress.seconds * (1 - progress.share) / progress.share;
    line_.show(progress);
  }
  void wipe() { line_.wipe(); }

 private:
  using Clock = std::chrono::steady_clock;
  ProgressLine line_;
  std::string stage_;
  Clock::time_point start_;
};

std::string counts_text(const std::map<SourceUse, std::size_t>& counts) {
  std::string text;
  for (const SourceUse use : kSourceUses)
    if (const auto entry = counts.find(use); entry != counts.end() && entry->second > 0)
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", entry->second, source_use_name(use));
  return text.empty() ? "none" : text;
}

std::size_t total(const std::map<SourceUse, std::size_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0},
                         [](std::size_t sum, const auto& entry) { return sum + entry.second; });
}

void print_text(std::ostream& out, const SynthesisReport& report, const SynthesisRequest& request) {
  out << fmt::format("pictures {}: {}\n", total(report.pictures), counts_text(report.pictures));
  if (total(report.videos) > 0) out << fmt::format("videos {}: {}\n", total(report.videos), counts_text(report.videos));
  if (total(report.frames) > 0) out << fmt::format("frames {}: {}\n", total(report.frames), counts_text(report.frames));
  if (request.videos == VideoOutput::whole)
    out << fmt::format("whole videos: {} frames swapped, {} kept as they were\n", report.frames_swapped,
                       report.frames_kept);
  if (report.skipped_files > 0) out << fmt::format("other files skipped: {}\n", report.skipped_files);
  out << fmt::format("pairs {}: {} made", report.pairs_asked, report.pairs_made);
  for (const auto& [why, count] : report.pairs_failed) out << fmt::format(", {} {}", count, why);
  out << fmt::format("\n{}\n", (request.out / "manifest.jsonl").string());
}

// Files that could be read, and those of them that could be used.
ExitStatus status_of(const SynthesisReport& report) {
  const auto count = [](const std::map<SourceUse, std::size_t>& counts, SourceUse use) {
    const auto entry = counts.find(use);
    return entry == counts.end() ? std::size_t{0} : entry->second;
  };
  const std::size_t unreadable =
      count(report.pictures, SourceUse::unreadable) + count(report.videos, SourceUse::unreadable);
  if (unreadable == total(report.pictures) + total(report.videos)) return ExitStatus::no_input;
  if (report.pairs_made == 0) return ExitStatus::no_face;
  return unreadable > 0 || report.pairs_made < report.pairs_asked ? ExitStatus::some_failed : ExitStatus::success;
}

void run_command(const SynthesizeOptions& options, CommandContext& context) {
  const Result<SynthesisRequest> request = request_of(options, context);
  if (!request) return context.fail_with(request.error());
  StageLine line(context);
  SynthesisSinks sinks;
  sinks.log = context.log;
  sinks.progress = [&line](std::string_view stage, std::size_t done, std::size_t of) { line.show(stage, done, of); };
  const Result<SynthesisReport> report = synthesize(*request, sinks, *context.cancel);
  line.wipe();
  if (!report) return context.fail_with(report.error());
  if (context.options.format == "json")
    context.out << report_json(*report);
  else
    print_text(context.out, *report, *request);
  context.finish(status_of(*report));
}

}  // namespace

void add_synthesize_command(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<SynthesizeOptions>();
  SynthesisRequest& request = options->request;
  CLI::App* command =
      app.add_subcommand("synthesize",
                         "Makes forgeries with masks from a folder of real pictures, each with its real "
                         "counterpart, and a manifest");
  command->add_option("FOLDER", request.folder, "Folder of real pictures (for swap also videos), with all below")
      ->required();
  command->add_option("--out", options->out, "New or empty folder for real/, fake/, masks/ and manifest.jsonl")
      ->required();
  command->add_option("--kind", options->kind, "self-blend, cross-blend or swap")->required();
  add_integer(*command, "--count", options->count, "Pairs of pictures; 0 = one for each usable picture", 0, kMostPairs)
      ->capture_default_str();
  add_integer(*command, "--seed", options->seed, "Seed: equal seeds give equal bytes", 0)->capture_default_str();
  command
      ->add_option("--recipe", request.recipe,
                   "Final crop: sbi-train (box and 5 to 20 % each side), whole (the picture), or a crop recipe, e.g. "
                   "aligned1.3")
      ->capture_default_str();
  add_integer(*command, "--size", request.pair.side, "Side of the crops in pixels", 32, 4096)->capture_default_str();
  command
      ->add_option("--role", options->role,
                   "train, val, calibration or test for all; hash = by the picture's content, 80:10:5:5")
      ->capture_default_str();
  command
      ->add_option("--identity", options->identity,
                   "Whose faces are never mixed with each other: file = every file is another person, folder = the "
                   "files of one folder are one")
      ->capture_default_str();
  command->add_option("--landmarks", request.landmarks,
                      "JSON lines {\"path\", \"landmarks68_px\"} instead of dlib's points");
  command->add_option("--landmark-model", request.landmark_model, "dlib's 68-point model (default: the build's)");
  add_integer(*command, "--frames", request.frames, "Frames of a video, evenly spaced", 1, kMostFrames)
      ->capture_default_str();
  command
      ->add_option(
          "--videos", options->videos,
          "crops = pairs of the sampled frames; whole = also real/vNNNN.mp4 and fake/vNNNN.mp4 with every frame")
      ->capture_default_str();
  add_threads_option(*command, context);
  add_format_option(*command, context, {"text", "json"});
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
