// Times training steps of a network on made images: forward, loss, backward, optimiser. Prints one JSON object.
//   train_bench --batch 8 --steps 5 --compute bf16 --attention matrices
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/machine.hpp"
#include "base/rng.hpp"
#include "nn/network.hpp"
#include "op_times.hpp"
#include "train/nets/train_network.hpp"
#include "train/optim/optimizer.hpp"

namespace {

using dfa::Result;
using dfa::Status;
using Clock = std::chrono::steady_clock;

struct Plan {
  int batch = 8, steps = 5, warmup = 1, threads = 2, image = 224;
  std::string compute = "bf16", attention = "matrices";
  bool recompute = false;
  int ops = 0;  // how many operators to name; 0: none, and nothing is counted
};

Result<nlohmann::ordered_json> measure(const Plan& plan) {
  dfa::NetworkConfig config;
  config.image = plan.image;
  dfa::train::set_torch_threads(plan.threads);
  DFA_ASSIGN_OR_RETURN(const auto attention, dfa::train::attention_by_name(plan.attention));
  DFA_ASSIGN_OR_RETURN(const auto network,
                       dfa::train::TrainNetwork::create(config, dfa::train::adapter_groups(), attention));
  DFA_TRY(network->load(dfa::hash_weights(config)));
  if (plan.recompute) network->set_recompute(dfa::train::Recompute::stages);
  DFA_ASSIGN_OR_RETURN(const auto optimizer, dfa::train::Optimizer::create(*network, {}));
  const std::size_t side = static_cast<std::size_t>(plan.image);
  std::vector<float> images(static_cast<std::size_t>(plan.batch) * 3 * side * side);
  dfa::RngStream stream(1, "train_bench");
  for (float& value : images) value = static_cast<float>(2 * stream.uniform() - 1);
  std::vector<std::int64_t> labels(static_cast<std::size_t>(plan.batch));
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int64_t>(i % 2);
  dfa::train::LossOptions options;
  options.compute = plan.compute == "bf16" ? dfa::train::Compute::bf16 : dfa::train::Compute::f32;
  std::vector<double> seconds, losses;
  for (int i = 0; i < plan.warmup + plan.steps; ++i) {
    const Clock::time_point begin = Clock::now();
    DFA_ASSIGN_OR_RETURN(const auto values, network->loss_and_gradients(images, labels, options));
    DFA_TRY(optimizer->step(1e-4));
    if (i + 1 == plan.warmup && plan.ops > 0) dfa::bench::start_op_times();
    if (i < plan.warmup) continue;
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    losses.push_back(values.loss);
  }
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  const dfa::MachineFacts machine = dfa::machine_facts();
  return nlohmann::ordered_json{{"program", "dfa-train"},
                                {"compute", plan.compute},
                                {"attention", plan.attention},
                                {"recompute", plan.recompute ? "stages" : "nothing"},
                                {"batch", plan.batch},
                                {"threads", plan.threads},
                                {"cpu", machine.cpu_model},
                                {"isa", machine.isa},
                                {"seconds_per_step", seconds},
                                {"losses", losses},
                                {"images_per_second_median", plan.batch / sorted[sorted.size() / 2]},
                                {"peak_memory_mib", dfa::peak_memory_mib()}};
}

void print_ops(const Plan& plan) {
  const std::vector<dfa::bench::OpTime> all = dfa::bench::op_times();
  double whole = 0;
  for (const dfa::bench::OpTime& one : all) whole += one.seconds;
  for (std::size_t i = 0; i < std::min(all.size(), static_cast<std::size_t>(plan.ops)); ++i)
    std::fprintf(stderr, "%6.2f %% %8.2f ms %5zu calls a step  %s\n", 100 * all[i].seconds / whole,
                 1000 * all[i].seconds / plan.steps, all[i].calls / static_cast<std::size_t>(plan.steps),
                 all[i].name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  CLI::App app("Times training steps of ViT-B/16 with adapters on made images");
  app.add_option("--batch", plan.batch, "Images a step")->check(CLI::Range(2, 4096))->capture_default_str();
  app.add_option("--steps", plan.steps, "Timed steps")->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--warmup", plan.warmup, "Steps before them")->check(CLI::Range(0, 1000))->capture_default_str();
  app.add_option("--threads", plan.threads, "Threads of torch")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--compute", plan.compute, "f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->capture_default_str();
  app.add_option("--ops", plan.ops, "Print the N operators that take longest (on stderr); slows the steps")
      ->check(CLI::Range(0, 1000));
  app.add_flag("--recompute", plan.recompute, "Make the activations of each stage's blocks again in the backward pass");
  app.add_option("--attention", plan.attention, "fused, matrices or published")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto figures = measure(plan);
  if (!figures) {
    std::fprintf(stderr, "train_bench: %s\n", figures.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", figures->dump().c_str());
  if (plan.ops > 0) print_ops(plan);
  return 0;
}
