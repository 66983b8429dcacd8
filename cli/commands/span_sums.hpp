// What a measurement keeps of a trace: of profile lines "stage,item,begin_s,end_s" the seconds by stage and by
// "stage/item", of dispatch lines "op,shape,element,isa,kernel,part/name" what each step got.
#pragma once

#include <algorithm>
#include <charconv>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/trace.hpp"
#include "cli/commands/bench_facts.hpp"

namespace dfa::cli {

using SecondsByName = std::map<std::string, double>;

// Thread-safe.
class SpanSums final : public TraceSink {
 public:
  struct Sums {
    SecondsByName stages, steps;
  };

  // `outer` gets the dispatch lines, too; may be null.
  explicit SpanSums(TraceSink* outer = nullptr) : outer_(outer) {}

  // Seconds are added up from here on: spans cost a little.
  void listen() { listening_ = true; }
  bool wants(TraceClass trace_class) const override {
    return trace_class == TraceClass::dispatch || (listening_ && trace_class == TraceClass::profile);
  }
  void write(TraceClass trace_class, std::string_view line) override {
    if (trace_class == TraceClass::dispatch) return write_dispatch(trace_class, line);
    const auto last = line.rfind(',');
    const auto before = line.rfind(',', last - 1);
    const double seconds = number(line.substr(last + 1)) - number(line.substr(before + 1, last - before - 1));
    std::string step(line.substr(0, before));
    const auto comma = step.find(',');
    const std::lock_guard lock(mutex_);
    sums_.stages[step.substr(0, comma)] += seconds;
    step[comma] = '/';
    sums_.steps[step] += seconds;
  }
  // "op,shape,element,isa,kernel" by "part/name".
  const std::map<std::string, std::string>& kernels() const { return kernels_; }
  // The seconds that came since the last call.
  Sums take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(sums_, {});
  }

 private:
  void write_dispatch(TraceClass trace_class, std::string_view line) {
    const auto last = std::min(line.rfind(','), line.size() - 1);
    const std::lock_guard lock(mutex_);
    kernels_[std::string(line.substr(last + 1))] = line.substr(0, last);
    if (outer_ != nullptr && outer_->wants(trace_class)) outer_->write(trace_class, line);
  }
  static double number(std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  bool listening_ = false;  // set before any thread writes
  std::mutex mutex_;
  Sums sums_;
  std::map<std::string, std::string> kernels_;
  TraceSink* outer_;
};

// Medians by name over the passes.
inline SecondsByName medians(const std::vector<SecondsByName>& passes) {
  std::map<std::string, std::vector<double>> values;
  for (const SecondsByName& pass : passes) {
    for (const auto& [name, seconds] : pass) values[name].push_back(seconds);
  }
  SecondsByName result;
  for (const auto& [name, list] : values) result[name] = quantile(list, 0.5);
  return result;
}

}  // namespace dfa::cli
