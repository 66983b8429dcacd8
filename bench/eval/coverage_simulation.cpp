// How often 95 % intervals of frame and video AUC contain the truth: 60 + 60 videos of 8 frames, scores with
// within-video correlation 0.5, true AUC 0.75 and 0.95, for each way of making intervals.
//   dfa_coverage_simulation [REPETITIONS] [ROUNDS]     default: 1000 2000
//
// Score of a frame: shift * (fake) + video effect + frame effect, each effect N(0, 1/2). So a frame's score has
// variance 1 and true frame AUC Phi(shift / sqrt 2); the mean of 8 frames has variance 1/2 + 1/16, and true video AUC
// Phi(shift / sqrt(2 * 9/16)). Each level is simulated with the shift that gives IT the stated AUC.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "base/rng.hpp"
#include "eval/bootstrap.hpp"

namespace {

constexpr int kVideosOfAClass = 60, kFrames = 8;
constexpr double kCorrelation = 0.5;
constexpr auto kAuc = static_cast<std::size_t>(dfa::Metric::auc);

enum class Level { frame, video };

struct Sample {
  std::vector<double> p_fake;
  std::vector<int> labels;
  std::vector<std::uint32_t> videos;
};

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}

Sample make_sample(double shift, Level level, dfa::RngStream stream) {
  Sample sample;
  for (std::uint32_t video = 0; video < 2 * kVideosOfAClass; ++video) {
    const int label = static_cast<int>(video % 2);
    const double center = shift * label + std::sqrt(kCorrelation) * stream.normal();
    double mean = 0;
    for (int frame = 0; frame < kFrames; ++frame) {
      const double score = center + std::sqrt(1 - kCorrelation) * stream.normal();
      mean += score / kFrames;
      if (level == Level::video) continue;
      sample.p_fake.push_back(logistic(score));
      sample.labels.push_back(label);
      sample.videos.push_back(video);
    }
    if (level == Level::frame) continue;
    sample.p_fake.push_back(logistic(mean));  // rising in the mean: the AUC is that of the means
    sample.labels.push_back(label);
    sample.videos.push_back(video);
  }
  return sample;
}

// The shift at which scores of this variance have this AUC.
double shift_for(double auc, double variance) {
  double low = 0, high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2, area = 0.5 * std::erfc(-middle / std::sqrt(2 * variance) / std::sqrt(2.0));
    (area < auc ? low : high) = middle;
  }
  return low;
}

std::vector<double> column(const std::vector<dfa::MetricArray>& rows) {
  std::vector<double> values;
  for (const auto& row : rows) values.push_back(row[kAuc]);
  return values;
}

struct Tally {
  int covered = 0, below = 0, above = 0;  // the truth: inside, below the interval, above it
  double width = 0;

  void add(const dfa::Interval& interval, double truth) {
    below += truth < interval.low ? 1 : 0;
    above += truth > interval.high ? 1 : 0;
    covered += interval.low <= truth && truth <= interval.high ? 1 : 0;
    width += interval.high - interval.low;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const int repetitions = argc > 1 ? std::atoi(argv[1]) : 1000, rounds = argc > 2 ? std::atoi(argv[2]) : 2000;
  fmt::print("{} repetitions, {} resamples, {} + {} videos, {} frames, within-video correlation {}\n", repetitions,
             rounds, kVideosOfAClass, kVideosOfAClass, kFrames, kCorrelation);
  const std::array methods = {dfa::IntervalMethod::percentile, dfa::IntervalMethod::bca};
  bool all_hold = true;
  for (const Level level : {Level::frame, Level::video})
    for (const double truth : {0.75, 0.95}) {
      const double variance = level == Level::frame ? 1 : kCorrelation + (1 - kCorrelation) / kFrames;
      const double shift = shift_for(truth, variance);
      const dfa::RngStream root(2024, level == Level::frame ? "coverage frame" : "coverage video");
      std::array<Tally, 2> tallies;
      for (int repetition = 0; repetition < repetitions; ++repetition) {
        const std::uint64_t number = static_cast<std::uint64_t>(repetition) * 2 + (truth > 0.9 ? 1 : 0);
        const Sample sample = make_sample(shift, level, root.child(number));
        const dfa::Replicates replicates = dfa::bootstrap({sample.p_fake, sample.labels, sample.videos}, 0.5,
                                                          {.rounds = rounds, .seed = number, .threads = 2});
        for (std::size_t i = 0; i < methods.size(); ++i)
          tallies[i].add(
              dfa::interval_from(replicates.point[kAuc], replicates.cell_point[kAuc], column(replicates.rounds),
                                 {column(replicates.left_out[0]), column(replicates.left_out[1])}, methods[i]),
              truth);
      }
      for (std::size_t i = 0; i < methods.size(); ++i) {
        const Tally& tally = tallies[i];
        const double share = static_cast<double>(tally.covered) / repetitions;
        const bool holds = share >= 0.93 && share <= 0.97;
        const bool ours = methods[i] == dfa::BootstrapOptions{}.method;
        all_hold = all_hold && (holds || !ours);
        fmt::print("{} AUC {:.2f}  {:<10}  covers {:.1f} % (truth below {}, above {})  mean width {:.4f}  {}{}\n",
                   level == Level::frame ? "frame" : "video", truth, dfa::interval_method_name(methods[i]), 100 * share,
                   tally.below, tally.above, tally.width / repetitions, holds ? "within 93-97 %" : "OUTSIDE 93-97 %",
                   ours ? ", the default" : "");
      }
      std::fflush(stdout);
    }
  return all_hold ? 0 : 1;
}
