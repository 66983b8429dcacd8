#include "cli/commands/perturb.hpp"

#include <CLI/CLI.hpp>

#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/commands/perturb_job.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"

namespace dfa::cli {
namespace {

struct PerturbOptions {
  std::vector<std::string> paths;
  std::string kind = std::string(perturb_kind_name(PerturbKind::deeperforensics));
  std::vector<std::string> codes;
  std::string levels;
  std::string out;
  std::int64_t seed = 0;
  bool list = false;  // CLI11's flag
};

// What came of a run.
struct Tally {
  std::size_t written = 0;
  std::size_t inputs_failed = 0;  // wholly or in part
};

void print_code(std::ostream& out, const CodeInfo& info) {
  out << fmt::format("  {:<8}{}\n          {}\n", info.code, info.name, info.operation);
  for (std::size_t i = 0; i < info.levels.size(); ++i)
    out << fmt::format("{}{}: {}", i == 0 ? "          levels " : "; ", i + 1, info.levels[i]);
  out << '\n';
  if (info.randomness == Randomness::seeded) out << "          random: depends on --seed\n";
  if (info.size == SizeEffect::changes) out << "          changes the size\n";
  if (info.reach == Reach::run) out << "          a video codec: of a video, the file written is the codec's own\n";
}

void print_list(std::ostream& out) {
  for (const PerturbKind kind : perturb_kinds()) {
    out << perturb_kind_name(kind) << '\n';
    for (const CodeInfo* info : codes_of(kind)) print_code(out, *info);
  }
}

Result<std::vector<PerturbItem>> plan(const PerturbOptions& options) {
  if (options.paths.empty())
    return fail(ErrorCode::usage, "PICTURE is missing: which pictures or videos?\n  next step: dfa perturb --help");
  if (options.out.empty())
    return fail(ErrorCode::usage, "--out is missing: the folder for what is written\n  next step: dfa perturb --help");
  DFA_ASSIGN_OR_RETURN(const PerturbKind kind, perturb_kind_by_name(options.kind));
  std::vector<int> levels;
  if (!options.levels.empty()) {
    DFA_ASSIGN_OR_RETURN(levels, parse_levels(options.levels));
  }
  DFA_ASSIGN_OR_RETURN(const std::vector<Perturbation> chosen, chosen_perturbations(kind, options.codes, levels));
  const InputList inputs = list_inputs(options.paths);
  if (inputs.inputs.empty())
    return fail(ErrorCode::file_not_found, "no input: no picture or video by name in {}\n  next step: name files",
                fmt::join(options.paths, ", "));
  return plan_outputs(inputs, chosen, options.out);
}

// Draws the line on the terminal, from shares of the present input.
class Clock {
 public:
  Clock(ProgressLine& line, std::size_t items) : line_(line) { progress_.items_all = items; }
  void show(std::size_t items_done, double share_of_item) {
    progress_.items_done = items_done;
    progress_.share = (static_cast<double>(items_done) + share_of_item) / static_cast<double>(progress_.items_all);
    progress_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    if (progress_.share > 0) progress_.seconds_left = progress_.seconds * (1 - progress_.share) / progress_.share;
    line_.show(progress_);
  }

 private:
  ProgressLine& line_;
  Progress progress_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Result<Tally> write_all(const std::vector<PerturbItem>& items, std::uint64_t seed, CommandContext& context) {
  ProgressLine line(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal);
  Clock clock(line, items.size());
  Tally tally;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const PerturbReport report = {[&](const PerturbOutput& output) {
                                    line.wipe();
                                    context.out << output.path.string() << '\n';
                                    ++tally.written;
                                  },
                                  [&](const std::string& warning) {
                                    line.wipe();
                                    log_to(*context.log, LogLevel::warning, "{}", warning);
                                  },
                                  [&](double share) { clock.show(i, share); }};
    std::vector<Error> failures;
    DFA_TRY(write_outputs(items[i], seed, report, *context.cancel, failures));
    line.wipe();
    for (const Error& failure : failures) {
      // Errors of the file system name the path already.
      const bool named = failure.message.starts_with(items[i].input);
      log_to(*context.log, LogLevel::error, "{}{}", named ? "" : items[i].input + ": ", failure.message);
    }
    tally.inputs_failed += failures.empty() ? 0 : 1;
  }
  return tally;
}

void run_command(const PerturbOptions& options, CommandContext& context) {
  if (options.list) {
    print_list(context.out);
    return context.finish(ExitStatus::success);
  }
  const Result<std::vector<PerturbItem>> items = plan(options);
  if (!items) return context.fail_with(items.error());
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  if (error)
    return context.fail_with(
        Error{ErrorCode::file_unwritable, fmt::format("{}: cannot be made ({})", options.out, error.message())});
  const Result<Tally> tally = write_all(*items, static_cast<std::uint64_t>(options.seed), context);
  if (!tally) return context.fail_with(tally.error());
  if (tally->written == 0)
    context.finish(ExitStatus::no_input);
  else
    context.finish(tally->inputs_failed > 0 ? ExitStatus::some_failed : ExitStatus::success);
}

}  // namespace

void add_perturb_command(CLI::App& app, CommandContext& context) {
  auto options = std::make_shared<PerturbOptions>();
  CLI::App* command = app.add_subcommand("perturb", "Degrades pictures and videos in named, repeatable ways");
  command->add_option("PICTURE", options->paths, "Pictures, videos, folders of them")->type_name("");
  command->add_option("--out", options->out, "Folder for what is written: NAME_CODE_LEVEL.png, of videos .mp4")
      ->type_name("DIR");
  command->add_option("--kind", options->kind, "Family: deeperforensics, gend, recompress, messenger")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option(
          "--codes", options->codes,
          "Codes of the family, joined by commas; default: all. deeperforensics: CS (saturation), CC (dimming), "
          "BW (grey blocks), GNC (colour noise), GB (blur), JPEG (in truth pixelation), VC (video compression)")
      ->delimiter(',')
      ->type_name("A,B");
  command->add_option("--levels", options->levels, "Levels, e.g. 1-3,5; default: all of each code")->type_name("N-N");
  add_integer(*command, "--seed", options->seed, "Seed of noise and blocks", 0)->capture_default_str();
  command->add_flag("--list", options->list, "Only print families, codes, levels and what each does exactly");
  command->footer(
      "Examples:\n"
      "  dfa perturb portrait.png --codes CS,GB --levels 1-5 --out degraded\n"
      "  dfa perturb clip.mp4 --kind recompress --codes H264 --levels 5 --out degraded\n"
      "  dfa perturb --list");
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
