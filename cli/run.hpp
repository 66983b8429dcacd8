// The program as a function, so that tests call it in their own process.
#pragma once

#include <span>
#include <string>

#include "cli/command.hpp"

namespace dfa::cli {

// argv without the program's name. Returns the exit status. Never throws. Thread-safe as far as the streams are.
int run(std::span<const std::string> argv, Streams streams, const CancelFlag& cancel);
int run(std::span<const std::string> argv, Streams streams);

// The real process around run(): standard descriptors that are closed, signals, broken pipes, the last flush of stdout.
int run_process(int argc, const char* const* argv);

}  // namespace dfa::cli
