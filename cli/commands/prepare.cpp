#include "cli/commands/prepare.hpp"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <memory>
#include <string>

#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "dataset/source_list.hpp"
#include "face/dlib_part.hpp"
#include "prepare/prepare_job.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

constexpr int kMostFrames = 10'000;
constexpr int kMostFaces = 10'000;
constexpr int kSmallestFace = 12;  // MTCNN's first stage looks at 12 pixels
constexpr int kLargestFace = 10'000;
constexpr std::string_view kEmbedded = "default";  // of --like
constexpr std::string_view kEven = "even:";        // of CropRecipe::frames

struct PrepareCommand {
  std::string layout;
  std::string root;
  std::string out;
  std::string recipe = "aligned1.3";
  std::string like;  // --like: a model file, or kEmbedded
  CLI::Option* frames = nullptr;
  std::string role = "test";
  std::string masks = "crop";
  std::string landmarks = "auto";
  std::string real_class = "authors";
  LayoutOptions reading;
  PrepareOptions options;
};

Result<SourceList> read_sources(PrepareCommand& command, const CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(command.reading.real_class, real_class_by_name(command.real_class));
  command.reading.cancel = context.cancel;
  return read_layout(command.layout, command.root, command.reading);
}

// The recipe that the model was trained with, and how many frames of a video it wants.
Status take_recipe_of_model(const PrepareCommand& command, PrepareOptions& options) {
  SharedOptions named;
  if (command.like != kEmbedded) named.model = command.like;
  DFA_ASSIGN_OR_RETURN(const Model model, load_selected_model(named));
  options.recipe = model.crop;
  const std::string_view frames = model.crop.frames;
  int count = 0;
  if (command.frames->count() > 0 || !frames.starts_with(kEven)) return {};
  const std::string_view digits = frames.substr(kEven.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error == std::errc() && end == digits.data() + digits.size() && count > 0) options.frames = count;
  return {};
}

Result<PrepareOptions> settle_options(const PrepareCommand& command, const CommandContext& context) {
  PrepareOptions options = command.options;
  DFA_ASSIGN_OR_RETURN(options.recipe, crop_recipe_by_name(command.recipe));
  if (!command.like.empty()) DFA_TRY(take_recipe_of_model(command, options));
  DFA_ASSIGN_OR_RETURN(options.default_role, role_by_name(command.role));
  options.masks = command.masks == "ignore" ? MaskUse::ignore : MaskUse::crop;
  options.workers = context.options.threads;
  options.tool = kVersion;
  return options;
}

Result<std::unique_ptr<Detector>> recipe_detector(const CropRecipe& recipe, const CommandContext& context) {
  Result<std::unique_ptr<Detector>> detector = make_detector(recipe.detector, {.threads = 1, .trace = context.trace});
  if (detector) return detector;
  return fail_within(fmt::format("crop recipe {} needs the detector {}", recipe.name, recipe.detector),
                     std::move(detector).error());
}

Result<PrepareReport> prepare(PrepareCommand& command, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const PrepareOptions options, settle_options(command, context));
  PrepareParts parts;
  parts.make_detector = [&] { return recipe_detector(options.recipe, context); };
  parts.log = context.log;
  if (command.landmarks == "dlib" || (command.landmarks == "auto" && dlib_part() == DlibPart::present))
    parts.make_points = make_crop_point_finder;
  DFA_TRY(parts.make_detector());  // before a large folder is listed
  if (parts.make_points) DFA_TRY(parts.make_points());
  DFA_ASSIGN_OR_RETURN(const SourceList list, read_sources(command, context));
  ProgressLine progress(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal);
  return run_prepare(
      list, command.out, options, parts, [&](const Progress& now) { progress.show(now); }, *context.cancel);
}

void tell_notes(const PrepareReport& report, LogSink& log) {
  if (report.items_kept > 0) log_to(log, LogLevel::info, "{} items were finished by an earlier run", report.items_kept);
  for (const auto& [path, note] : report.coverage.notes) log_to(log, LogLevel::warning, "{}: {}", path, note);
}

void run_command(PrepareCommand& command, CommandContext& context) {
  const Result<PrepareReport> report = prepare(command, context);
  if (!report) {
    if (report.error().code == ErrorCode::cancelled)
      log_to(*context.log, LogLevel::warning, "{}", report.error().message);
    return context.fail_with(report.error());
  }
  tell_notes(*report, *context.log);
  context.out << (context.options.format == "json" ? coverage_json(report->coverage) : coverage_text(report->coverage));
  context.finish(prepare_exit_status(report->coverage));
}

void add_layout_options(CLI::App& app, PrepareCommand& command) {
  app.add_option("--compression", command.reading.compression, "Only items of this level: raw, c23 or c40")
      ->type_name("LEVEL");
  app.add_option("--real", command.real_class, "deeperforensics: what is real: authors or source-videos")
      ->capture_default_str()
      ->type_name("RULE");
  app.add_option("--ffpp-root", command.reading.ffpp_root, "deeperforensics: where FaceForensics++ lies")
      ->type_name("DIR");
  app.add_option_function<int>(
         "--fake-is", [&command](int value) { command.reading.fake_is = value; },
         "folders named 0 and 1: the one that holds fakes")
      ->check(CLI::IsMember({0, 1}));
  app.add_flag_callback(
      "--allow-missing", [&command] { command.reading.missing = MissingFiles::leave_out; },
      "Go on where files that the set's lists name are not there");
}

}  // namespace

ExitStatus prepare_exit_status(const Coverage& coverage) {
  const std::int64_t unreadable = coverage.all.count(ItemOutcome::unreadable);
  if (unreadable == coverage.all.items) return ExitStatus::no_input;
  if (coverage.all.count(ItemOutcome::used) == 0) return ExitStatus::no_face;
  return unreadable > 0 ? ExitStatus::some_failed : ExitStatus::success;
}

void add_prepare_command(CLI::App& app, CommandContext& context) {
  const auto command = std::make_shared<PrepareCommand>();
  CLI::App* prepare = app.add_subcommand("prepare", "Cut the faces of a data set into crops with a manifest");
  prepare->footer(
      "Example:\n"
      "  dfa prepare celebdf2 Celeb-DF-v2 --out crops/celebdf2\n\n"
      "A run that was stopped, or killed, goes on with the same command. `dfa doctor LAYOUT ROOT` checks the data "
      "first.\n"
      "Exit status: 0 done, 2 usage, 3 nothing readable, 4 no usable face anywhere, 5 --out was begun with other "
      "settings,\n"
      "6 some items could not be read, 130 and 143 stopped by a signal, 1 anything else.");
  prepare->add_option("LAYOUT", command->layout, fmt::format("{}", fmt::join(layout_names(), ", ")))->required();
  prepare->add_option("ROOT", command->root, "Folder of the data set as its authors deliver it")->required();
  prepare->add_option("--out", command->out, "Folder for crops, masks, points and manifest; begun if it is not there")
      ->required()
      ->type_name("DIR");
  prepare->add_option("--recipe", command->recipe, fmt::format("Crop recipe: {}", fmt::join(crop_recipe_names(), ", ")))
      ->capture_default_str()
      ->type_name("NAME");
  prepare
      ->add_option(
          "--like", command->like,
          "Crops for this model file: its recipe and number of frames; default = the model inside this program")
      ->type_name("MODEL")
      ->excludes(prepare->get_option("--recipe"));
  command->frames =
      add_integer(*prepare, "--frames", command->options.frames, "Frames of each video, evenly spaced", 1, kMostFrames)
          ->capture_default_str();
  prepare->add_option("--masks", command->masks, "Masks of forgeries choose the face and are kept: crop, or ignore")
      ->check(CLI::IsMember({"crop", "ignore"}))
      ->capture_default_str();
  prepare
      ->add_option("--landmarks", command->landmarks,
                   "68 points of each crop, for self-blending: none, dlib, or auto: where this build has dlib")
      ->check(CLI::IsMember({"auto", "none", "dlib"}))
      ->capture_default_str();
  prepare->add_option("--role", command->role, "Role of items without a split: train, val, calibration or test")
      ->capture_default_str();
  add_integer(*prepare, "--min-face", command->options.faces.min_side_px,
              "Shorter side of the smallest face that is used, in pixels", kSmallestFace, kLargestFace)
      ->capture_default_str();
  add_integer(*prepare, "--max-faces", command->options.max_faces, "Faces looked at per frame, largest first", 1,
              kMostFaces)
      ->capture_default_str();
  prepare->add_flag_callback(
      "--pack", [command] { command->options.pack = PackUse::write; },
      "Also write all crops into one file, crops.dfapack");
  add_layout_options(*prepare, *command);
  add_threads_option(*prepare, context);
  add_format_option(*prepare, context, {"text", "json"});
  prepare->callback([command, &context] { run_command(*command, context); });
}

}  // namespace dfa::cli
