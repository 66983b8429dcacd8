// dfa-train run and resume.
#include <CLI/CLI.hpp>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "cli_train/command.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/train_run.hpp"

namespace dfa::cli_train {

namespace {

std::string clock_text(double seconds) {
  const long whole = std::lround(seconds);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// Notes and one line an epoch on stderr; between them a line that is redrawn, where stderr is a terminal.
class Printer : public train::RunObserver {
 public:
  explicit Printer(Context& context) : context_(context) {}
  void note(LogLevel level, const std::string& message) override {
    context_.streams.err << (level == LogLevel::warning ? "warning: " : "") << message << std::endl;
  }
  void on_step(const train::StepReport& report) override {
    if (!context_.streams.err_is_terminal) return;
    context_.streams.err << fmt::format("\repoch {}/{} step {}/{} loss {:.4f} lr {:.2e} left {}   ", report.epoch,
                                        report.epochs, report.step, report.steps, report.loss, report.learning_rate,
                                        clock_text(report.seconds_left))
                         << std::flush;
  }
  void on_epoch(const std::string& metrics_line) override {
    context_.streams.err << (context_.streams.err_is_terminal ? "\r\033[K" : "") << metrics_line << std::endl;
  }

 private:
  Context& context_;
};

void finish(const Result<train::RunSummary>& summary, Context& context) {
  if (!summary) {
    context.streams.err << (context.streams.err_is_terminal ? "\n" : "");
    return context.fail_with(summary.error());
  }
  context.finish(Exit::success);
  if (summary->rank > 0) return;  // rank 0 says it
  context.streams.out << fmt::format(
      "{{\"schema\":\"dfa.run/1\",\"folder\":\"{}\",\"epochs\":{},\"best_epoch\":{},\"best_val_auc\":{}}}\n",
      summary->folder.string(), summary->epochs, summary->best_epoch, summary->best_auc);
}

// "12" is the checkpoint that was kept after epoch 12, anything else a path.
std::filesystem::path checkpoint_named(const std::filesystem::path& folder, const std::string& from) {
  constexpr std::size_t kMostDigits = 9;
  const bool is_number = from.size() <= kMostDigits && from.find_first_not_of("0123456789") == std::string::npos;
  return is_number ? train::kept_checkpoint(folder, std::stoll(from)) : std::filesystem::path(from);
}

}  // namespace

void add_run_command(CLI::App& app, Context& context) {
  struct Arguments {
    std::string config, recipe;
    std::vector<std::string> set;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "run", "Trains by a configuration; writes config.json, metrics.jsonl and checkpoints into its run folder");
  command->add_option("CONFIG", arguments->config, "Configuration (JSON)")->required();
  command
      ->add_option("--set", arguments->set,
                   "key=value over the file's: batch=16, optimizer.momentum=0.8, dim=192 (may be given again)")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--recipe", arguments->recipe,
          "Where what CONFIG does not say comes from: default, or official: the published recipe as it is, its "
          "deviations stamped on everything that comes of the run")
      ->check(CLI::IsMember({"default", "official"}));
  command->callback([arguments, &context] {
    // Before the others: single settings count over a recipe.
    if (!arguments->recipe.empty()) arguments->set.insert(arguments->set.begin(), "recipe=" + arguments->recipe);
    const auto config = train::read_run_config(arguments->config, arguments->set);
    if (!config) return context.fail_with(config.error());
    Printer printer(context);
    finish(train::start_run(*config, printer, context.cancel), context);
  });
}

void add_resume_command(CLI::App& app, Context& context) {
  struct Arguments {
    std::string folder, from;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "resume", "Continues a run from its last saved state, bit for bit with the same number of threads");
  command->add_option("DIR", arguments->folder, "Run folder")->required();
  command->add_option("--from", arguments->from,
                      "Go back to this state first: the number of an epoch that was kept, or a checkpoint file. What "
                      "came after it is set aside");
  command->callback([arguments, &context] {
    Printer printer(context);
    const std::string& from = arguments->from;
    if (from.empty()) return finish(train::resume_run(arguments->folder, printer, context.cancel), context);
    const std::filesystem::path source = checkpoint_named(arguments->folder, from);
    finish(train::resume_run_from(arguments->folder, source, printer, context.cancel), context);
  });
}

}  // namespace dfa::cli_train
