#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include "cli_train/run.hpp"

namespace {
dfa::CancelFlag g_cancel;
extern "C" void on_signal(int signal) {
  g_cancel.request(signal);
}
}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  return dfa::cli_train::run(arguments, {std::cout, std::cerr, isatty(STDERR_FILENO) == 1}, g_cancel);
}
