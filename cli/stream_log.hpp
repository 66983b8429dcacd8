// Log lines on a stream.
#pragma once

#include <mutex>
#include <ostream>
#include <string_view>

#include "base/log.hpp"

namespace dfa::cli {

// "dfa: warning: <message>" from `least` up. Thread-safe.
class StreamLog final : public LogSink {
 public:
  StreamLog(std::ostream& out, LogLevel least) : out_(out), least_(least) {}
  void set_least(LogLevel least) { least_ = least; }
  void write(LogLevel level, std::string_view message) override;

 private:
  std::mutex mutex_;
  std::ostream& out_;
  LogLevel least_;
};

}  // namespace dfa::cli
