#include "train/plan/run_plan.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>

#include "base/machine.hpp"
#include "train/devices/shares.hpp"
#include "train/loop/run_parts.hpp"
#include "train/loop/train_step.hpp"
#include "train/plan/made_data.hpp"

namespace dfa::train {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kMib = 1024.0 * 1024.0;
constexpr int kFewestSteps = 2;
// Below this share of a step spent waiting for a batch, decoding does not matter.
constexpr double kWaitingMatters = 0.05;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double mib_of(const TensorMap& tensors) {
  double bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<double>(tensor.bytes.size());
  return bytes / kMib;
}

// Steps of the run, one epoch after another.
class Stepper {
 public:
  Stepper(RunParts& parts, const CancelFlag& cancel) : parts_(parts), cancel_(cancel) {}

  std::int64_t steps_an_epoch() const { return steps_; }
  double waited() const { return waited_; }
  void begin_again() { loader_.reset(), epoch_ = 0, waited_ = 0; }

  Status step() {
    if (cancel_.requested()) return fail(ErrorCode::cancelled, "stopped while planning");
    DFA_ASSIGN_OR_RETURN(const std::vector<Batch> batch, next_batch());
    return train_step(parts_, batch, {epoch_, step_++, steps_}).map([](const StepValues&) {});
  }

 private:
  Result<std::vector<Batch>> next_batch() {
    const Clock::time_point begin = Clock::now();
    const int accumulate = parts_.config.accumulate;
    std::vector<Batch> batch;
    if (loader_) {
      DFA_ASSIGN_OR_RETURN(batch, next_parts(*loader_, accumulate));
      if (batch.empty()) ++epoch_;
    }
    if (batch.empty()) {
      DFA_ASSIGN_OR_RETURN(loader_, start_epoch(parts_, epoch_, 0));
      steps_ = steps_of(*loader_, parts_.config);
      step_ = 0;
      DFA_ASSIGN_OR_RETURN(batch, next_parts(*loader_, accumulate));
    }
    waited_ += seconds_since(begin);
    return batch;
  }

  RunParts& parts_;
  const CancelFlag& cancel_;
  std::unique_ptr<BatchLoader> loader_;
  std::int64_t epoch_ = 0, step_ = 0, steps_ = 0;
  double waited_ = 0;
};

struct Timing {
  int steps = 0;
  double seconds = 0;  // a step
  double waiting = 0;  // share of it
};

Result<Timing> time_steps(Stepper& stepper, int warm_up, const RunPlanOptions& options) {
  for (int i = 0; i < warm_up; ++i) DFA_TRY(stepper.step());
  const double waited = stepper.waited();
  const Clock::time_point begin = Clock::now();
  Timing timing;
  while (timing.steps < options.steps && (timing.steps < kFewestSteps || seconds_since(begin) < options.seconds)) {
    DFA_TRY(stepper.step());
    ++timing.steps;
  }
  const double seconds = seconds_since(begin);
  timing.seconds = seconds / timing.steps;
  timing.waiting = (stepper.waited() - waited) / seconds;
  return timing;
}

// The parameters as they are counted everywhere, factors of a low-rank change included.
std::vector<GroupPlan> count_groups(const RunConfig& config) {
  std::vector<GroupPlan> groups;
  for (const ParameterSpec& spec : training_parameters(config.network, config.tuning)) {
    if (spec.kind != ParameterKind::weight) continue;
    const std::string name(group_name(spec.group));
    auto group = std::ranges::find(groups, name, &GroupPlan::name);
    if (group == groups.end()) group = groups.insert(groups.end(), {name, 0, 0});
    std::int64_t count = 1;
    for (const std::int64_t extent : spec.shape) count *= extent;
    (learns(config.tuning, spec) ? group->trained : group->frozen) += count;
  }
  return groups;
}

double crop_mib(const RunConfig& config) {
  return 3.0 * config.crop.stored_px * config.crop.stored_px / kMib;
}

// Batches that may lie ahead of the training step.
int ahead(const RunConfig& config) {
  return std::max(config.data.prefetch, 1);
}

// What the two caches hold of so many crops, in MiB; each has its own limit.
double cache_mib(const RunConfig& config, double train_crops, double val_crops) {
  const double most = static_cast<double>(config.data.cache_mib);
  return std::min(most, train_crops * crop_mib(config)) + std::min(most, val_crops * crop_mib(config));
}

class Planner {
 public:
  Planner(RunParts parts, const RunPlanOptions& options, const CancelFlag& cancel)
      : parts_(std::move(parts)), options_(options), cancel_(cancel), stepper_(parts_, cancel) {}

  Result<RunPlan> make(bool made_crops) {
    plan_.made_crops = made_crops;
    plan_.batch = parts_.config.batch;
    plan_.groups = count_groups(parts_.config);
    plan_.tuning = tuning_word(parts_.config.tuning);
    plan_.trained = parts_.network->counts().trained;
    plan_.frozen = parts_.network->counts().frozen;
    DFA_TRY(train());
    note_peak("training");
    DFA_TRY(validate_some());
    note_peak("validation");
    save();
    note_peak("saving");
    add_up();
    return plan_;
  }

 private:
  Status train() {
    const int window = ahead(parts_.config);
    DFA_ASSIGN_OR_RETURN(const Timing cold, time_steps(stepper_, window + 1, options_));
    const double steps_an_epoch = static_cast<double>(stepper_.steps_an_epoch());
    touched_ = std::min<double>(steps_an_epoch, 2 * window + 1 + cold.steps) * parts_.config.batch;
    Timing warm = cold;
    const bool is_worth_it = cold.waiting > kWaitingMatters && holds_cache();
    if (is_worth_it) {
      stepper_.begin_again();
      DFA_ASSIGN_OR_RETURN(warm, time_steps(stepper_, window + 1, options_));
    }
    plan_.time.steps_timed = cold.steps + (is_worth_it ? warm.steps : 0);
    plan_.time.step_seconds = cold.seconds;
    plan_.time.step_seconds_cached = warm.seconds;
    return {};
  }

  // A pack is mapped and needs no cache.
  bool holds_cache() const {
    return parts_.config.data.cache_mib > 0 && !parts_.train_crops->samples().front().file.empty();
  }

  // A batch that is not timed, then a few that are, for all of the crops.
  Status validate_some() {
    constexpr std::size_t kTimedBatches = 2;
    const std::size_t batch = static_cast<std::size_t>(parts_.config.eval_batch);
    const std::size_t all = parts_.val_crops->samples().size(), timed = std::min(all, kTimedBatches * batch);
    val_touched_ = static_cast<double>(std::max(timed, std::min(all, batch)));
    DFA_TRY(score(batch));
    const Clock::time_point begin = Clock::now();
    DFA_TRY(score(timed));
    plan_.time.validation_seconds = seconds_since(begin) * static_cast<double>(all) / static_cast<double>(timed);
    return {};
  }

  // The first crops of the validation, as the run scores them.
  Status score(std::size_t crops) {
    const RunConfig& config = parts_.config;
    std::vector<std::uint32_t> order(std::min(crops, parts_.val_crops->samples().size()));
    std::iota(order.begin(), order.end(), 0U);
    LoaderOptions options;
    options.recipe = config.crop;
    options.side = config.network.image;
    options.batch = config.eval_batch;
    options.workers = config.data.workers;
    options.last = LastBatch::keep_incomplete;
    const auto loader = BatchLoader::start(*parts_.val_crops, order, options);
    for (;;) {
      DFA_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader->next());
      if (!batch) return {};
      const int count = static_cast<int>(batch->labels.size());
      DFA_ASSIGN_OR_RETURN(const ForwardValues values, parts_.network->forward(batch->images, count, Mode::eval));
      if (cancel_.requested()) return fail(ErrorCode::cancelled, "stopped while planning");
    }
  }

  // The copy of the state that saving makes; the file is written from it piece by piece.
  void save() {
    const Checkpoint checkpoint = snapshot(parts_, {}, CheckpointKind::whole);
    MemoryPlan& memory = plan_.memory;
    memory.weights = mib_of(checkpoint.network);
    memory.optimizer = mib_of(checkpoint.optimizer);
    memory.average = mib_of(checkpoint.average);
    memory.saving = memory.weights + memory.optimizer + memory.average;
  }

  void note_peak(const char* phase) {
    constexpr double kMore = 1.01;
    const double now = peak_memory_mib();
    if (now > plan_.memory.peak * kMore) plan_.memory.peak_while = phase;
    plan_.memory.peak = now;
  }

  void add_up() {
    const RunConfig& config = parts_.config;
    MemoryPlan& memory = plan_.memory;
    const double side = config.network.image, window = ahead(config) + config.accumulate;
    memory.gradients = static_cast<double>(plan_.trained) * sizeof(float) / kMib;
    memory.batches = window * parts_.micro_batch * 3 * side * side * sizeof(float) / kMib;
    const bool is_known = !plan_.made_crops || options_.crops > 0;
    const double val = static_cast<double>(parts_.val_crops->samples().size());
    const double train = plan_.made_crops && options_.crops > 0
                             ? static_cast<double>(options_.crops)
                             : static_cast<double>(parts_.train_crops->samples().size());
    if (holds_cache()) {
      memory.crop_cache = cache_mib(config, train, val);
      memory.peak += memory.crop_cache - cache_mib(config, std::min(touched_, train), val_touched_);
    }

    TimePlan& time = plan_.time;
    time.epochs = config.schedule.epochs;
    if (!is_known) return;
    const bool is_fixed = config.data.sampling != Sampling::shuffle && config.data.samples_per_epoch > 0;
    const double an_epoch = is_fixed ? static_cast<double>(config.data.samples_per_epoch) : train;
    time.steps = plan_.made_crops ? static_cast<std::int64_t>(an_epoch) / config.batch : stepper_.steps_an_epoch();
    const double cached = std::min(1.0, static_cast<double>(config.data.cache_mib) / (train * crop_mib(config)));
    const double later = cached * time.step_seconds_cached + (1 - cached) * time.step_seconds;
    const double steps = static_cast<double>(time.steps);
    time.first_epoch_seconds = steps * time.step_seconds + time.validation_seconds;
    time.epoch_seconds = steps * later + time.validation_seconds;
    time.run_seconds = time.first_epoch_seconds + static_cast<double>(time.epochs - 1) * time.epoch_seconds;
  }

  RunParts parts_;
  const RunPlanOptions options_;
  const CancelFlag& cancel_;
  Stepper stepper_;
  RunPlan plan_;
  double touched_ = 0;      // training crops that were decoded
  double val_touched_ = 0;  // and of the validation
};

}  // namespace

Result<RunPlan> plan_run(const RunConfig& config, const RunPlanOptions& options, RunObserver& observer,
                         const CancelFlag& cancel) {
  std::optional<MadeData> made;
  RunConfig used = config;
  if (!std::filesystem::exists(config.data.manifest)) {
    if (config.data.self_blend > 0)
      return fail(ErrorCode::usage,
                  "{}: not found; a run that self-blends is planned on its own crops and their points",
                  config.data.manifest);
    DFA_ASSIGN_OR_RETURN(MadeData data, MadeData::create(config));
    made.emplace(std::move(data));
    used.data.manifest = made->manifest().string();
    observer.note(LogLevel::info, "the manifest is not there: planning on made crops");
  }
  DFA_ASSIGN_OR_RETURN(RunParts parts, open_parts(used, RankGroup::alone(), observer));
  return Planner(std::move(parts), options, cancel).make(made.has_value());
}

}  // namespace dfa::train
