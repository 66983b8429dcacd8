// `dfa bench`: how fast the network runs on this machine, and where the time goes.
#pragma once

#include <map>
#include <optional>
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
  TraceSink* trace = nullptr;  // gets the trace of class dispatch; may be null
  const Quantisation* quantisation = nullptr;  // int8 needs it; must outlive the run
};

struct BenchFigures {
  std::optional<Footprint> footprint;  // of engines that know it
  double build_seconds = 0;            // from weights in memory to a network that can run
  std::vector<double> batch_seconds;   // one a timed pass
  std::map<std::string, double>
      stage_seconds;                           // median of a batch: patch_embed, spm, injector, blocks, extractor, head
  std::map<std::string, double> step_seconds;  // the same, "blocks/3.qkv"; none of ref, nor stages
  // What each step got, "op,shape,element,isa,kernel" by its name.
  std::map<std::string, std::string> step_kernels;
  std::vector<float> logits;  // (N, classes) of the last pass, so that a peer can be compared
};

// Times the network on images by the hash rule. Stages come from passes of their own: reading the clock between steps
// costs a little. Errors: those of make_network; cancelled.
Result<BenchFigures> run_bench(const NetworkConfig& config, const TensorMap& weights, const BenchPlan& plan,
                               const CancelFlag& cancel);

}  // namespace dfa::cli
