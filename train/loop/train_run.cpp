#include "train/loop/train_run.hpp"

#include <chrono>

#include "base/machine.hpp"
#include "train/devices/shares.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/epoch_metrics.hpp"
#include "train/loop/run_folder.hpp"
#include "train/loop/run_parts.hpp"
#include "train/loop/train_step.hpp"
#include "train/loop/validation.hpp"
#include "version.hpp"

namespace dfa::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// A run between two moments at which it could be stopped.
class Run {
 public:
  Run(const RunConfig& config, std::shared_ptr<RankGroup> group, RunObserver& observer, const CancelFlag& cancel)
      : observer_(observer), cancel_(cancel), folder_(config.out) {
    parts_.config = config;
    parts_.group = std::move(group);
  }

  Status open();
  Status make_folder() { return writes() ? folder_.create(parts_.config) : Status{}; }
  Status restore(const Checkpoint& checkpoint);
  Result<RunSummary> train();

 private:
  Status train_epoch();
  Status agree_on_start();
  Status one_step(std::span<const Batch> batch, std::int64_t steps);
  Status end_epoch(std::int64_t steps);
  Result<ValidationResult> validate_average();
  EpochMetrics close_books(const ValidationResult& validated, std::int64_t steps, double val_seconds);
  Status save_last();
  Checkpoint snapshot() const;
  void report_step(const StepValues& values, std::int64_t steps);
  tl::unexpected<Error> bad_step(const Error& error, std::span<const Batch> batch) const;
  bool writes() const { return parts_.group->is_first(); }
  const RunConfig& config() const { return parts_.config; }

  RunObserver& observer_;
  const CancelFlag& cancel_;
  RunFolder folder_;
  RunParts parts_;
  RunPosition at_;
  std::int64_t steps_done_here_ = 0;  // by this process, for the time left
  double seconds_here_ = 0;
};

Status Run::open() {
  DFA_TRY(open_data(parts_, observer_));
  DFA_TRY(build_network(parts_, observer_));
  return agree_on_start();
}

// What must be the same everywhere for the ranks' steps to be those of one run.
Status Run::agree_on_start() {
  RankGroup& group = *parts_.group;
  DFA_TRY(agree_equal(group, "version", kBuildId));
  DFA_TRY(agree_equal(group, "configuration", run_config_json(config())));
  DFA_TRY(agree_equal(group, "manifest", parts_.manifest_sha256));
  DFA_TRY(agree_equal(group, "pre-trained trunk", parts_.initial_sha256));
  if (group.is_alone()) return {};
  observer_.note(LogLevel::info,
                 fmt::format("{} ranks, {} crops each at a time; the head's statistics are over {}", group.size(),
                             parts_.micro_batch,
                             config().head_statistics == HeadStatistics::whole ? "all of them" : "each rank's own"));
  return {};
}

Status Run::restore(const Checkpoint& checkpoint) {
  if (checkpoint.manifest_sha256 != parts_.manifest_sha256)
    return fail(ErrorCode::usage,
                "{}: the manifest has changed since the run was started\n  got SHA-256 {}, expected {}",
                config().data.manifest, parts_.manifest_sha256, checkpoint.manifest_sha256);
  const RunPosition& position = checkpoint.position;
  DFA_TRY(agree_equal(*parts_.group, "checkpoint", fmt::format("{} {}", position.epoch, position.step)));
  DFA_TRY(parts_.network->load(checkpoint.network));
  DFA_TRY(parts_.optimizer->restore(checkpoint.optimizer));
  if (parts_.average) DFA_TRY(parts_.average->restore(checkpoint.average));
  parts_.trunk_sha256 = checkpoint.trunk_sha256;
  at_ = checkpoint.position;
  observer_.note(LogLevel::info, fmt::format("resuming after epoch {}, step {}", at_.epoch, at_.step));
  return {};
}

Checkpoint Run::snapshot() const {
  Checkpoint checkpoint;
  checkpoint.config = config();
  checkpoint.position = at_;
  checkpoint.code_version = std::string(kVersion) + " (" + kBuildId + ")";
  checkpoint.manifest_sha256 = parts_.manifest_sha256;
  checkpoint.initial_sha256 = parts_.initial_sha256;
  checkpoint.trunk_sha256 = parts_.trunk_sha256;
  checkpoint.network = parts_.network->tensors();
  return checkpoint;
}

Status Run::save_last() {
  if (!writes()) return {};
  Checkpoint checkpoint = snapshot();
  checkpoint.optimizer = parts_.optimizer->state();
  if (parts_.average) checkpoint.average = parts_.average->state();
  return folder_.save_last(checkpoint);
}

tl::unexpected<Error> Run::bad_step(const Error& error, std::span<const Batch> batch) const {
  if (error.code != ErrorCode::non_finite_loss) return tl::unexpected<Error>(error);
  std::string crops;
  for (const Batch& part : batch)
    for (const std::uint32_t sample : part.samples) crops += "\n    " + parts_.train_crops->samples()[sample].path;
  return fail(error.code,
              "epoch {}, step {}: {}\n  likely cause: the learning rate is too high, or a crop is damaged\n  last good "
              "state: {}\n  crops of the batch:{}",
              at_.epoch + 1, at_.step + 1, error.message, folder_.last().string(), crops);
}

void Run::report_step(const StepValues& values, std::int64_t steps) {
  const std::int64_t epochs = config().schedule.epochs;
  const std::int64_t left = (epochs - at_.epoch) * steps - at_.step;
  observer_.on_step({at_.epoch + 1, epochs, at_.step, steps, values.loss, values.learning_rate,
                     seconds_here_ / static_cast<double>(steps_done_here_) * static_cast<double>(left)});
}

Status Run::one_step(std::span<const Batch> batch, std::int64_t steps) {
  const auto values = train_step(parts_, batch, {at_.epoch, at_.step, steps});
  if (!values) return bad_step(values.error(), batch);
  ++at_.step;
  at_.loss_sum += values->loss;
  at_.norm_sum += values->grad_norm;
  ++steps_done_here_;
  report_step(*values, steps);
  return {};
}

Status Run::train_epoch() {
  DFA_ASSIGN_OR_RETURN(const auto loader, start_epoch(parts_, at_.epoch, at_.step));
  const std::int64_t steps = steps_of(*loader, config());
  std::uint64_t misses = 0;
  for (;;) {
    const Clock::time_point begin = Clock::now();
    DFA_ASSIGN_OR_RETURN(const std::vector<Batch> batch, next_parts(*loader, config().accumulate));
    if (batch.empty()) break;
    for (const Batch& part : batch) misses += part.self_blend_misses;
    DFA_ASSIGN_OR_RETURN(const bool stop, agree_any(*parts_.group, cancel_.requested()));
    if (stop) {
      DFA_TRY(save_last());
      return fail(ErrorCode::cancelled, "stopped after epoch {}, step {}; the state is saved", at_.epoch, at_.step);
    }
    DFA_TRY(one_step(batch, steps));
    const double seconds = seconds_since(begin);
    at_.seconds += seconds;
    seconds_here_ += seconds;
  }
  if (misses > 0)
    observer_.note(LogLevel::warning, fmt::format("epoch {}: {} real crops could not be self-blended and were replaced",
                                                  at_.epoch + 1, misses));
  return end_epoch(steps);
}

// Where there is a weight average it stays in the network's place afterwards, when this succeeds.
Result<ValidationResult> Run::validate_average() {
  if (parts_.average) parts_.average->swap();
  auto validated = validate(*parts_.network, *parts_.val_crops, config(), *parts_.group, cancel_);
  if (validated) return validated;
  if (parts_.average) parts_.average->swap();
  if (validated.error().code == ErrorCode::cancelled)
    DFA_TRY(save_last());  // all steps of the epoch done: resume validates again
  return validated;
}

// Counts the epoch as done.
EpochMetrics Run::close_books(const ValidationResult& validated, std::int64_t steps, double val_seconds) {
  ++at_.epoch;
  if (validated.auc > at_.best_auc) {
    at_.best_auc = validated.auc;
    at_.best_epoch = at_.epoch;
  }
  const EpochMetrics metrics{.epoch = at_.epoch,
                             .steps = steps,
                             .learning_rate = learning_rate(config().schedule, at_.epoch - 1, steps - 1, steps),
                             .train_loss = at_.loss_sum / static_cast<double>(steps),
                             .grad_norm = at_.norm_sum / static_cast<double>(steps),
                             .validation = validated,
                             .best_epoch = at_.best_epoch,
                             .train_seconds = at_.seconds,
                             .val_seconds = val_seconds,
                             .crops_per_second = static_cast<double>(steps * config().batch) / at_.seconds,
                             .peak_memory_mib = peak_memory_mib()};
  at_.step = 0;
  at_.loss_sum = at_.norm_sum = at_.seconds = 0;
  return metrics;
}

Status Run::end_epoch(std::int64_t steps) {
  const Clock::time_point begin = Clock::now();
  // With a weight average the average is what is validated, kept as best and exported.
  DFA_ASSIGN_OR_RETURN(const ValidationResult validated, validate_average());
  const EpochMetrics metrics = close_books(validated, steps, seconds_since(begin));
  at_.history.push_back(metrics_line(metrics));
  const bool is_best = at_.best_epoch == at_.epoch;
  const Status saved = is_best && writes() ? folder_.save_best(snapshot()) : Status{};  // while the average is in place
  if (parts_.average) parts_.average->swap();
  DFA_TRY(saved);
  if (writes()) DFA_TRY(folder_.write_metrics(at_.history));
  observer_.on_epoch(at_.history.back());
  const bool last = at_.epoch == config().schedule.epochs;
  return last || at_.epoch % config().checkpoint_every == 0 ? save_last() : Status{};
}

Result<RunSummary> Run::train() {
  while (at_.epoch < config().schedule.epochs) {
    DFA_TRY(train_epoch());
    DFA_ASSIGN_OR_RETURN(const bool stop, agree_any(*parts_.group, cancel_.requested()));
    if (!stop) continue;
    DFA_TRY(save_last());
    return fail(ErrorCode::cancelled, "stopped after epoch {}; the state is saved", at_.epoch);
  }
  return RunSummary{folder_.path(), at_.epoch, at_.best_auc, at_.best_epoch, parts_.group->rank()};
}

// What the other ranks would say is what rank 0 says.
class Silent : public RunObserver {
 public:
  void note(LogLevel, const std::string&) override {}
  void on_step(const StepReport&) override {}
  void on_epoch(const std::string&) override {}
};

// Meets the other ranks, if there are any, does the work, and sees to it that an error ends the run for all of them.
template <class Work>
Result<RunSummary> among_ranks(const RunConfig& config, RunObserver& observer, const Work& work) {
  DFA_ASSIGN_OR_RETURN(const RankEnvironment environment, read_rank_environment());
  DFA_ASSIGN_OR_RETURN(const std::shared_ptr<RankGroup> group,
                       RankGroup::join(environment, std::chrono::seconds(config.rank_timeout_s)));
  Silent silent;
  Result<RunSummary> summary = work(group, group->is_first() ? observer : static_cast<RunObserver&>(silent));
  if (!summary) return tl::unexpected<Error>(group->leave(std::move(summary).error()));
  return summary;
}

}  // namespace

Result<RunSummary> start_run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel) {
  return among_ranks(config, observer,
                     [&](const std::shared_ptr<RankGroup>& group, RunObserver& told) -> Result<RunSummary> {
                       Run run(config, group, told, cancel);
                       DFA_TRY(run.open());
                       DFA_TRY(run.make_folder());
                       return run.train();
                     });
}

Result<RunSummary> resume_run(const std::filesystem::path& folder, RunObserver& observer, const CancelFlag& cancel) {
  Result<Checkpoint> checkpoint = read_checkpoint(folder / kLastCheckpoint);
  const RunConfig config = checkpoint ? checkpoint->config : RunConfig{};  // the others must hear of a failure too
  return among_ranks(config, observer,
                     [&](const std::shared_ptr<RankGroup>& group, RunObserver& told) -> Result<RunSummary> {
                       if (!checkpoint) return tl::unexpected<Error>(checkpoint.error());
                       checkpoint->config.out = folder.string();  // the folder may have been moved
                       Run run(checkpoint->config, group, told, cancel);
                       DFA_TRY(run.open());
                       DFA_TRY(run.restore(*checkpoint));
                       return run.train();
                     });
}

}  // namespace dfa::train
