#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace dfa {
namespace {

class NullLog final : public LogSink {
 public:
  void write(LogLevel, std::string_view) override {}
};

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

class StderrLog final : public LogSink {
 public:
  explicit StderrLog(LogLevel level) : logger_("dfa", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("dfa: %l: %v");
    logger_.set_level(spdlog_level(level));
  }
  void write(LogLevel level, std::string_view message) override {
    logger_.log(spdlog_level(level), "{}", message);
    logger_.flush();
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

LogSink& null_log() {
  static NullLog log;
  return log;
}

std::unique_ptr<LogSink> make_stderr_log(LogLevel level) {
  return std::make_unique<StderrLog>(level);
}

}  // namespace dfa
