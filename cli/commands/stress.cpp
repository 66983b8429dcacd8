#include "cli/commands/stress.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <span>

#include "base/temp_folder.hpp"
#include "cli/commands/detect_setup.hpp"
#include "cli/commands/perturb_job.hpp"
#include "cli/commands/stress_report.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"

namespace dfa::cli {
namespace {

namespace fs = std::filesystem;

struct StressCommand {
  DetectRequest request;
  std::string file;
  std::vector<std::string> families;
  std::int64_t seed = 0;
};

// What is done to a file unless families are named: what happens to one that is sent, posted or stored, from light to
// hard. A video goes through video codecs, a picture through picture codecs.
struct Treatment {
  const char* code;
  PerturbKind kind;
  std::array<int, 3> levels;
};
constexpr Treatment kOfPictures[] = {
    {"JPEG", PerturbKind::recompress, {2, 3, 5}},      {"WEBP", PerturbKind::recompress, {2, 3, 5}},
    {"PHOTO", PerturbKind::messenger, {1, 3, 5}},      {"GB", PerturbKind::deeperforensics, {1, 2, 3}},
    {"JPEG", PerturbKind::deeperforensics, {1, 2, 3}}, {"GNC", PerturbKind::deeperforensics, {1, 3, 4}},
    {"CS", PerturbKind::deeperforensics, {1, 3, 5}},   {"CC", PerturbKind::deeperforensics, {1, 3, 5}}};
constexpr Treatment kOfVideos[] = {{"H264", PerturbKind::recompress, {2, 3, 5}},
                                   {"H265", PerturbKind::recompress, {2, 3, 5}},
                                   {"CLIP", PerturbKind::messenger, {1, 3, 5}},
                                   {"GB", PerturbKind::deeperforensics, {1, 2, 3}},
                                   {"JPEG", PerturbKind::deeperforensics, {1, 2, 3}}};

Result<std::vector<Perturbation>> wanted_treatments(const StressCommand& command, MediaKind kind) {
  std::vector<Perturbation> wanted;
  for (const std::string& family : command.families) {
    DFA_ASSIGN_OR_RETURN(const PerturbKind named, perturb_kind_by_name(family));
    DFA_ASSIGN_OR_RETURN(const std::vector<Perturbation> all, chosen_perturbations(named, {}, {}));
    wanted.insert(wanted.end(), all.begin(), all.end());
  }
  if (!wanted.empty()) return wanted;
  const std::span<const Treatment> usual =
      kind == MediaKind::video ? std::span<const Treatment>(kOfVideos) : std::span<const Treatment>(kOfPictures);
  for (const Treatment& treatment : usual)
    for (const int level : treatment.levels) wanted.push_back({treatment.kind, treatment.code, level});
  return wanted;
}

struct Copies {
  std::map<std::string, Perturbation> made;  // by path
  std::vector<TreatedCopy> not_made;
};

// The copies of one family, in a folder of their own: two families share a code's name.
Status make_family(const StressCommand& command, const std::vector<Perturbation>& treatments, const fs::path& folder,
                   CommandContext& context, const std::function<void(double)>& on_progress, Copies& copies) {
  std::error_code made;
  fs::create_directories(folder, made);
  if (made) return fail(ErrorCode::file_unwritable, "{}: cannot be made ({})", folder.string(), made.message());
  const InputList input = list_inputs(std::vector{command.file});
  DFA_ASSIGN_OR_RETURN(const std::vector<PerturbItem> items, plan_outputs(input, treatments, folder));
  const PerturbReport report = {
      [&](const PerturbOutput& output) { copies.made.emplace(output.path.string(), output.perturbation); },
      [&](const std::string& warning) { log_to(*context.log, LogLevel::info, "{}", warning); }, on_progress};
  std::vector<Error> failures;
  DFA_TRY(write_outputs(items.front(), static_cast<std::uint64_t>(command.seed), report, *context.cancel, failures));
  for (const PerturbOutput& output : items.front().outputs) {
    if (copies.made.contains(output.path.string())) continue;
    TreatedCopy copy{output.perturbation, {}};
    copy.record.reason = failures.empty() ? "the copy could not be made" : failures.front().message;
    copies.not_made.push_back(std::move(copy));
  }
  return {};
}

Result<Copies> make_copies(const StressCommand& command, const std::vector<Perturbation>& treatments,
                           const fs::path& folder, CommandContext& context, ProgressLine& line) {
  Copies copies;
  const auto kinds = perturb_kinds();
  for (const PerturbKind kind : kinds) {
    std::vector<Perturbation> of_kind;
    std::copy_if(treatments.begin(), treatments.end(), std::back_inserter(of_kind),
                 [&](const Perturbation& treatment) { return treatment.kind == kind; });
    if (of_kind.empty()) continue;
    const auto on_progress = [&](double share) {
      line.show({.items_done = copies.made.size(),
                 .items_all = treatments.size(),
                 .share = (static_cast<double>(copies.made.size()) + share * static_cast<double>(of_kind.size())) /
                          static_cast<double>(2 * treatments.size())});
    };
    DFA_TRY(make_family(command, of_kind, folder / std::string(perturb_kind_name(kind)), context, on_progress, copies));
  }
  return copies;
}

// Scores the original first, then every copy.
Result<StressReport> score_all(const StressCommand& command, const DetectSetup& setup, const Copies& copies,
                               CommandContext& context, ProgressLine& line) {
  std::vector<std::string> paths = {command.file};
  for (const auto& [path, treatment] : copies.made) paths.push_back(path);
  StressReport report;
  report.run = setup.run;
  DetectCallbacks callbacks;
  bool is_first = true;
  callbacks.on_item = [&](const ItemRecord& item) -> Status {
    if (is_first)
      report.original = item;
    else
      report.copies.push_back({copies.made.at(item.input), item});
    is_first = false;
    return {};
  };
  callbacks.on_progress = [&](const Progress& now) { line.show(now); };
  DFA_TRY(run_detect(list_inputs(paths), setup.options, setup.parts, callbacks, *context.cancel));
  line.wipe();
  if (context.cancel->requested()) return fail(ErrorCode::cancelled, "stopped");
  report.copies.insert(report.copies.end(), copies.not_made.begin(), copies.not_made.end());
  return report;
}

// In the order of the treatments.
void sort_copies(const std::vector<Perturbation>& treatments, std::vector<TreatedCopy>& copies) {
  const auto place = [&](const TreatedCopy& copy) {
    return std::find_if(treatments.begin(), treatments.end(),
                        [&](const Perturbation& treatment) {
                          return treatment.kind == copy.treatment.kind && treatment.code == copy.treatment.code &&
                                 treatment.level == copy.treatment.level;
                        }) -
           treatments.begin();
  };
  std::stable_sort(copies.begin(), copies.end(),
                   [&](const TreatedCopy& a, const TreatedCopy& b) { return place(a) < place(b); });
}

Result<StressReport> stress(StressCommand& command, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const MediaKind kind, sniff(command.file));
  DFA_ASSIGN_OR_RETURN(const std::vector<Perturbation> treatments, wanted_treatments(command, kind));
  DFA_ASSIGN_OR_RETURN(const DetectSetup setup, prepare_detect(command.request, context));
  DFA_ASSIGN_OR_RETURN(const TempFolder workplace, TempFolder::create("stress"));
  ProgressLine line(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal);
  DFA_ASSIGN_OR_RETURN(const Copies copies, make_copies(command, treatments, workplace.path(), context, line));
  DFA_ASSIGN_OR_RETURN(StressReport report, score_all(command, setup, copies, context, line));
  sort_copies(treatments, report.copies);
  return report;
}

ExitStatus stress_exit_status(const StressReport& report) {
  if (report.original.outcome == Outcome::decode_error) return ExitStatus::no_input;
  if (!report.original.p_fake) return ExitStatus::no_face;
  return report.scored() < report.copies.size() ? ExitStatus::some_failed : ExitStatus::success;
}

void run_command(StressCommand& command, CommandContext& context) {
  std::error_code error;
  if (fs::is_directory(command.file, error))
    return context.fail_with(
        Error{ErrorCode::usage, command.file + ": is a folder\n  next step: name one picture or video"});
  const Result<StressReport> report = stress(command, context);
  if (!report) return context.fail_with(report.error());
  context.out << (context.options.format == "json" ? stress_json(*report) : stress_text(*report));
  context.finish(stress_exit_status(*report));
}

}  // namespace

void add_stress_command(CLI::App& app, CommandContext& context) {
  const auto command = std::make_shared<StressCommand>();
  CLI::App* stress =
      app.add_subcommand("stress", "Whether the score of a file survives re-encoding, shrinking, blur and noise");
  stress->footer(
      "Example:\n"
      "  dfa stress portrait.jpg\n\n"
      "Copies of FILE are degraded in named, repeatable ways (`dfa perturb --list`), scored, and deleted.\n"
      "Exit status: 0 scored, all copies too; 2 usage, 3 not readable, 4 no usable face, 5 model, 6 some copies got no "
      "score,\n"
      "130 and 143 stopped by a signal, 1 anything else.");
  stress->add_option("FILE", command->file, "A picture or a video")->required();
  stress
      ->add_option(
          "--families", command->families,
          "Everything of these families instead of the usual set: deeperforensics, gend, recompress, messenger")
      ->delimiter(',')
      ->type_name("A,B");
  add_integer(*stress, "--seed", command->seed, "Seed of noise and blocks", 0)->capture_default_str();
  add_integer(*stress, "--frames", command->request.frames.count, "Frames taken from a video, evenly spaced", 1, 10'000)
      ->capture_default_str();
  stress
      ->add_option("--operating-point", command->request.operating_point,
                   "Where fake begins: fpr1, fpr5 (the model's own) or a threshold between 0 and 1")
      ->type_name("POINT");
  add_model_option(*stress, context);
  add_engine_option(*stress, context);
  add_threads_option(*stress, context);
  add_format_option(*stress, context, {"text", "json"});
  stress->callback([command, &context] { run_command(*command, context); });
}

}  // namespace dfa::cli
