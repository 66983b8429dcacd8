// The core neither prints nor aborts: it tells a sink that the program passed in.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string_view>
#include <utility>

namespace dfa {

enum class LogLevel { debug, info, warning, error };

class LogSink {
 public:
  virtual ~LogSink() = default;
  // Thread-safe. `message` has no trailing newline.
  virtual void write(LogLevel level, std::string_view message) = 0;
};

// Nothing listens. The default wherever a sink may be left out.
LogSink& null_log();

// spdlog to stderr from `level` up.
std::unique_ptr<LogSink> make_stderr_log(LogLevel level);

template <class... Args>
void log_to(LogSink& sink, LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  sink.write(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace dfa
