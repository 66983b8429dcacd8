#include "cli/commands/train.hpp"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

extern char** environ;

namespace dfa::cli {
namespace {

constexpr const char* kProgram = "dfa-train";

// The binary beside this one.
Result<std::filesystem::path> find_program() {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path beside = self.parent_path() / kProgram;
  if (!error && access(beside.c_str(), X_OK) == 0) return beside;
  return fail(ErrorCode::usage,
              "{} is not there: {}\n  likely cause: this build has no training; it is in the train preset\n"
              "  next step: scripts/setup --dev, then cmake --preset train && cmake --build --preset train, and "
              "build/train/bin/dfa train",
              kProgram, error ? error.message() : beside.string());
}

// Runs the program with our descriptors and waits. 128 + n where signal n ended it.
Result<int> run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(kProgram)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t child = 0;
  if (const int error = posix_spawn(&child, program.c_str(), nullptr, nullptr, argv.data(), environ); error != 0)
    return fail(ErrorCode::internal, "{} cannot be started: {}", program.string(), std::strerror(error));
  int status = 0;
  while (waitpid(child, &status, 0) <
         0)  // a signal from the terminal reaches the child by itself; we wait for its verdict
    if (errno != EINTR) return fail(ErrorCode::internal, "waiting for {}: {}", kProgram, std::strerror(errno));
  return WIFSIGNALED(status) ? static_cast<int>(ExitStatus::signal_base) + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

void add_train_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("train", "Starts dfa-train: run, resume, export, parity");
  command->prefix_command();
  command->set_help_flag();  // --help goes to dfa-train too
  command->callback([command, &context] {
    const Result<std::filesystem::path> program = find_program();
    if (!program) return context.fail_with(program.error());
    const Result<int> status = run_program(*program, command->remaining());
    if (!status) return context.fail_with(status.error());
    context.exit_status = *status;
  });
}

}  // namespace dfa::cli
