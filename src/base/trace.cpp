#include "base/trace.hpp"

#include <array>
#include <cstdio>

namespace dfa {
namespace {

struct ClassName {
  TraceClass trace_class;
  std::string_view name;
  std::string_view columns;
};
constexpr std::array<ClassName, 3> kClasses{{
    {TraceClass::check, "check", "what,item,reason"},
    {TraceClass::dispatch, "dispatch", "op,shape,dtype,isa,kernel,reason"},
    {TraceClass::profile, "profile", "stage,item,begin_s,end_s"},
}};

const ClassName* find_class(std::string_view name) {
  for (const ClassName& entry : kClasses)
    if (entry.name == name) return &entry;
  return nullptr;
}

class StderrTrace final : public TraceSink {
 public:
  StderrTrace(unsigned classes, std::string filter) : classes_(classes), filter_(std::move(filter)) {
    for (const ClassName& entry : kClasses)
      if (wants(entry.trace_class)) fmt::print(stderr, "dfa,trace,template,{},{}\n", entry.name, entry.columns);
  }
  bool wants(TraceClass trace_class) const override { return (classes_ & static_cast<unsigned>(trace_class)) != 0; }
  void write(TraceClass trace_class, std::string_view line) override {
    if (!wants(trace_class) || line.find(filter_) == std::string_view::npos) return;
    for (const ClassName& entry : kClasses)
      if (entry.trace_class == trace_class) {
        std::lock_guard lock(mutex_);
        fmt::print(stderr, "dfa,trace,{},{}\n", entry.name, line);
      }
  }

 private:
  unsigned classes_;
  std::string filter_;
  std::mutex mutex_;
};

}  // namespace

Result<std::unique_ptr<TraceSink>> make_stderr_trace(std::string_view specification) {
  if (specification.empty()) return std::unique_ptr<TraceSink>();
  constexpr std::string_view kFilter = ":filter=";
  std::string filter;
  if (const auto at = specification.find(kFilter); at != std::string_view::npos) {
    filter = specification.substr(at + kFilter.size());
    specification = specification.substr(0, at);
  }
  unsigned classes = 0;
  while (!specification.empty()) {
    const auto comma = specification.find(',');
    const std::string_view name = specification.substr(0, comma);
    const ClassName* entry = find_class(name);
    if (entry == nullptr)
      return fail(ErrorCode::usage,
                  "trace class \"{}\" is not known; expected check, dispatch or profile, joined by commas", name);
    classes |= static_cast<unsigned>(entry->trace_class);
    specification = comma == std::string_view::npos ? std::string_view() : specification.substr(comma + 1);
  }
  return std::unique_ptr<TraceSink>(std::make_unique<StderrTrace>(classes, std::move(filter)));
}

double trace_seconds() {
  static const auto start = std::chrono::steady_clock::now();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TraceSpan::TraceSpan(TraceSink* sink, std::string_view stage, std::string item)
    : sink_(sink != nullptr && sink->wants(TraceClass::profile) ? sink : nullptr),
      stage_(stage),
      item_(std::move(item)) {
  if (sink_ != nullptr) begin_ = trace_seconds();
}

TraceSpan::~TraceSpan() {
  if (sink_ == nullptr) return;
  sink_->write(TraceClass::profile, fmt::format("{},{},{:.6f},{:.6f}", stage_, item_, begin_, trace_seconds()));
}

}  // namespace dfa
