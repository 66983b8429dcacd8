#include "cli/run.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <new>

#include "cli/commands/about.hpp"
#include "cli/commands/bench.hpp"
#include "cli/commands/calibrate.hpp"
#include "cli/commands/detect.hpp"
#include "cli/commands/doctor.hpp"
#include "cli/commands/evaluate.hpp"
#include "cli/commands/export.hpp"
#include "cli/commands/import.hpp"
#include "cli/commands/licenses.hpp"
#include "cli/commands/model.hpp"
#include "cli/commands/perturb.hpp"
#include "cli/commands/prepare.hpp"
#include "cli/commands/selftest.hpp"
#include "cli/commands/stress.hpp"
#include "cli/commands/synthesize.hpp"
#include "cli/commands/train.hpp"
#include "cli/stream_log.hpp"
#include "cli/usage.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

void add_commands(CLI::App& app, CommandContext& context) {
  add_detect_command(app, context);
  add_doctor_command(app, context);
  add_evaluate_command(app, context);
  add_calibrate_command(app, context);
  add_prepare_command(app, context);
  add_synthesize_command(app, context);
  add_train_command(app, context);
  add_import_command(app, context);
  add_export_command(app, context);
  add_model_command(app, context);
  add_perturb_command(app, context);
  add_stress_command(app, context);
  add_bench_command(app, context);
  add_selftest_command(app, context);
  add_licenses_command(app, context);
  add_version_command(app, context);
}

// --quiet and -v may stand before or after any command's name.
void let_fall_through(CLI::App& app) {
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_prefix_command()) continue;
    command->fallthrough();
    let_fall_through(*command);
  }
}

void describe(CLI::App& app, CommandContext& context) {
  app.name("dfa");
  app.description("Finds faces in pictures and videos and says how likely each is a forgery.");
  app.set_version_flag("--version", fmt::format("dfa {} ({})", kVersion, kBuildId), "Print version and build");
  CLI::Option* quiet = app.add_flag_callback(
      "--quiet", [&context] { context.options.talk = Talk::quiet; }, "Only errors on standard error");
  app.add_flag_callback(
         "-v,--verbose", [&context] { context.options.talk = Talk::verbose; }, "Say more")
      ->excludes(quiet);
  app.require_subcommand(1);
}

// After the commands, which would inherit it.
void add_footer(CLI::App& app) {
  app.footer(
      "Example:\n  dfa detect samples\n\n"
      "Results go to standard output, everything else to standard error; --quiet and -v may stand anywhere.\n"
      "`dfa COMMAND --help` says more.");
}

LogLevel least_level(Talk talk) {
  switch (talk) {
    case Talk::quiet:
      return LogLevel::error;
    case Talk::normal:
      return LogLevel::warning;
    case Talk::verbose:
      return LogLevel::debug;
  }
  return LogLevel::warning;
}

// Help and version are answers, the rest is a mistake of the caller.
int answer(const CLI::App& app, const CLI::ParseError& error, Streams& streams) {
  if (error.get_exit_code() == 0) return app.exit(error, streams.out, streams.err);
  streams.err << "dfa: " << usage_message(app, error) << '\n';
  return static_cast<int>(ExitStatus::usage);
}

int parse_and_run(std::span<const std::string> argv, Streams& streams, const CancelFlag& cancel) {
  CommandContext context{streams.in, streams.out, streams.err, streams.err_terminal, {}, &cancel, &null_log(), nullptr,
                         0};
  StreamLog log(streams.err, LogLevel::warning);
  context.log = &log;
  const char* specification = std::getenv("DFA_TRACE");
  auto trace = make_stderr_trace(specification == nullptr ? "" : specification);
  if (!trace) {
    context.fail_with(Error{trace.error().code, "DFA_TRACE: " + trace.error().message});
    return context.exit_status;
  }
  context.trace = trace->get();

  CLI::App app;
  describe(app, context);
  add_commands(app, context);
  add_footer(app);
  let_fall_through(app);
  app.parse_complete_callback([&] { log.set_least(least_level(context.options.talk)); });
  if (argv.empty()) {
    streams.err << app.help();
    return static_cast<int>(ExitStatus::usage);
  }
  try {
    app.parse(std::vector<std::string>(argv.rbegin(), argv.rend()));  // CLI11 takes them last first
  } catch (const CLI::ParseError& error) {
    return answer(app, error, streams);
  }
  return context.exit_status;
}

}  // namespace

int run(std::span<const std::string> argv, Streams streams, const CancelFlag& cancel) {
  int status = static_cast<int>(ExitStatus::internal);
  try {
    status = parse_and_run(argv, streams, cancel);
  } catch (const std::bad_alloc&) {
    streams.err << "dfa: out of memory\n";
  } catch (const std::exception& error) {
    streams.err << "dfa: internal error: " << error.what() << '\n';
  }
  streams.out.flush();
  if (!streams.out && status == 0) {
    streams.err << "dfa: results could not be written: the disk is full, or the reader went away\n";
    status = static_cast<int>(ExitStatus::internal);
  }
  return status;
}

int run(std::span<const std::string> argv, Streams streams) {
  const CancelFlag never;
  return run(argv, streams, never);
}

}  // namespace dfa::cli
