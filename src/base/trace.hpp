// Traces for people who ask "which kernel ran, where did the time go, why was this face dropped". Off unless a sink is
// passed in. DFA_TRACE=dispatch,profile:filter=attn makes the command-line program pass one that writes to stderr.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace dfa {

enum class TraceClass : unsigned { check = 1, dispatch = 2, profile = 4 };

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  // Whether anybody wants this class: ask before building a line.
  virtual bool wants(TraceClass trace_class) const = 0;
  // `line` without the "dfa,trace,<class>," prefix and without newline. Thread-safe.
  virtual void write(TraceClass trace_class, std::string_view line) = 0;
};

// Parses the value of DFA_TRACE; nullptr for an empty text. Lines go to stderr. Errors: usage, naming the known
// classes.
Result<std::unique_ptr<TraceSink>> make_stderr_trace(std::string_view specification);

// Seconds since the process started tracing, monotonic: the time column of profile lines.
double trace_seconds();

// Writes "stage,item,begin_s,end_s" when it goes out of scope; free when nobody listens.
class TraceSpan {
 public:
  TraceSpan(TraceSink* sink, std::string_view stage, std::string item);
  ~TraceSpan();
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  TraceSink* sink_;
  std::string_view stage_;
  std::string item_;
  double begin_ = 0;
};

}  // namespace dfa
