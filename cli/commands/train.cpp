#include "cli/commands/train.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

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

// Becomes the program: signals, descriptors and the exit status are its own from here on. Returns only where that
// fails.
Error become_program(const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(kProgram)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(program.c_str(), argv.data());
  return {ErrorCode::internal, fmt::format("{} cannot be started: {}", program.string(), std::strerror(errno))};
}

}  // namespace

void add_train_command(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("train", "Starts dfa-train: run, resume, export, parity");
  command->prefix_command();
  command->set_help_flag();  // --help goes to dfa-train too
  command->callback([command, &context] {
    const Result<std::filesystem::path> program = find_program();
    if (!program) return context.fail_with(program.error());
    context.out.flush();
    context.err.flush();
    context.fail_with(become_program(*program, command->remaining()));
  });
}

}  // namespace dfa::cli
