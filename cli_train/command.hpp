// What the commands of dfa-train share. A command is a function add_XXX_command(CLI::App&, Context&) whose callback
// does the work and leaves its verdict in the context.
#pragma once

#include <ostream>

#include "base/log.hpp"
#include "base/result.hpp"
#include "cli_train/run.hpp"

namespace CLI {
class App;
}

namespace dfa::cli_train {

enum class Exit : int {
  success = 0,
  failed = 1,
  usage = 2,
  no_input = 3,
  model = 5,
  some_failed = 6,
  rank = 7,
  signal_base = 128
};

struct Context {
  Streams streams;
  const CancelFlag& cancel;
  int exit_status = 0;

  void finish(Exit status) { exit_status = static_cast<int>(status); }
  // Writes "dfa-train: <message>" to err and takes the status that belongs to the code.
  void fail_with(const Error& error);
};

void add_parity_command(CLI::App& app, Context& context);
void add_run_command(CLI::App& app, Context& context);
void add_resume_command(CLI::App& app, Context& context);
void add_export_command(CLI::App& app, Context& context);
void add_plan_command(CLI::App& app, Context& context);
void add_merge_command(CLI::App& app, Context& context);
void add_study_command(CLI::App& app, Context& context);

}  // namespace dfa::cli_train
