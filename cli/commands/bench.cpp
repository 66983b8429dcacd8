#include "cli/commands/bench.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/cancel.hpp"
#include "base/file.hpp"
#include "base/machine.hpp"
#include "cli/command.hpp"
#include "cli/commands/bench_facts.hpp"
#include "cli/commands/bench_kernels.hpp"
#include "cli/commands/bench_video.hpp"
#include "cli/commands/span_sums.hpp"
#include "cli/options.hpp"
#include "model/model.hpp"
#include "nn/isa.hpp"

namespace dfa::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kLargestShapeFile = 1u << 20;
constexpr int kMostFrames = 1'000'000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Runs forward passes of one batch again and again.
class Bench {
 public:
  Bench(Network& network, int batch, const CancelFlag& cancel)
      : network_(network),
        cancel_(cancel),
        batch_(batch),
        images_(hash_images(network.config(), batch)),
        logits_(static_cast<std::size_t>(batch) * static_cast<std::size_t>(network.config().classes)) {}

  Result<double> pass() {
    if (cancel_.requested()) return fail(ErrorCode::cancelled, "stopped between two passes");
    const auto begin = Clock::now();
    DFA_TRY(network_.forward(images_, batch_, {.logits = logits_, .feature = {}}));
    return seconds_since(begin);
  }

  const std::vector<float>& logits() const { return logits_; }

 private:
  Network& network_;
  const CancelFlag& cancel_;
  int batch_;
  std::vector<float> images_;
  std::vector<float> logits_;
};

// The names that --config knows.
std::optional<NetworkConfig> named_config(std::string_view name) {
  if (name == "vit-b16") return NetworkConfig{};
  if (name != "tiny") return std::nullopt;
  NetworkConfig config;  // the golden network of the method's specification
  config.image = 64;
  config.dim = 48;
  config.depth = 6;
  config.heads = 3;
  config.mlp = 192;
  config.bottleneck = 8;
  config.stages = {{0, 1}, {2, 3}, {4, 5}};
  return config;
}

struct BenchOptions {
  std::string config = "vit-b16";
  BenchPlan plan;
  bool steps = false;
  std::string kernels;  // a file of shapes: their kernels are timed instead of a network
  VideoBenchRequest video;
};

// What is measured: weights of a model file, or made by the hash rule.
struct Subject {
  std::string name;
  NetworkConfig config;
  TensorMap weights;
  std::optional<ModelQuantisation> quantised = {};
};

Result<Subject> choose_subject(const BenchOptions& options, const SharedOptions& shared) {
  if (!shared.model.empty()) {
    DFA_ASSIGN_OR_RETURN(Model model, load_selected_model(shared));
    return Subject{shared.model, model.config, std::move(model.weights), std::move(model.quantised)};
  }
  const std::optional<NetworkConfig> config = named_config(options.config);
  if (!config) return fail(ErrorCode::usage, "--config \"{}\" is not known; expected vit-b16 or tiny", options.config);
  return Subject{options.config, *config, hash_weights(*config)};
}

std::vector<std::vector<float>> rows_of(const std::vector<float>& values, int width) {
  std::vector<std::vector<float>> rows;
  for (auto row = values.begin(); row != values.end(); row += width) rows.emplace_back(row, row + width);
  return rows;
}

nlohmann::json to_json(const Subject& subject, const BenchPlan& plan, const BenchFigures& figures, bool steps) {
  nlohmann::json json = bench_facts_json(plan.precision, plan.threads);
  const std::vector<std::vector<float>> logits = rows_of(figures.logits, subject.config.classes);
  json.update({
      {"network", {{"name", subject.name}, {"config", nlohmann::json::parse(network_config_json(subject.config))}}},
      {"batch", plan.batch},
      {"repeats", plan.repeats},
      {"warmup", plan.warmup},
      {"build_seconds", figures.build_seconds},
      {"seconds_per_batch", figures.batch_seconds},
      {"seconds_per_batch_quartiles", quartiles(figures.batch_seconds)},
      {"images_per_second_median", plan.batch / quantile(figures.batch_seconds, 0.5)},
      {"stage_seconds_per_batch", figures.stage_seconds},
      {"logits", logits},
      {"logits_row0", logits.front()},
      {"peak_memory_mib", peak_memory_mib()},
  });
  if (figures.footprint)
    json["footprint_bytes"] = {{"weights", figures.footprint->weights}, {"workspace", figures.footprint->workspace}};
  if (steps) {
    json["step_seconds_per_batch"] = figures.step_seconds;
    json["step_kernels"] = figures.step_kernels;
  }
  return json;
}

void print_text(std::ostream& out, const Subject& subject, const BenchPlan& plan, const BenchFigures& figures,
                bool steps) {
  const auto [low, median, high] = quartiles(figures.batch_seconds);
  out << fmt::format("{}, batch {}\n", subject.name, plan.batch);
  out << fmt::format("{:.2f} images/s; a batch takes {:.4f} s (median of {}), quartiles {:.4f} to {:.4f} s\n",
                     plan.batch / median, median, figures.batch_seconds.size(), low, high);
  if (figures.footprint)
    out << fmt::format("packed weights {:.1f} MB, workspace {:.1f} MB; peak memory of the process {:.0f} MiB\n",
                       1e-6 * static_cast<double>(figures.footprint->weights),
                       1e-6 * static_cast<double>(figures.footprint->workspace), peak_memory_mib());
  for (const auto& [name, seconds] : figures.stage_seconds) {
    out << fmt::format("  {:<14}{:>10.4f} s {:>6.1f} %\n", name, seconds, 100 * seconds / median);
  }
  if (!steps) return;
  for (const auto& [name, seconds] : figures.step_seconds) {
    const auto kernel = figures.step_kernels.find(name);
    out << fmt::format("  {:<36}{:>10.3f} ms  {}\n", name, 1e3 * seconds,
                       kernel == figures.step_kernels.end() ? "" : kernel->second);
  }
}

void print_engine(std::ostream& out, const BenchPlan& plan) {
  out << fmt::format("engine {} ({}), {} threads; {}\n", precision_name(plan.precision), effective_isa(),
                     plan.threads > 0 ? plan.threads : usable_processors(), machine_line());
}

Status bench_network(const BenchOptions& options, BenchPlan plan, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const Subject subject, choose_subject(options, context.options));
  const Scales scales = subject.quantised ? Scales::present : Scales::absent;
  DFA_ASSIGN_OR_RETURN(plan.precision, resolve_engine(context.options.engine, scales));
  if (subject.quantised) plan.quantisation = &subject.quantised->codes;
  DFA_ASSIGN_OR_RETURN(const BenchFigures figures, run_bench(subject.config, subject.weights, plan, *context.cancel));
  if (context.options.format == "json") {
    context.out << to_json(subject, plan, figures, options.steps).dump(1) << '\n';
    return {};
  }
  print_engine(context.out, plan);
  print_text(context.out, subject, plan, figures, options.steps);
  return {};
}

// Kernels need no scales: their operands are made up.
Status bench_kernels(const BenchOptions& options, BenchPlan plan, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(plan.precision, resolve_engine(context.options.engine, Scales::present));
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(options.kernels, kLargestShapeFile));
  DFA_ASSIGN_OR_RETURN(const auto shapes, parse_kernel_shapes(text, options.kernels));
  DFA_ASSIGN_OR_RETURN(const auto figures, time_kernels(shapes, plan, *context.cancel));
  if (context.options.format == "json") {
    nlohmann::json json = bench_facts_json(plan.precision, plan.threads);
    json.update({{"repeats", plan.repeats}, {"warmup", plan.warmup}, {"kernels", kernels_json(figures)}});
    context.out << json.dump(1) << '\n';
    return {};
  }
  print_engine(context.out, plan);
  print_kernels(context.out, figures);
  return {};
}

Status bench_video(const BenchOptions& options, BenchPlan plan, CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const Model model, load_selected_model(context.options));
  DFA_ASSIGN_OR_RETURN(plan.precision, resolve_engine(context.options.engine, model));
  DFA_ASSIGN_OR_RETURN(const VideoFigures figures, time_video(options.video, plan, context));
  if (context.options.format == "json") {
    nlohmann::json json = bench_facts_json(plan.precision, plan.threads);
    json.update({{"repeats", plan.repeats}, {"warmup", plan.warmup}, {"video", video_json(options.video, figures)}});
    context.out << json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
    return {};
  }
  print_engine(context.out, plan);
  print_video(context.out, options.video, figures);
  return {};
}

void run_command(const BenchOptions& options, CommandContext& context) {
  BenchPlan plan = options.plan;
  plan.threads = context.options.threads;
  plan.trace = context.trace;
  const auto bench = !options.kernels.empty()      ? bench_kernels
                     : !options.video.file.empty() ? bench_video
                                                   : bench_network;
  if (const Status done = bench(options, plan, context); !done) return context.fail_with(done.error());
  context.finish(ExitStatus::success);
}

}  // namespace

Result<BenchFigures> run_bench(const NetworkConfig& config, const TensorMap& weights, const BenchPlan& plan,
                               const CancelFlag& cancel) {
  SpanSums clock(plan.trace);
  BenchFigures figures;
  const auto begin = Clock::now();
  DFA_ASSIGN_OR_RETURN(const auto network, make_network(config, weights,
                                                        {.precision = plan.precision,
                                                         .threads = plan.threads,
                                                         .max_batch = plan.batch,
                                                         .trace = &clock,
                                                         .quantisation = plan.quantisation}));
  figures.build_seconds = seconds_since(begin);
  Bench bench(*network, plan.batch, cancel);
  for (int i = 0; i < plan.warmup; ++i) DFA_TRY(bench.pass());
  for (int i = 0; i < plan.repeats; ++i) {
    DFA_ASSIGN_OR_RETURN(const double seconds, bench.pass());
    figures.batch_seconds.push_back(seconds);
  }
  std::vector<SecondsByName> stages, steps;
  clock.listen();
  for (int i = 0; i < std::max(1, plan.repeats / 2); ++i) {
    DFA_TRY(bench.pass());
    SpanSums::Sums sums = clock.take();
    stages.push_back(std::move(sums.stages));
    steps.push_back(std::move(sums.steps));
  }
  figures.stage_seconds = medians(stages);
  figures.step_seconds = medians(steps);
  figures.step_kernels = clock.kernels();
  figures.logits = bench.logits();
  figures.footprint = network->footprint();
  return figures;
}

void add_bench_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("bench", "Time the network on this machine");
  command->footer(
      "Weights and images are made by a fixed rule unless --model is given, so figures of two machines compare.\n"
      "Give the machine to this command alone while it runs: anything beside it is in the figures.\n"
      "With --video and without --model the model inside the program is timed.");
  const auto options = std::make_shared<BenchOptions>();
  CLI::Option* model = add_model_option(*command, context);
  model->description("Time the network of this model file (default: the one that --config names)");
  CLI::Option* config =
      command
          ->add_option("--config", options->config, "Network when no --model is given: vit-b16 (the paper's) or tiny")
          ->capture_default_str()
          ->excludes(model);
  add_engine_option(*command, context);
  add_threads_option(*command, context);
  CLI::Option* batch = add_integer(*command, "--batch", options->plan.batch, "Images a forward pass", 1, 1024);
  add_integer(*command, "--warmup", options->plan.warmup, "Passes before the clock counts", 0);
  add_integer(*command, "--repeats", options->plan.repeats, "Timed passes", 1);
  CLI::Option* steps = command->add_flag("--steps", options->steps, "Show every step of the plan and its kernel, too");
  CLI::Option* kernels =
      command
          ->add_option("--kernels", options->kernels,
                       "Time the engine's kernels at the sizes in FILE instead: lines \"linear ROWS IN OUT "
                       "[relu|gelu|add]\" or \"attention IMAGES HEADS QUERIES KEYS HEAD_DIM\"")
          ->type_name("FILE");
  for (CLI::Option* other : {model, config, batch, steps}) kernels->excludes(other);
  CLI::Option* video = command
                           ->add_option("--video", options->video.file,
                                        "Time the whole way of a picture or video instead: decode, detect, crop, score")
                           ->type_name("FILE");
  for (CLI::Option* other : {config, batch, steps, kernels}) video->excludes(other);
  add_integer(*command, "--frames", options->video.frames, "Frames taken from --video, evenly spaced", 1, kMostFrames)
      ->needs(video);
  add_format_option(*command, context, {"text", "json"});
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
