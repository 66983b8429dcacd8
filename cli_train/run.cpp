#include "cli_train/run.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <exception>

#include "base/nearest_name.hpp"
#include "cli_train/command.hpp"
#include "version.hpp"

namespace dfa::cli_train {

namespace {

Exit exit_for(ErrorCode code) {
  const int number = static_cast<int>(code);
  if (code == ErrorCode::usage) return Exit::usage;
  if (code == ErrorCode::rank_lost) return Exit::rank;
  if (number >= 400 && number < 500) return Exit::model;
  if (code == ErrorCode::recipe_mismatch) return Exit::model;
  if ((number >= 200 && number < 400) || code == ErrorCode::manifest_invalid) return Exit::no_input;
  return Exit::failed;
}

// Names of the commands, or of the options of the command that was given.
std::vector<std::string> known_words(const CLI::App& app, std::span<const std::string> argv, bool options) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!options) words.push_back(command->get_name());
    if (!options || argv.empty() || command->get_name() != argv.front()) continue;
    for (const CLI::Option* option : command->get_options())
      if (!option->get_lnames().empty()) words.push_back("--" + option->get_lnames().front());
  }
  return words;
}

// For the first word that nobody knows: the nearest one that is known.
std::string suggestion(const CLI::App& app, std::span<const std::string> argv) {
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const bool option = argv[i].starts_with("--");
    if (i > 0 && !option) continue;
    const std::string word = argv[i].substr(0, argv[i].find('='));
    const std::vector<std::string> known = known_words(app, argv, option);
    if (known.empty() || std::find(known.begin(), known.end(), word) != known.end()) continue;
    return fmt::format("\"{}\" is not known; did you mean \"{}\"?\n", word, nearest_name(word, known));
  }
  return "";
}

}  // namespace

void Context::fail_with(const Error& error) {
  if (error.code == ErrorCode::cancelled) {
    // Without a signal of our own another rank of the training had one.
    exit_status = static_cast<int>(Exit::signal_base) + (cancel.requested() ? cancel.signal() : SIGTERM);
    return;
  }
  streams.err << "dfa-train: " << error.message << "\n";
  finish(exit_for(error.code));
}

int run(std::span<const std::string> argv, Streams streams, const CancelFlag& cancel) {
  Context context{streams, cancel};
  CLI::App app("Trains the networks that dfa runs", "dfa-train");
  app.set_version_flag("--version", std::string("dfa-train ") + kVersion + " (" + kBuildId + ")");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  add_run_command(app, context);
  add_resume_command(app, context);
  add_plan_command(app, context);
  add_export_command(app, context);
  add_merge_command(app, context);
  add_parity_command(app, context);
  add_study_command(app, context);
  try {
    std::vector<std::string> reversed(argv.rbegin(), argv.rend());  // CLI11 takes them last first
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error, streams.out, streams.err);
    if (status == 0) return 0;  // --help, --version
    streams.err << suggestion(app, argv);
    return static_cast<int>(Exit::usage);
  } catch (const std::exception& error) {
    streams.err << "dfa-train: internal error: " << error.what() << "\n";
    return static_cast<int>(Exit::failed);
  }
  streams.out.flush();
  if (!streams.out && context.exit_status == 0)
    return static_cast<int>(Exit::failed);  // the result could not be written
  return context.exit_status;
}

}  // namespace dfa::cli_train
