#include "cli/stream_log.hpp"

namespace dfa::cli {
namespace {

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "error";
}

}  // namespace

void StreamLog::write(LogLevel level, std::string_view message) {
  if (level < least_) return;
  std::lock_guard lock(mutex_);
  out_ << "dfa: " << level_name(level) << ": " << message << '\n';
}

}  // namespace dfa::cli
