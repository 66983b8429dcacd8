#include "cli/commands/bench.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include <version.hpp>  // the generated one, not the command beside this file
#include "base/cancel.hpp"
#include "base/machine.hpp"
#include "base/quantile.hpp"
#include "cli/command.hpp"
#include "cli/options.hpp"
#include "model/model.hpp"
#include "nn/isa.hpp"

namespace dfa::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::map<std::string, double>;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Adds up profile lines "stage,step,begin_s,end_s" while it is asked to listen.
class StageClock final : public TraceSink {
 public:
  bool wants(TraceClass trace_class) const override { return listening && trace_class == TraceClass::profile; }
  void write(TraceClass, std::string_view line) override {
    const auto last = line.rfind(',');
    const auto before = line.rfind(',', last - 1);
    const double seconds = number(line.substr(last + 1)) - number(line.substr(before + 1, last - before - 1));
    std::string step(line.substr(0, before));
    const auto comma = step.find(',');
    stages[step.substr(0, comma)] += seconds;
    step[comma] = '/';
    steps[step] += seconds;
  }

  bool listening = false;
  Seconds stages, steps;

 private:
  static double number(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }
};

// Medians by name over the passes.
Seconds medians(const std::vector<Seconds>& passes) {
  std::map<std::string, std::vector<double>> values;
  for (const Seconds& pass : passes) {
    for (const auto& [name, seconds] : pass) values[name].push_back(seconds);
  }
  Seconds result;
  for (const auto& [name, list] : values) result[name] = quantile(list, 0.5);
  return result;
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

  std::vector<float> first_logits() const { return {logits_.begin(), logits_.begin() + network_.config().classes}; }

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

nlohmann::json to_json(const Subject& subject, const BenchPlan& plan, const BenchFigures& figures, bool steps) {
  const MachineFacts machine = machine_facts();
  const double median = quantile(figures.batch_seconds, 0.5);
  nlohmann::json json = {
      {"schema", "dfa.bench/1"},
      {"tool", {{"version", kVersion}, {"build", kBuildId}}},
      {"machine",
       {{"cpu", machine.cpu_model},
        {"processors", machine.processors},
        {"isa", machine.isa},
        {"memory_mib", machine.memory_mib}}},
      {"network", {{"name", subject.name}, {"config", nlohmann::json::parse(network_config_json(subject.config))}}},
      {"engine",
       {{"precision", precision_name(plan.precision)},
        {"isa", effective_isa()},
        {"threads", plan.threads > 0 ? plan.threads : usable_processors()}}},
      {"batch", plan.batch},
      {"repeats", plan.repeats},
      {"warmup", plan.warmup},
      {"build_seconds", figures.build_seconds},
      {"seconds_per_batch", figures.batch_seconds},
      {"seconds_per_batch_quartiles",
       {quantile(figures.batch_seconds, 0.25), median, quantile(figures.batch_seconds, 0.75)}},
      {"images_per_second_median", plan.batch / median},
      {"stage_seconds_per_batch", figures.stage_seconds},
      {"logits_row0", figures.first_logits},
      {"peak_memory_mib", peak_memory_mib()},
  };
  if (steps) json["step_seconds_per_batch"] = figures.step_seconds;
  return json;
}

void print_text(std::ostream& out, const Subject& subject, const BenchPlan& plan, const BenchFigures& figures,
                bool steps) {
  const double median = quantile(figures.batch_seconds, 0.5);
  out << fmt::format("{}, engine {} ({}), batch {}, {} threads\n", subject.name, precision_name(plan.precision),
                     effective_isa(), plan.batch, plan.threads > 0 ? plan.threads : usable_processors());
  out << fmt::format("{:.2f} images/s; a batch takes {:.4f} s (median of {}), quartiles {:.4f} to {:.4f} s\n",
                     plan.batch / median, median, figures.batch_seconds.size(), quantile(figures.batch_seconds, 0.25),
                     quantile(figures.batch_seconds, 0.75));
  for (const auto& [name, seconds] : figures.stage_seconds) {
    out << fmt::format("  {:<14}{:>10.4f} s {:>6.1f} %\n", name, seconds, 100 * seconds / median);
  }
  if (!steps) return;
  for (const auto& [name, seconds] : figures.step_seconds)
    out << fmt::format("  {:<36}{:>10.3f} ms\n", name, 1e3 * seconds);
}

void run_command(const BenchOptions& options, CommandContext& context) {
  BenchPlan plan = options.plan;
  plan.threads = context.options.threads;
  const Result<Subject> subject = choose_subject(options, context.options);
  if (!subject) return context.fail_with(subject.error());
  const Result<Precision> precision =
      resolve_engine(context.options.engine, subject->quantised ? Scales::present : Scales::absent);
  if (!precision) return context.fail_with(precision.error());
  plan.precision = *precision;
  if (subject->quantised) plan.quantisation = &subject->quantised->codes;
  const Result<BenchFigures> figures = run_bench(subject->config, subject->weights, plan, *context.cancel);
  if (!figures) return context.fail_with(figures.error());
  if (context.options.format == "json") {
    context.out << to_json(*subject, plan, *figures, options.steps).dump(1) << '\n';
  } else {
    print_text(context.out, *subject, plan, *figures, options.steps);
  }
  context.finish(ExitStatus::success);
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return quantile_of_sorted(values, share);
}

Result<BenchFigures> run_bench(const NetworkConfig& config, const TensorMap& weights, const BenchPlan& plan,
                               const CancelFlag& cancel) {
  StageClock clock;
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
  std::vector<Seconds> stages, steps;
  clock.listening = true;
  for (int i = 0; i < std::max(1, plan.repeats / 2); ++i) {
    clock.stages.clear();
    clock.steps.clear();
    DFA_TRY(bench.pass());
    stages.push_back(clock.stages);
    steps.push_back(clock.steps);
  }
  figures.stage_seconds = medians(stages);
  figures.step_seconds = medians(steps);
  figures.first_logits = bench.first_logits();
  return figures;
}

void add_bench_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("bench", "Time the network on this machine");
  command->footer(
      "Weights and images are made by a fixed rule unless --model is given, so figures of two machines compare.\n"
      "Give the machine to this command alone while it runs: anything beside it is in the figures.");
  const auto options = std::make_shared<BenchOptions>();
  CLI::Option* model = add_model_option(*command, context);
  model->description("Time the network of this model file (default: the one that --config names)");
  command->add_option("--config", options->config, "Network when no --model is given: vit-b16 (the paper's) or tiny")
      ->capture_default_str()
      ->excludes(model);
  add_engine_option(*command, context);
  add_threads_option(*command, context);
  add_integer(*command, "--batch", options->plan.batch, "Images a forward pass", 1, 1024);
  add_integer(*command, "--warmup", options->plan.warmup, "Passes before the clock counts", 0);
  add_integer(*command, "--repeats", options->plan.repeats, "Timed passes", 1);
  command->add_flag("--steps", options->steps, "Show every step of the plan, not only its stages (f32)");
  add_format_option(*command, context, {"text", "json"});
  command->callback([options, &context] { run_command(*options, context); });
}

}  // namespace dfa::cli
