// What only a real process has: descriptors that may be closed, signals, a terminal.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <vector>

#include "cli/run.hpp"

namespace dfa::cli {
namespace {

CancelFlag g_cancel;  // what a signal handler can reach

// The first signal asks the work to stop and save; the second ends the process at once.
extern "C" void handle_signal(int signal) {
  g_cancel.request(signal);
  std::signal(signal, SIG_DFL);
}

void catch_signals() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction ignored {};
    // A process started in the background with SIGINT ignored keeps ignoring it.
    if (sigaction(signal, nullptr, &ignored) == 0 && ignored.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = handle_signal;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is a write error, reported as one
}

// A descriptor that the caller closed would be given to the next file that is opened, and results would be written into
// it. The stand-in is opened the wrong way round, so that reading or writing it stays an error.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) != -1) continue;
    const int got = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (got != descriptor && got >= 0) {
      dup2(got, descriptor);
      close(got);
    }
  }
}

}  // namespace

int run_process(int argc, const char* const* argv) {
  occupy_standard_descriptors();
  catch_signals();
  std::ios::sync_with_stdio(false);
  std::cin.tie(nullptr);
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  const Terminal terminal = isatty(STDERR_FILENO) != 0 ? Terminal::yes : Terminal::no;
  return run(arguments, {std::cin, std::cout, std::cerr, terminal}, g_cancel);
}

}  // namespace dfa::cli
