#include "cli/commands/bench_video.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include "base/machine.hpp"
#include "cli/commands/bench.hpp"
#include "cli/commands/bench_facts.hpp"
#include "cli/commands/detect_setup.hpp"
#include "cli/commands/span_sums.hpp"

namespace dfa::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The file's record. Errors: cancelled; not_media when there is nothing to time.
Result<ItemRecord> run_once(const InputList& inputs, const DetectSetup& setup, const CancelFlag& cancel) {
  ItemRecord record;
  DetectCallbacks callbacks;
  callbacks.on_item = [&](const ItemRecord& item) -> Status {
    record = item;
    return {};
  };
  DFA_TRY(run_detect(inputs, setup.options, setup.parts, callbacks, cancel));
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped while a file was analysed");
  if (record.outcome == Outcome::decode_error)
    return fail(ErrorCode::not_media, "{}: there is nothing to time: {}", record.input, record.reason);
  return record;
}

double seconds_of(const SecondsByName& spans, const std::string& stage) {
  const auto found = spans.find(stage);
  return found == spans.end() ? 0 : found->second;
}

// The record's seconds leave out what a stage waited for the next one. They count opening a file as decoding, and
// cutting a crop as detection.
SecondsByName stages_of(const StageSeconds& record, const SecondsByName& spans) {
  const double open = seconds_of(spans, "open"), crop = seconds_of(spans, "crop");
  return {{"open", open},
          {"decode", std::max(0.0, record.decode - open)},
          {"detect", std::max(0.0, record.detect - crop)},
          {"crop", crop},
          {"score", record.score}};
}

}  // namespace

Result<VideoFigures> time_video(const VideoBenchRequest& request, const BenchPlan& plan,
                                const CommandContext& context) {
  SpanSums sums;
  DetectRequest job;
  job.paths = {request.file};
  job.frames.count = request.frames;
  VideoFigures figures;
  const auto begin = Clock::now();
  DFA_ASSIGN_OR_RETURN(DetectSetup setup, prepare_detect(job, context));
  figures.build_seconds = seconds_since(begin);
  setup.parts.trace = &sums;
  sums.listen();
  const InputList inputs = list_inputs(job.paths);
  std::vector<SecondsByName> stages;
  for (int i = 0; i < plan.warmup + plan.repeats; ++i) {
    const auto start = Clock::now();
    DFA_ASSIGN_OR_RETURN(figures.item, run_once(inputs, setup, *context.cancel));
    const double seconds = seconds_since(start);
    const SecondsByName spans = sums.take().stages;
    if (i < plan.warmup) continue;
    figures.whole_seconds.push_back(seconds);
    stages.push_back(stages_of(figures.item.work.seconds, spans));
  }
  figures.stage_seconds = medians(stages);
  figures.peak_memory_mib = peak_memory_mib();
  return figures;
}

nlohmann::json video_json(const VideoBenchRequest& request, const VideoFigures& figures) {
  const WorkRecord& work = figures.item.work;
  return {{"file", request.file},
          {"frames_wanted", request.frames},
          {"frames_decoded", work.frames_decoded},
          {"frames_searched", work.frames_searched},
          {"faces_used", work.faces_used},
          {"outcome", outcome_name(figures.item.outcome)},
          {"p_fake", figures.item.p_fake ? nlohmann::json(*figures.item.p_fake) : nlohmann::json()},
          {"build_seconds", figures.build_seconds},
          {"whole_seconds", figures.whole_seconds},
          {"whole_seconds_quartiles", quartiles(figures.whole_seconds)},
          {"busy_seconds_by_stage", figures.stage_seconds},
          {"peak_memory_mib", figures.peak_memory_mib}};
}

void print_video(std::ostream& out, const VideoBenchRequest& request, const VideoFigures& figures) {
  const auto [low, middle, high] = quartiles(figures.whole_seconds);
  const WorkRecord& work = figures.item.work;
  out << fmt::format("{}: {:.4f} s (median of {}), quartiles {:.4f} to {:.4f} s; networks built in {:.3f} s\n",
                     request.file, middle, figures.whole_seconds.size(), low, high, figures.build_seconds);
  out << fmt::format("{} frames decoded, {} searched, {} faces scored; peak memory {:.0f} MiB\n", work.frames_decoded,
                     work.frames_searched, work.faces_used, figures.peak_memory_mib);
  for (const char* stage : {"open", "decode", "detect", "crop", "score"}) {
    out << fmt::format("  {:<8}{:>10.4f} s busy\n", stage, seconds_of(figures.stage_seconds, stage));
  }
}

}  // namespace dfa::cli
