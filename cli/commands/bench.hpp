// `dfa bench`: how fast the network runs on this machine, and where the time goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "nn/network.hpp"

namespace CLI {
class App;
}

namespace dfa {
class CancelFlag;
}

namespace dfa::cli {

struct CommandContext;

void add_bench_command(CLI::App& app, CommandContext& context);

struct BenchPlan {
  int batch = 8;     // images a forward pass
  int threads = 0;   // 0: every processor this process may use
  int warmup = 2;    // passes before the clock counts
  int repeats = 10;  // timed passes
  Precision precision = Precision::f32;
  const Quantisation* quantisation = nullptr;  // int8 needs it; must outlive the run
};

struct BenchFigures {
  double build_seconds = 0;           // from weights in memory to a network that can run
  std::vector<double> batch_seconds;  // one a timed pass
  std::map<std::string, double>
      stage_seconds;                           // median of a batch: patch_embed, spm, injector, blocks, extractor, head
  std::map<std::string, double> step_seconds;  // the same, "blocks/3.qkv"; f32 only, as are the stages
  std::vector<float> first_logits;             // of image 0, so that a peer can be compared
};

// Times the network on images by the hash rule. Stages come from passes of their own: reading the clock between steps
// costs a little. Errors: those of make_network; cancelled.
Result<BenchFigures> run_bench(const NetworkConfig& config, const TensorMap& weights, const BenchPlan& plan,
                               const CancelFlag& cancel);

// The value below which `share` (0 to 1) of the sorted values lie, linearly interpolated. Requires at least one value.
double quantile(std::vector<double> values, double share);

}  // namespace dfa::cli
