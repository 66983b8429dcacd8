// What every command is given: streams, shared options, sinks and the flag that a signal raises. A command is one
// function
//   void add_XXX_command(CLI::App& app, CommandContext& context);
// in cli/commands/XXX.{hpp,cpp}. It adds a subcommand whose callback does the work, writes results to context.out, talk
// to context.err, and leaves its verdict by context.finish(...). No command calls exit(), writes to std::cout or reads
// std::cin.
#pragma once

#include <iosfwd>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "base/trace.hpp"
#include "cli/exit_status.hpp"

namespace CLI {
class App;
}

namespace dfa::cli {

// Whether standard error is a terminal: progress is drawn only there.
enum class Terminal { no, yes };

struct Streams {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Terminal err_terminal = Terminal::no;
};

enum class Talk { quiet, normal, verbose };

// Filled while the command line is parsed. A command offers those that it honours, by the functions of cli/options.hpp;
// --quiet and -v are known to every command.
struct SharedOptions {
  std::string model;                // --model FILE; empty: the embedded model
  std::vector<std::string> models;  // --model as often as it was given, where a command takes several
  std::string engine = "auto";      // --engine
  int threads = 0;                  // --threads; 0: every processor this process may use
  std::string format = "text";      // --format
  Talk talk = Talk::normal;         // --quiet, -v
};

struct CommandContext {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  Terminal err_terminal = Terminal::no;
  SharedOptions options;
  const CancelFlag* cancel = nullptr;  // never null while a command runs
  LogSink* log = &null_log();          // set before the callbacks run: warnings, -v everything, --quiet errors only
  TraceSink* trace = nullptr;          // null unless DFA_TRACE is set
  int exit_status = 0;

  void finish(ExitStatus status) { exit_status = static_cast<int>(status); }
  // Writes "dfa: <message>" to err, unless the error is a cancel, and takes the status that belongs to the error's
  // code.
  void fail_with(const Error& error);
  void fail_with(const Error& error, ExitStatus status);
};

}  // namespace dfa::cli
