#include "cli/commands/detect.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>

#include "cli/commands/detect_setup.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "pipeline/open_ahead.hpp"
#include "report/record_format.hpp"

namespace dfa::cli {
namespace {

constexpr const char* kStdinList = "-";
constexpr int kMostFrames = 1'000'000;
constexpr double kMostFps = 1000;
constexpr int kMostFaces = 10'000;
constexpr int kMostSearchEvery = 100;
constexpr int kSmallestFace = 12;  // MTCNN's first stage looks at 12 pixels
constexpr int kLargestFace = 10'000;

struct DetectCommand {
  DetectRequest request;
  FakeExit fake_exit = FakeExit::no;
  std::int64_t max_bytes = -1;  // not given: the limits' own
  std::int64_t max_pixels = MediaLimits{}.max_pixels;
  double max_duration = MediaLimits{}.max_duration_seconds;
};

// "2/8": the second of eight parts.
Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  const bool has_slash = first == std::errc() && slash != end && *slash == '/';
  const auto [stop, second] = has_slash ? std::from_chars(slash + 1, end, shard.count)
                                        : std::from_chars_result{end, std::errc::invalid_argument};
  if (second != std::errc() || stop != end || shard.index < 1 || shard.index > shard.count)
    throw CLI::ValidationError("--shard", fmt::format("\"{}\" is not i/n with i from 1 to n, e.g. 2/8", text));
  return shard;
}

// Paths with "-" replaced by the list on standard input.
std::vector<std::string> all_paths(const std::vector<std::string>& given, std::istream& in) {
  std::vector<std::string> paths;
  for (const std::string& path : given) {
    if (path != kStdinList) {
      paths.push_back(path);
      continue;
    }
    for (std::string& listed : read_path_list(in)) paths.push_back(std::move(listed));
  }
  return paths;
}

std::size_t widest_name(const InputList& inputs) {
  std::size_t width = 0;
  for (const Input& input : inputs.inputs) width = std::max(width, display_width(printable(input.path)));
  return width;
}

Status write(std::ostream& out, const std::string& piece) {
  if (out << piece << std::flush) return {};
  return fail(ErrorCode::file_unwritable, "results could not be written: the disk is full, or the reader went away");
}

void warn_about_inputs(const InputList& inputs, LogSink& log) {
  if (inputs.inputs.empty())
    log_to(log, LogLevel::error,
           "no input: {} searched, no picture or video by name in {}\n  next step: name files explicitly",
           inputs.folders == 1 ? "1 folder" : fmt::format("{} folders", inputs.folders),
           inputs.folders == 1 ? "it" : "them");
}

// Analyses and writes. Errors: of the job's set-up, and of writing.
Result<SummaryRecord> detect(const DetectCommand& command, CommandContext& context) {
  const InputList inputs = list_inputs(all_paths(command.request.paths, context.in), command.request.shard);
  std::optional<OpenAhead> ahead;
  if (!inputs.inputs.empty() && !inputs.inputs.front().problem)
    ahead.emplace(open_media, inputs.inputs.front().path, job_options(command.request, context).intake);
  DFA_ASSIGN_OR_RETURN(DetectSetup setup, prepare_detect(command.request, context));
  if (ahead) setup.parts.open_media = ahead->opener();
  warn_about_inputs(inputs, *context.log);
  const Detail detail = context.options.talk == Talk::verbose ? Detail::every_person : Detail::normal;
  DFA_ASSIGN_OR_RETURN(const std::unique_ptr<RecordFormat> format,
                       make_record_format(context.options.format, {widest_name(inputs), detail}));
  ProgressLine progress(context.err, context.options.talk == Talk::quiet ? Terminal::no : context.err_terminal);
  DetectCallbacks callbacks;
  callbacks.on_item = [&](const ItemRecord& item) {
    progress.wipe();
    return write(context.out, format->item(item));
  };
  callbacks.on_progress = [&](const Progress& now) { progress.show(now); };
  DFA_TRY(write(context.out, format->begin(setup.run)));
  DFA_ASSIGN_OR_RETURN(const SummaryRecord summary,
                       run_detect(inputs, setup.options, setup.parts, callbacks, *context.cancel));
  progress.wipe();
  DFA_TRY(write(context.out, format->end(summary)));
  return summary;
}

void run_command(DetectCommand& command, CommandContext& context) {
  MediaLimits& limits = command.request.limits;
  limits.max_pixels = command.max_pixels;
  limits.max_duration_seconds = command.max_duration;
  if (command.max_bytes >= 0)
    limits.max_bytes = limits.max_picture_bytes = static_cast<std::uint64_t>(command.max_bytes);
  const Result<SummaryRecord> summary = detect(command, context);
  if (!summary) return context.fail_with(summary.error());
  if (context.cancel->requested())
    context.exit_status = static_cast<int>(ExitStatus::signal_base) + context.cancel->signal();
  else
    context.finish(detect_exit_status(*summary, command.fake_exit));
}

void add_frame_options(CLI::App& app, DetectRequest& request) {
  FrameSelection& frames = request.frames;
  CLI::Option* count =
      add_integer(app, "--frames", frames.count, "Frames taken from a video, evenly spaced", 1, kMostFrames);
  CLI::Option* fps =
      app.add_option_function<std::string>(
             "--fps",
             [&frames](const std::string& text) {
               double value = 0;
               const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
               if (error != std::errc() || stop != text.data() + text.size() || !(value > 0 && value <= kMostFps))
                 throw CLI::ValidationError(
                     "--fps", fmt::format("\"{}\" is not a number above 0 and up to {:g}", text, kMostFps));
               frames.way = FrameSelection::Way::rate;
               frames.fps = value;
             },
             "Frames taken for each second of a video, instead of --frames")
          ->type_name("X");
  CLI::Option* every = app.add_flag_callback(
      "--every-frame", [&frames] { frames.way = FrameSelection::Way::every; },
      "Every frame of a video, instead of --frames");
  fps->excludes(count)->excludes(every);
  every->excludes(count);
  add_integer(app, "--search-every", request.search_every,
              "Of frames close together (--every-frame, --fps from 8 up) every N-th is searched wholly, the others "
              "around its faces; 1 = all are searched",
              1, kMostSearchEvery);
}

void add_mode_option(CLI::App& app, DetectRequest& request) {
  app.add_option_function<std::string>(
         "--mode",
         [&request](const std::string& word) {
           if (word != "throughput" && word != "latency")
             throw CLI::ValidationError("--mode",
                                        fmt::format("\"{}\" is not known; expected throughput, latency", word));
           request.mode = word == "latency" ? ScoreMode::latency : ScoreMode::throughput;
         },
         "throughput: each thread scores faces of its own, for videos and many files; latency: all threads share one "
         "face, for the soonest answer about a single picture")
      ->type_name("WORD")
      ->default_str("throughput");
  app.add_flag_callback(
      "--pin", [&request] { request.pin = Pin::yes; },
      "Bind the network's threads to a processor each, of those that this process may use");
}

void add_limit_options(CLI::App& app, DetectCommand& command) {
  add_integer(app, "--max-pixels", command.max_pixels, "Largest picture or frame that is read; 0 = no limit",
              std::int64_t{0});
  add_number(app, "--max-duration", command.max_duration, "Longest video that is read, in seconds; 0 = no limit", 0);
  add_integer(app, "--max-bytes", command.max_bytes, "Largest file that is read; 0 = no limit", std::int64_t{0})
      ->default_str("512 MiB a picture, 16 GiB a video");
}

}  // namespace

ExitStatus detect_exit_status(const SummaryRecord& summary, FakeExit fake_exit) {
  if (fake_exit == FakeExit::yes && summary.fakes > 0) return ExitStatus::fake_found;
  const std::int64_t readable = summary.analysed() - summary.decode_error;
  if (readable == 0) return ExitStatus::no_input;
  if (summary.abstained > 0 || (summary.scored > 0 && summary.decode_error > 0)) return ExitStatus::some_failed;
  return summary.scored > 0 ? ExitStatus::success : ExitStatus::no_face;
}

void add_detect_command(CLI::App& app, CommandContext& context) {
  CLI::App* detect = app.add_subcommand("detect", "Score the faces of pictures and videos");
  detect->footer(
      "Examples:\n"
      "  dfa detect samples                          a table for people\n"
      "  dfa detect --format json clip.mp4           the whole record (docs/result.schema.json)\n"
      "  find . -name '*.mp4' | dfa detect --format jsonl -\n\n"
      "Exit status: 0 analysed, 2 usage, 3 nothing readable, 4 no usable face anywhere, 5 model, 6 some inputs failed, "
      "10 a fake\n"
      "was found and --exit-on-fake was given, 130 and 143 stopped by a signal, 1 anything else.");
  const auto command = std::make_shared<DetectCommand>();
  DetectRequest& request = command->request;
  detect
      ->add_option("PATH", request.paths,
                   "Pictures, videos, folders (searched with all below), or - for a list on standard input")
      ->required();
  add_model_option(*detect, context);
  add_engine_option(*detect, context);
  add_threads_option(*detect, context);
  add_mode_option(*detect, request);
  add_format_option(*detect, context, {"text", "json", "jsonl", "csv"});
  add_frame_options(*detect, request);
  detect
      ->add_option("--detector", request.detector,
                   "Face detector: mtcnn, mtcnn-reference, dlib where the build has it (default: the one of the "
                   "model's crop recipe)")
      ->type_name("NAME");
  add_integer(*detect, "--min-face", request.min_face_px, "Shorter side of the smallest face that is scored, in pixels",
              kSmallestFace, kLargestFace);
  add_integer(*detect, "--max-faces", request.max_faces, "Faces kept per frame, largest first; 0 = all", 0, kMostFaces);
  detect
      ->add_option("--operating-point", request.operating_point,
                   "Where fake begins: fpr1, fpr5 (the model's own, by false alarms) or a threshold between 0 and 1")
      ->type_name("POINT");
  detect->add_flag_callback(
      "--exit-on-fake", [command] { command->fake_exit = FakeExit::yes; }, "Exit with 10 when a fake was found");
  detect->add_flag_callback(
      "--force-crop", [command] { command->request.force_crop = ForceCrop::yes; },
      "Score crops of another recipe than the model's; the record says so");
  detect
      ->add_option_function<std::string>(
          "--shard", [command](const std::string& text) { command->request.shard = parse_shard(text); },
          "Take the i-th of n parts of the inputs, for n machines")
      ->type_name("I/N");
  add_limit_options(*detect, *command);
  detect->callback([command, &context] { run_command(*command, context); });
}

}  // namespace dfa::cli
