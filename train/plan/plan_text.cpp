// A plan in words and as JSON.
#include <cmath>
#include <nlohmann/json.hpp>

#include "train/plan/run_plan.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;

std::string duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.3g} s", seconds);
  const long minutes = std::lround(seconds / 60);
  return minutes < 60 ? fmt::format("{} min", minutes) : fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

Json known(double value) {
  return value > 0 ? Json(value) : Json(nullptr);
}

}  // namespace

std::string plan_json(const RunPlan& plan) {
  const MemoryPlan& memory = plan.memory;
  const TimePlan& time = plan.time;
  Json groups = Json::object();
  for (const GroupPlan& group : plan.groups)
    groups[group.name] = {{"trained", group.trained}, {"frozen", group.frozen}};
  const Json json = {{"schema", "dfa.plan/1"},
                     {"tuning", plan.tuning},
                     {"parameters", {{"trained", plan.trained}, {"frozen", plan.frozen}, {"groups", groups}}},
                     {"crops", plan.made_crops ? "made" : "manifest"},
                     {"memory_mib",
                      {{"peak", memory.peak},
                       {"peak_while", memory.peak_while},
                       {"weights", memory.weights},
                       {"gradients", memory.gradients},
                       {"optimizer", memory.optimizer},
                       {"average", memory.average},
                       {"batches", memory.batches},
                       {"crop_cache", memory.crop_cache},
                       {"saving", memory.saving}}},
                     {"seconds",
                      {{"steps_timed", time.steps_timed},
                       {"step", time.step_seconds},
                       {"step_cached", time.step_seconds_cached},
                       {"validation", time.validation_seconds},
                       {"first_epoch", known(time.first_epoch_seconds)},
                       {"epoch", known(time.epoch_seconds)},
                       {"run", known(time.run_seconds)}}},
                     {"steps_an_epoch", time.steps > 0 ? Json(time.steps) : Json(nullptr)},
                     {"epochs", time.epochs},
                     {"crops_per_second", plan.batch / time.step_seconds_cached}};
  return json.dump();
}

std::string plan_text(const RunPlan& plan) {
  std::string text = fmt::format("tuning {}\n{:<14}{:>14}{:>14}\n", plan.tuning, "parameters", "trained", "frozen");
  for (const GroupPlan& group : plan.groups)
    text += fmt::format("  {:<12}{:>14}{:>14}\n", group.name, group.trained, group.frozen);
  text += fmt::format("  {:<12}{:>14}{:>14}\n\n", "all", plan.trained, plan.frozen);
  const MemoryPlan& memory = plan.memory;
  text += fmt::format("peak memory   {:>10.0f} MiB, while {}; of it\n", memory.peak, memory.peak_while);
  const std::pair<const char*, double> parts[] = {{"weights", memory.weights},   {"gradients", memory.gradients},
                                                  {"momenta", memory.optimizer}, {"average", memory.average},
                                                  {"batches", memory.batches},   {"crop cache", memory.crop_cache}};
  double rest = memory.peak;
  for (const auto& [name, mib] : parts) {
    text += fmt::format("  {:<12}{:>10.0f}\n", name, mib);
    rest -= mib;
  }
  text +=
      fmt::format("  {:<12}{:>10.0f}   activations, workspaces, program{}\n\n", "the rest", rest,
                  memory.peak_while == "saving" ? fmt::format(", {:.0f} for a copy of the state", memory.saving) : "");
  const TimePlan& time = plan.time;
  text += fmt::format("a step        {:>10} ({:.4g} crops/s), mean of {} steps taken now{}\n",
                      duration(time.step_seconds_cached), plan.batch / time.step_seconds_cached, time.steps_timed,
                      plan.made_crops ? " on made crops" : "");
  if (time.steps == 0)
    return text +
           "an epoch and the run: not known without the manifest; give the number of training crops by --crops\n";
  text +=
      fmt::format("an epoch      {:>10}, {} steps and a validation of {}; the first {}\n", duration(time.epoch_seconds),
                  time.steps, duration(time.validation_seconds), duration(time.first_epoch_seconds));
  return text +
         fmt::format("the run       {:>10}, {} epochs, without saving\n", duration(time.run_seconds), time.epochs);
}

}  // namespace dfa::train
