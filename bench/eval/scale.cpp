// Time and peak memory of all metrics with intervals on many frames.
//   dfa_eval_bench [FRAMES] [VIDEOS] [ROUNDS] [METHODS] [THREADS]     default: 5000000 100000 2000 0 2
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string>

#include "base/rng.hpp"
#include "eval/evaluation.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double peak_gigabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1024.0 * 1024.0);
}

// Videos of equal length; paths of about 60 bytes; within-video correlation about one half.
dfa::ScoreTable make_table(std::int64_t frames, std::int64_t videos, std::int64_t methods) {
  dfa::RngStream stream(1, "scale");
  dfa::ScoreTable table;
  const std::int64_t length = frames / videos;
  for (std::int64_t video = 0; video < videos; ++video) {
    const int label = video % 2 == 1 ? 1 : 0;
    const double level = stream.normal() + label;
    const std::string key = fmt::format("prepared/manipulated_sequences/c23/{:06}", video);
    const std::string method = label == 1 && methods > 0 ? fmt::format("method{}", video / 2 % methods) : "";
    for (std::int64_t frame = 0; frame < length; ++frame) {
      const std::string path = fmt::format("{}/frames/{:06}.png", key, frame);
      dfa::ScoreRow row;
      row.path = path;
      row.video = key;
      row.method = method;
      row.label = label;
      row.frame = frame;
      row.p_fake = 1 / (1 + std::exp(-level - stream.normal()));
      if (!table.add(row)) std::abort();
    }
  }
  return table;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int place, std::int64_t otherwise) {
    return argc > place ? std::strtoll(argv[place], nullptr, 10) : otherwise;
  };
  const std::int64_t frames = argument(1, 5'000'000), videos = argument(2, 100'000), methods = argument(4, 0);
  dfa::EvaluationOptions options;
  options.bootstrap.rounds = static_cast<int>(argument(3, 2000));
  options.bootstrap.threads = static_cast<int>(argument(5, 2));
  auto begin = Clock::now();
  const dfa::ScoreTable table = make_table(frames, videos, methods);
  fmt::print("{} frames, {} videos, {} methods: table made in {:.1f} s, {:.2f} GB\n", table.size(), table.video_count(),
             methods, seconds_since(begin), peak_gigabytes());
  begin = Clock::now();
  const auto evaluation = dfa::evaluate_scores(table, options);
  if (!evaluation) return 1;
  fmt::print("all metrics, both levels, {} resamples, {} threads: {:.1f} s, peak {:.2f} GB\n", options.bootstrap.rounds,
             options.bootstrap.threads, seconds_since(begin), peak_gigabytes());
  for (const dfa::MetricInfo& metric : dfa::metric_registry()) {
    const auto frame = evaluation->all.frame.of(metric.id).interval,
               video = evaluation->all.video.of(metric.id).interval;
    if (frame && video)
      fmt::print("{:<18} frame {:.5f} [{:.5f}, {:.5f}]  video {:.5f} [{:.5f}, {:.5f}]\n", metric.name, frame->value,
                 frame->low, frame->high, video->value, video->low, video->high);
  }
  return 0;
}
