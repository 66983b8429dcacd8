#include "train/loop/train_run.hpp"

#include <algorithm>
#include <chrono>

#include "base/hash.hpp"
#include "base/machine.hpp"
#include "train/devices/shares.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/epoch_metrics.hpp"
#include "train/loop/run_folder.hpp"
#include "train/loop/run_logs.hpp"
#include "train/loop/run_parts.hpp"
#include "train/loop/train_step.hpp"
#include "train/loop/validation.hpp"
#include "train/report/run_report.hpp"
#include "version.hpp"

namespace dfa::train {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::string place_text(const RunPosition& at) {
  return fmt::format("epoch {}, step {}", at.epoch, at.step);
}

// A run between two moments at which it could be stopped.
class Run {
 public:
  // `folder`: rank 0's, nothing for the others.
  Run(RunParts parts, std::optional<RunFolder> folder, RunObserver& observer, const CancelFlag& cancel)
      : observer_(observer), cancel_(cancel), folder_(std::move(folder)), parts_(std::move(parts)) {}

  Status begin();
  Status restore(const Checkpoint& checkpoint);
  Result<RunSummary> train();

 private:
  Status train_epoch();
  Status one_step(std::span<const Batch> batch, std::int64_t steps, Clock::time_point begin);
  Status end_epoch(std::int64_t steps);
  Result<ValidationResult> validate_average();
  EpochMetrics close_books(const ValidationResult& validated, std::int64_t steps, double val_seconds);
  Status write_down(const EpochMetrics& metrics);
  Status save_where_due();
  Status save_last();
  Status write_report() const;
  void report_step(const StepValues& values, std::int64_t steps);
  tl::unexpected<Error> bad_step(const Error& error, std::span<const Batch> batch) const;
  tl::unexpected<Error> stopped(const Error& error) const;
  bool writes() const { return folder_.has_value(); }
  std::filesystem::path path() const { return config().out; }
  const RunConfig& config() const { return parts_.config; }

  RunObserver& observer_;
  const CancelFlag& cancel_;
  std::optional<RunFolder> folder_;
  RunParts parts_;
  std::optional<RunLogs> logs_;  // where there is a folder
  RunPosition at_;
  std::vector<EpochMetrics> epochs_;  // of at_.history
  std::string last_saved_;            // where the state in last.safetensors stands; empty before the first
  Clock::time_point saved_at_ = Clock::now();
  std::int64_t steps_done_here_ = 0;  // by this process, for the time left
  double seconds_here_ = 0;
  double val_seconds_ = 0;  // of the last validation
};

Status Run::begin() {
  if (writes()) {
    DFA_ASSIGN_OR_RETURN(logs_, RunLogs::open(path(), {}, 1));
  }
  return save_last();
}

Status Run::restore(const Checkpoint& checkpoint) {
  DFA_TRY(parts_.network->load(checkpoint.network));
  DFA_TRY(parts_.network->load_loss_heads(checkpoint.loss_heads));
  DFA_TRY(parts_.optimizer->restore(checkpoint.optimizer));
  if (parts_.average) DFA_TRY(parts_.average->restore(checkpoint.average));
  if (parts_.loss_scale && checkpoint.loss_scale) parts_.loss_scale->restore(*checkpoint.loss_scale);
  parts_.trunk_sha256 = checkpoint.trunk_sha256;
  at_ = checkpoint.position;
  for (const std::string& line : at_.history) {
    DFA_ASSIGN_OR_RETURN(EpochMetrics metrics, parse_metrics_line(line));
    epochs_.push_back(std::move(metrics));
  }
  last_saved_ = place_text(at_);
  observer_.note(LogLevel::info, fmt::format("resuming after {}", last_saved_));
  if (!writes()) return {};
  DFA_TRY(folder_->settle(checkpoint, observer_));
  const std::int64_t steps_before = (epochs_.empty() ? 0 : at_.epoch * epochs_.back().steps) + at_.step;
  DFA_ASSIGN_OR_RETURN(logs_, RunLogs::open(path(), at_.logs, steps_before + 1));
  return write_report();
}

Status Run::save_last() {
  if (writes()) {
    DFA_ASSIGN_OR_RETURN(at_.logs, logs_->mark());
    DFA_TRY(folder_->save_last(snapshot(parts_, at_, CheckpointKind::whole)));
  }
  last_saved_ = place_text(at_);
  saved_at_ = Clock::now();
  return {};
}

Status Run::write_report() const {
  return write_run_report(path(), {config(), parts_.data_counts, parts_.manifest_sha256, epochs_});
}

// With where the run stands and what is left of it. Being asked to stop is no fault.
tl::unexpected<Error> Run::stopped(const Error& error) const {
  if (error.code == ErrorCode::cancelled || error.code == ErrorCode::rank_lost) return tl::unexpected<Error>(error);
  const std::string state = last_saved_.empty()
                                ? "none yet"
                                : fmt::format("{} (after {})\n  next step: mend the cause, then dfa-train resume {}",
                                              (path() / kLastCheckpoint).string(), last_saved_, path().string());
  return fail(error.code, "stopped after {}: {}\n  last good state: {}", place_text(at_), error.message, state);
}

tl::unexpected<Error> Run::bad_step(const Error& error, std::span<const Batch> batch) const {
  if (error.code == ErrorCode::rank_lost) return tl::unexpected<Error>(error);
  std::string crops;
  for (const Batch& part : batch)
    for (const std::uint32_t sample : part.samples) crops += "\n    " + parts_.train_crops->samples()[sample].path;
  return fail(
      error.code, "epoch {}, step {}: {}{}\n  crops of the batch:{}", at_.epoch + 1, at_.step + 1, error.message,
      error.code == ErrorCode::non_finite_loss ? "\n  likely cause: the learning rate is too high, or a crop is damaged"
                                               : "",
      crops);
}

void Run::report_step(const StepValues& values, std::int64_t steps) {
  const std::int64_t epochs = config().schedule.epochs;
  const std::int64_t left = (epochs - at_.epoch) * steps - at_.step;
  const double step_seconds = seconds_here_ / static_cast<double>(steps_done_here_);
  observer_.on_step({at_.epoch + 1, epochs, at_.step, steps, values.loss, values.learning_rate,
                     step_seconds * static_cast<double>(left) + val_seconds_ * static_cast<double>(epochs - at_.epoch),
                     values.terms});
}

// `begin`: when the wait for the batch began.
Status Run::one_step(std::span<const Batch> batch, std::int64_t steps, Clock::time_point begin) {
  const StepPlace place{at_.epoch, at_.step, steps};
  const auto values = train_step(parts_, batch, place);
  if (!values) return bad_step(values.error(), batch);
  const double seconds = seconds_since(begin);
  ++at_.step;
  at_.loss_sum += values->loss;
  add_terms(values->terms, at_.terms);
  at_.norm_sum += values->grad_norm;
  at_.skipped += values->kind == StepKind::skipped ? 1 : 0;
  at_.seconds += seconds;
  ++steps_done_here_;
  seconds_here_ += seconds;
  const std::int64_t done = at_.epoch * steps + at_.step;
  if (writes() && config().log_every > 0 && done % config().log_every == 0)
    DFA_TRY(logs_->write_step(place, *values, config().batch, seconds));
  report_step(*values, steps);
  const bool by_steps = config().checkpoint_steps > 0 && done % config().checkpoint_steps == 0;
  const bool by_time = config().checkpoint_minutes > 0 && seconds_since(saved_at_) >= 60 * config().checkpoint_minutes;
  return by_steps || by_time ? save_last() : Status{};
}

Status Run::train_epoch() {
  DFA_ASSIGN_OR_RETURN(const auto loader, start_epoch(parts_, at_.epoch, at_.step));
  const std::int64_t steps = steps_of(*loader, config());
  std::uint64_t misses = 0;
  for (;;) {
    const Clock::time_point begin = Clock::now();
    const auto batch = next_parts(*loader, config().accumulate);
    if (!batch) return fail_within(fmt::format("epoch {}, step {}", at_.epoch + 1, at_.step + 1), batch.error());
    if (batch->empty()) break;
    for (const Batch& part : *batch) misses += part.self_blend_misses;
    DFA_ASSIGN_OR_RETURN(const bool stop, agree_any(*parts_.group, cancel_.requested()));
    if (stop) {
      DFA_TRY(save_last());
      return fail(ErrorCode::cancelled, "stopped after {}; the state is saved", place_text(at_));
    }
    DFA_TRY(one_step(*batch, steps, begin));
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
  const bool is_told = validated.error().code == ErrorCode::rank_lost;
  if (validated.error().code != ErrorCode::cancelled && !is_told)
    return fail_within(fmt::format("validation of epoch {}", at_.epoch + 1), validated.error());
  if (!is_told) DFA_TRY(save_last());  // all steps of the epoch done: resume validates again
  return validated;
}

// Counts the epoch as done.
EpochMetrics Run::close_books(const ValidationResult& validated, std::int64_t steps, double val_seconds) {
  ++at_.epoch;
  // Of equal ones the earlier; the published program takes the later.
  const bool equal_wins = config().recipe == Recipe::official && at_.best_epoch > 0;
  if (validated.auc > at_.best_auc || (equal_wins && validated.auc == at_.best_auc)) {
    at_.best_auc = validated.auc;
    at_.best_epoch = at_.epoch;
  }
  EpochMetrics metrics{.epoch = at_.epoch,
                       .steps = steps,
                       .learning_rate = learning_rate(config().schedule, at_.epoch - 1, steps - 1, steps),
                       .train_loss = at_.loss_sum / static_cast<double>(steps),
                       .train_terms = at_.terms,
                       .grad_norm = at_.norm_sum / static_cast<double>(std::max(steps - at_.skipped, std::int64_t{1})),
                       .skipped_steps = parts_.loss_scale ? std::optional(at_.skipped) : std::nullopt,
                       .validation = validated,
                       .best_epoch = at_.best_epoch,
                       .warnings = {},
                       .train_seconds = at_.seconds,
                       .val_seconds = val_seconds,
                       .crops_per_second = static_cast<double>(steps * config().batch) / at_.seconds,
                       .peak_memory_mib = peak_memory_mib()};
  epochs_.push_back(metrics);
  epochs_.back().warnings = metrics.warnings = warnings_of(epochs_);
  at_.history.push_back(metrics_line(metrics));
  at_.step = 0;
  at_.loss_sum = at_.norm_sum = at_.seconds = 0;
  at_.skipped = 0;
  at_.terms.clear();
  return metrics;
}

Status Run::end_epoch(std::int64_t steps) {
  const Clock::time_point begin = Clock::now();
  // With a weight average the average is what is validated, kept as best and exported.
  DFA_ASSIGN_OR_RETURN(const ValidationResult validated, validate_average());
  val_seconds_ = seconds_since(begin);
  const EpochMetrics metrics = close_books(validated, steps, val_seconds_);
  const bool is_best = at_.best_epoch == at_.epoch;
  const Status saved =
      is_best && writes() ? folder_->save_best(snapshot(parts_, at_, CheckpointKind::weights)) : Status{};
  if (parts_.average) parts_.average->swap();
  DFA_TRY(saved);
  return write_down(metrics);
}

Status Run::write_down(const EpochMetrics& metrics) {
  if (writes()) {
    DFA_TRY(folder_->write_metrics(at_.history));
    DFA_TRY(logs_->write_epoch(metrics));
  }
  observer_.on_epoch(at_.history.back());
  for (const std::string& warning : metrics.warnings) observer_.note(LogLevel::warning, warning);
  DFA_TRY(save_where_due());
  return writes() ? write_report() : Status{};
}

Status Run::save_where_due() {
  const bool last = at_.epoch == config().schedule.epochs;
  const bool keep = config().keep_every > 0 && at_.epoch % config().keep_every == 0;
  if (last || keep || at_.epoch % config().checkpoint_every == 0) DFA_TRY(save_last());
  return keep && writes() ? folder_->keep(at_.epoch) : Status{};
}

Result<RunSummary> Run::train() {
  while (at_.epoch < config().schedule.epochs) {
    if (const Status trained = train_epoch(); !trained) return stopped(trained.error());
    DFA_ASSIGN_OR_RETURN(const bool stop, agree_any(*parts_.group, cancel_.requested()));
    if (!stop) continue;
    DFA_TRY(save_last());
    return fail(ErrorCode::cancelled, "stopped after epoch {}; the state is saved", at_.epoch);
  }
  return RunSummary{path(), at_.epoch, at_.best_auc, at_.best_epoch, parts_.group->rank()};
}

Result<Checkpoint> read_whole(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(Checkpoint checkpoint, read_checkpoint(path));
  if (checkpoint.kind == CheckpointKind::whole) return checkpoint;
  return fail(ErrorCode::model_incompatible,
              "{}: holds the weights of an epoch without momenta, no run can go on from it\n  next step: take {} or "
              "epoch-NNNN.safetensors",
              path.string(), kLastCheckpoint);
}

// Whether both are states of one run, wherever its folder lies now.
bool same_run(const Checkpoint& a, const Checkpoint& b) {
  RunConfig x = a.config, y = b.config;
  x.out = y.out = "";
  return run_config_json(x) == run_config_json(y) && a.manifest_sha256 == b.manifest_sha256 &&
         a.initial_sha256 == b.initial_sha256;
}

// What must be the same everywhere for the ranks' steps to be those of one run.
Status agree_on_start(const RunParts& parts, RunObserver& observer) {
  RankGroup& group = *parts.group;
  DFA_TRY(agree_equal(group, "version", kBuildId));
  DFA_TRY(agree_equal(group, "configuration", run_config_json(parts.config)));
  DFA_TRY(agree_equal(group, "manifest", parts.manifest_sha256));
  DFA_TRY(agree_equal(group, "pre-trained trunk", parts.initial_sha256));
  DFA_TRY(agree_equal(group, "kind of device", parts.device.kind == DeviceKind::cpu ? "cpu" : "cuda"));
  if (group.is_alone()) return {};
  const bool whole = parts.config.head_statistics == HeadStatistics::whole;
  observer.note(LogLevel::info, fmt::format("{} ranks, {} crops each at a time; the head's statistics are those of {}",
                                            group.size(), parts.micro_batch, whole ? "all" : "each by itself"));
  return {};
}

// Every rank has read the state for itself: the place alone would not tell two states of one epoch apart.
Status agree_on_state(RankGroup& group, const std::filesystem::path& source) {
  if (group.is_alone()) return {};
  DFA_ASSIGN_OR_RETURN(const std::string hash, sha256_file(source));
  return agree_equal(group, "state to go on from", hash);
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
Result<RunSummary> among_ranks(const RankEnvironment& environment, const RunConfig& config, RunObserver& observer,
                               const Work& work) {
  DFA_ASSIGN_OR_RETURN(const std::shared_ptr<RankGroup> group,
                       RankGroup::join(environment, std::chrono::seconds(config.rank_timeout_s)));
  Silent silent;
  Result<RunSummary> summary = work(group, group->is_first() ? observer : static_cast<RunObserver&>(silent));
  if (!summary) return tl::unexpected<Error>(group->leave(std::move(summary).error()));
  return summary;
}

// What a run goes on from.
struct ResumePoint {
  std::optional<RunFolder> folder;  // rank 0's, locked
  std::filesystem::path source;     // the file that holds the checkpoint
  Checkpoint checkpoint;
};

// Rank 0 locks the folder before anybody looks at what is in it.
Result<ResumePoint> find_resume_point(const std::filesystem::path& folder, const std::filesystem::path& source,
                                      const RankEnvironment& environment) {
  ResumePoint point{.folder = {}, .source = source, .checkpoint = {}};
  if (environment.rank == 0) {
    DFA_ASSIGN_OR_RETURN(point.folder, RunFolder::open(folder));
  }
  const std::filesystem::path last = folder / kLastCheckpoint;
  std::error_code absent;
  if (std::filesystem::equivalent(source, last, absent)) point.source = last;
  DFA_ASSIGN_OR_RETURN(point.checkpoint, read_whole(point.source));
  if (point.source != last && std::filesystem::exists(last)) {
    DFA_ASSIGN_OR_RETURN(const Checkpoint latest, read_whole(last));
    if (!same_run(point.checkpoint, latest))
      return fail(ErrorCode::usage,
                  "{} is a state of another run than {}: configuration, manifest or first weights differ",
                  source.string(), folder.string());
  }
  point.checkpoint.config.out = folder.string();  // the folder may have been moved
  return point;
}

Result<RunSummary> go_on(ResumePoint point, std::shared_ptr<RankGroup> group, RunObserver& observer,
                         const CancelFlag& cancel) {
  const Checkpoint& checkpoint = point.checkpoint;
  DFA_ASSIGN_OR_RETURN(RunParts parts, open_parts(checkpoint.config, std::move(group), observer));
  DFA_TRY(agree_on_start(parts, observer));
  DFA_TRY(agree_on_state(*parts.group, point.source));
  if (checkpoint.manifest_sha256 != parts.manifest_sha256)
    return fail(ErrorCode::usage,
                "{}: the manifest has changed since the run was started\n  got SHA-256 {}, expected {}",
                checkpoint.config.data.manifest, parts.manifest_sha256, checkpoint.manifest_sha256);
  if (point.folder && point.source != point.folder->last())
    DFA_TRY(point.folder->go_back(point.source, checkpoint, observer));
  Run run(std::move(parts), std::move(point.folder), observer, cancel);
  DFA_TRY(run.restore(checkpoint));
  return run.train();
}

}  // namespace

Result<RunSummary> start_run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(const RankEnvironment environment, read_rank_environment());
  return among_ranks(environment, config, observer,
                     [&](const std::shared_ptr<RankGroup>& group, RunObserver& told) -> Result<RunSummary> {
                       DFA_ASSIGN_OR_RETURN(RunParts parts, open_parts(config, group, told));
                       DFA_TRY(agree_on_start(parts, told));
                       std::optional<RunFolder> folder;
                       if (group->is_first()) {
                         DFA_ASSIGN_OR_RETURN(folder, RunFolder::create(parts.config));
                       }
                       Run run(std::move(parts), std::move(folder), told, cancel);
                       DFA_TRY(run.begin());
                       return run.train();
                     });
}

Result<RunSummary> resume_run(const std::filesystem::path& folder, RunObserver& observer, const CancelFlag& cancel) {
  return resume_run_from(folder, folder / kLastCheckpoint, observer, cancel);
}

Result<RunSummary> resume_run_from(const std::filesystem::path& folder, const std::filesystem::path& source,
                                   RunObserver& observer, const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(const RankEnvironment environment, read_rank_environment());
  Result<ResumePoint> point = find_resume_point(folder, source, environment);
  const RunConfig config = point ? point->checkpoint.config : RunConfig{};  // the others must hear of a failure too
  return among_ranks(environment, config, observer,
                     [&](const std::shared_ptr<RankGroup>& group, RunObserver& told) -> Result<RunSummary> {
                       if (!point) return tl::unexpected<Error>(point.error());
                       return go_on(std::move(*point), group, told, cancel);
                     });
}

}  // namespace dfa::train
