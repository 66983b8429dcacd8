#include "op_times.hpp"

#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>

namespace dfa::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Totals {
  std::mutex mutex;
  std::map<std::string, OpTime> by_name;
};

Totals& totals() {
  static Totals all;
  return all;
}

// The operators that run on this thread, innermost last: each collects what those below it took.
thread_local std::vector<double> open_ops;

std::string label(const at::RecordFunction& function) {
  std::ostringstream text;
  text << function.name();
  for (const c10::IValue& input : function.inputs()) {
    if (!input.isTensor() || !input.toTensor().defined()) continue;
    text << ' ' << input.toTensor().scalar_type() << input.toTensor().sizes();
    break;
  }
  return text.str();
}

struct Begun : at::ObserverContext {
  std::string name;  // the inputs may be gone when the operator ends
  Clock::time_point at = Clock::now();
};

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  open_ops.push_back(0);
  auto begun = std::make_unique<Begun>();
  begun->name = label(function);
  return begun;
}

void end(const at::RecordFunction&, at::ObserverContext* context) {
  const auto& begun = static_cast<const Begun&>(*context);
  const double whole = std::chrono::duration<double>(Clock::now() - begun.at).count();
  const double inner = open_ops.back();
  open_ops.pop_back();
  if (!open_ops.empty()) open_ops.back() += whole;
  const std::lock_guard lock(totals().mutex);
  OpTime& one = totals().by_name[begun.name];
  one.name = begun.name;
  one.seconds += whole - inner;
  ++one.calls;
}

}  // namespace

void start_op_times() {
  at::addGlobalCallback(at::RecordFunctionCallback(begin, end)
                            .needsInputs(true)
                            .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
}

std::vector<OpTime> op_times() {
  const std::lock_guard lock(totals().mutex);
  std::vector<OpTime> all;
  for (const auto& [name, one] : totals().by_name) all.push_back(one);
  std::ranges::sort(all, [](const OpTime& a, const OpTime& b) { return a.seconds > b.seconds; });
  return all;
}

}  // namespace dfa::bench
