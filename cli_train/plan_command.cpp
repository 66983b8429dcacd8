#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "cli_train/command.hpp"
#include "train/plan/run_plan.hpp"

namespace dfa::cli_train {

namespace {

// Notes go to stderr, as in a run.
class Notes : public train::RunObserver {
 public:
  explicit Notes(std::ostream& err) : err_(err) {}
  void note(LogLevel level, const std::string& message) override {
    err_ << (level == LogLevel::warning ? "warning: " : "") << message << std::endl;
  }
  void on_step(const train::StepReport&) override {}
  void on_epoch(const std::string&) override {}

 private:
  std::ostream& err_;
};

enum class Form { text, json };

}  // namespace

void add_plan_command(CLI::App& app, Context& context) {
  struct Arguments {
    std::string config;
    std::vector<std::string> set;
    train::RunPlanOptions options;
    Form form = Form::text;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand(
      "plan", "Says what a run would take: parameters, peak memory, time. Takes a few of its steps and writes nothing");
  command->add_option("CONFIG", arguments->config, "Configuration (JSON)")->required();
  command->add_option("--set", arguments->set, "key=value over the file's, as for run")->allow_extra_args(false);
  command->add_option("--steps", arguments->options.steps, "Steps to time, at least 2")
      ->check(CLI::Range(2, 10000))
      ->capture_default_str();
  command->add_option("--seconds", arguments->options.seconds, "Begin no further step after so much timing")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command
      ->add_option("--crops", arguments->options.crops, "Number of training crops, where the manifest is not there yet")
      ->check(CLI::NonNegativeNumber);
  command->add_flag_callback(
      "--json", [arguments] { arguments->form = Form::json; }, "One JSON object instead of a table");
  command->callback([arguments, &context] {
    const auto config = train::read_run_config(arguments->config, arguments->set);
    if (!config) return context.fail_with(config.error());
    Notes notes(context.streams.err);
    const auto plan = train::plan_run(*config, arguments->options, notes, context.cancel);
    if (!plan) return context.fail_with(plan.error());
    context.streams.out << (arguments->form == Form::json ? train::plan_json(*plan) + "\n" : train::plan_text(*plan));
    context.finish(Exit::success);
  });
}

}  // namespace dfa::cli_train
