#include "train/loop/train_run.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/machine.hpp"
#include "dataset/manifest.hpp"
#include "train/data/batch_loader.hpp"
#include "train/data/sampler.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/validation.hpp"
#include "train/losses/loss_heads.hpp"
#include "train/nets/init.hpp"
#include "train/nets/pretrained.hpp"
#include "version.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Everything a run works with, and where it stands.
class Run {
 public:
  Run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel)
      : config_(config), observer_(observer), cancel_(cancel) {}

  Status open_data();
  Status build_network();
  Status make_folder();
  Status restore(const Checkpoint& checkpoint);
  Result<RunSummary> train();

 private:
  Status train_epoch();
  Status train_step(const Batch& batch, std::int64_t steps);
  Status end_epoch(std::int64_t steps);
  Status save_last();
  Status save_best();
  Checkpoint snapshot() const;
  tl::unexpected<Error> bad_step(const Error& error, const Batch& batch) const;
  std::filesystem::path folder() const { return config_.out; }

  RunConfig config_;
  RunObserver& observer_;
  const CancelFlag& cancel_;
  std::string manifest_sha256_, initial_sha256_;
  std::unique_ptr<CropSet> train_crops_, val_crops_;
  std::unique_ptr<TrainNetwork> network_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<WeightAverage> average_;  // null without one
  RunPosition at_;
  std::int64_t steps_done_here_ = 0;  // by this process, for the time left
  double seconds_here_ = 0;
};

std::string describe(const CropSet& crops) {
  std::size_t fakes = 0;
  for (const Sample& sample : crops.samples()) fakes += sample.label == 1 ? 1 : 0;
  return fmt::format("{} real, {} fake{}", crops.samples().size() - fakes, fakes,
                     crops.unlabelled() > 0 ? fmt::format(", {} without a label left out", crops.unlabelled()) : "");
}

bool has_both_classes(const CropSet& crops) {
  bool seen[2] = {false, false};
  for (const Sample& sample : crops.samples()) seen[sample.label] = true;
  return seen[0] && seen[1];
}

Status Run::open_data() {
  if (config_.data.manifest.empty())
    return fail(ErrorCode::usage, "configuration: \"data.manifest\" is empty, expected the manifest's path");
  const std::filesystem::path path = config_.data.manifest;
  DFA_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(path));
  DFA_ASSIGN_OR_RETURN(manifest_sha256_, sha256_file(path));
  const std::uint64_t cache_bytes = static_cast<std::uint64_t>(config_.data.cache_mib) << 20;
  DFA_ASSIGN_OR_RETURN(train_crops_, CropSet::open(manifest, path, Role::train, config_.crop, cache_bytes));
  DFA_ASSIGN_OR_RETURN(val_crops_, CropSet::open(manifest, path, Role::val, config_.crop, cache_bytes));
  if (!has_both_classes(*val_crops_))
    return fail(ErrorCode::usage,
                "{}: role val has {}; choosing the best checkpoint needs both classes (role test is never used for it)",
                path.string(), describe(*val_crops_));
  observer_.note(LogLevel::info, fmt::format("train: {}; val: {}", describe(*train_crops_), describe(*val_crops_)));
  return {};
}

Status Run::build_network() {
  set_torch_threads(config_.threads);
  DFA_ASSIGN_OR_RETURN(network_, TrainNetwork::create(config_.network, config_.trained, config_.attention));
  TensorMap weights = init_weights(config_.network, config_.seed);
  if (!config_.pretrained.empty()) {
    DFA_TRY(put_pretrained_trunk(config_.network, config_.pretrained, weights));
    DFA_ASSIGN_OR_RETURN(initial_sha256_, sha256_file(config_.pretrained));
  }
  DFA_TRY(network_->load(weights));
  DFA_TRY(network_->add_loss_heads(init_loss_heads(config_.network, config_.loss, config_.seed)));
  DFA_ASSIGN_OR_RETURN(optimizer_, Optimizer::create(*network_, config_.optimizer));
  if (config_.ema > 0) average_ = WeightAverage::create(*network_, config_.ema);

  const TrainedCounts counts = network_->counts();
  const ParameterCounts expected = count_parameters(config_.network);
  if (counts.trained + counts.frozen != expected.trunk + expected.adapters)
    return fail(ErrorCode::internal, "the network has {} parameters, its configuration {}",
                counts.trained + counts.frozen, expected.trunk + expected.adapters);
  if (config_.trained == adapter_groups() && counts.trained != expected.adapters)
    return fail(ErrorCode::internal, "{} parameters learn, the adapters and the head have {}", counts.trained,
                expected.adapters);
  observer_.note(LogLevel::info, fmt::format("parameters: {} trained, {} frozen", counts.trained, counts.frozen));
  return {};
}

Status Run::make_folder() {
  std::error_code error;
  if (std::filesystem::exists(folder() / kLastCheckpoint) || std::filesystem::exists(folder() / "metrics.jsonl"))
    return fail(ErrorCode::usage,
                "{} already holds a run\n  next step: dfa-train resume {}, or another folder with --set out=DIR",
                folder().string(), folder().string());
  std::filesystem::create_directories(folder(), error);
  if (error) return fail(ErrorCode::file_unwritable, "{}: {}", folder().string(), error.message());
  return write_file_atomically(folder() / "config.json", run_config_json(config_));
}

Status Run::restore(const Checkpoint& checkpoint) {
  if (checkpoint.manifest_sha256 != manifest_sha256_)
    return fail(ErrorCode::usage,
                "{}: the manifest has changed since the run was started\n  got SHA-256 {}, expected {}",
                config_.data.manifest, manifest_sha256_, checkpoint.manifest_sha256);
  DFA_TRY(network_->load(checkpoint.network));
  DFA_TRY(network_->load_loss_heads(checkpoint.loss_heads));
  DFA_TRY(optimizer_->restore(checkpoint.optimizer));
  if (average_) DFA_TRY(average_->restore(checkpoint.average));
  at_ = checkpoint.position;
  observer_.note(LogLevel::info, fmt::format("resuming after epoch {}, step {}", at_.epoch, at_.step));
  return {};
}

Checkpoint Run::snapshot() const {
  Checkpoint checkpoint;
  checkpoint.config = config_;
  checkpoint.position = at_;
  checkpoint.code_version = std::string(kVersion) + " (" + kBuildId + ")";
  checkpoint.manifest_sha256 = manifest_sha256_;
  checkpoint.initial_sha256 = initial_sha256_;
  checkpoint.network = network_->tensors();
  checkpoint.loss_heads = network_->loss_heads();
  return checkpoint;
}

Status Run::save_last() {
  Checkpoint checkpoint = snapshot();
  checkpoint.optimizer = optimizer_->state();
  if (average_) checkpoint.average = average_->state();
  return save_checkpoint(checkpoint, folder() / kLastCheckpoint);
}

Status Run::save_best() {
  return save_checkpoint(snapshot(), folder() / kBestCheckpoint);
}

tl::unexpected<Error> Run::bad_step(const Error& error, const Batch& batch) const {
  std::string crops;
  for (const std::uint32_t sample : batch.samples) crops += "\n    " + train_crops_->samples()[sample].path;
  return fail(error.code,
              "epoch {}, step {}: {}\n  likely cause: the learning rate is too high, or a crop is damaged\n  last good "
              "state: {}\n  crops of the batch:{}",
              at_.epoch + 1, at_.step + 1, error.message, (folder() / kLastCheckpoint).string(), crops);
}

Status Run::train_step(const Batch& batch, std::int64_t steps) {
  LossOptions options = config_.loss;
  options.compute = config_.compute;
  options.epoch = static_cast<double>(at_.epoch) + static_cast<double>(at_.step) / static_cast<double>(steps);
  const StepInput input{batch.images, batch.labels, batch.masks, batch.mask_known, batch.strong};
  DFA_ASSIGN_OR_RETURN(const LossValues values, network_->loss_and_gradients(input, options));
  if (const Status finite = check_finite(values); !finite) return bad_step(finite.error(), batch);
  const double rate = learning_rate(config_.schedule, at_.epoch, at_.step, steps);
  options.statistics = Statistics::keep;  // where a second pass over the batch is needed
  const Result<double> norm = optimizer_->step(rate, [&]() -> Status {
    DFA_ASSIGN_OR_RETURN(const LossValues again, network_->loss_and_gradients(input, options));
    return check_finite(again);
  });
  if (!norm) return bad_step(norm.error(), batch);
  if (average_) average_->update();
  ++at_.step;
  at_.loss_sum += values.loss;
  add_terms(values, at_.terms);
  at_.norm_sum += *norm;
  ++steps_done_here_;
  const std::int64_t epochs = config_.schedule.epochs;
  const std::int64_t left = (epochs - at_.epoch) * steps - at_.step;
  observer_.on_step({at_.epoch + 1, epochs, at_.step, steps, values.loss, values.terms, rate,
                     seconds_here_ / static_cast<double>(steps_done_here_) * static_cast<double>(left)});
  return {};
}

Status Run::train_epoch() {
  const std::vector<Sample>& samples = train_crops_->samples();
  DFA_ASSIGN_OR_RETURN(
      std::vector<std::uint32_t> order,
      epoch_order(samples, config_.data.sampling, static_cast<std::size_t>(config_.data.samples_per_epoch),
                  config_.seed, static_cast<std::uint64_t>(at_.epoch)));
  LoaderOptions options;
  options.recipe = config_.crop;
  options.side = config_.network.image;
  options.augment = config_.augment;
  options.seed = config_.seed;
  options.epoch = static_cast<std::uint64_t>(at_.epoch);
  options.batch = config_.batch;
  options.workers = config_.data.workers;
  options.first_batch = static_cast<std::size_t>(at_.step);
  const auto loader = BatchLoader::start(*train_crops_, std::move(order), options);
  const std::int64_t steps = static_cast<std::int64_t>(loader->batches());
  if (steps == 0)
    return fail(ErrorCode::usage, "an epoch has fewer crops than a batch of {}; incomplete batches are dropped",
                config_.batch);
  for (;;) {
    const Clock::time_point begin = Clock::now();
    DFA_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader->next());
    if (!batch) break;
    if (cancel_.requested()) {
      DFA_TRY(save_last());
      return fail(ErrorCode::cancelled, "stopped after epoch {}, step {}; the state is saved", at_.epoch, at_.step);
    }
    DFA_TRY(train_step(*batch, steps));
    const double seconds = seconds_since(begin);
    at_.seconds += seconds;
    seconds_here_ += seconds;
  }
  return end_epoch(steps);
}

Status Run::end_epoch(std::int64_t steps) {
  const Clock::time_point begin = Clock::now();
  // With a weight average the average is what is validated, kept as best and exported.
  if (average_) average_->swap();
  const auto validated = validate(*network_, *val_crops_, config_, cancel_);
  if (!validated) {
    if (average_) average_->swap();
    if (validated.error().code == ErrorCode::cancelled)
      DFA_TRY(save_last());  // all steps of the epoch done: resume validates again
    return tl::unexpected<Error>(validated.error());
  }
  const double seconds = seconds_since(begin);
  ++at_.epoch;
  const bool is_best = validated->auc > at_.best_auc;
  if (is_best) {
    at_.best_auc = validated->auc;
    at_.best_epoch = at_.epoch;
  }
  Json terms = Json::object();
  for (const auto& [name, term] : at_.terms) terms[name] = term.mean();
  const Json line = {{"epoch", at_.epoch},
                     {"steps", steps},
                     {"lr", learning_rate(config_.schedule, at_.epoch - 1, steps - 1, steps)},
                     {"train_loss", at_.loss_sum / static_cast<double>(steps)},
                     {"train_terms", terms},
                     {"grad_norm", at_.norm_sum / static_cast<double>(steps)},
                     {"val_loss", validated->loss},
                     {"val_auc", validated->auc},
                     {"val_auc_by_method", validated->auc_by_method},
                     {"best_epoch", at_.best_epoch},
                     {"train_seconds", at_.seconds},
                     {"val_seconds", seconds},
                     {"crops_per_second", static_cast<double>(steps * config_.batch) / at_.seconds},
                     {"peak_memory_mib", peak_memory_mib()}};
  at_.history.push_back(line.dump(-1, ' ', false, Json::error_handler_t::replace));
  at_.step = 0;
  at_.loss_sum = at_.norm_sum = at_.seconds = 0;
  at_.terms.clear();
  const Status saved = is_best ? save_best() : Status{};  // while the average is in place
  if (average_) average_->swap();
  DFA_TRY(saved);
  std::string metrics;
  for (const std::string& past : at_.history) metrics += past + "\n";
  DFA_TRY(write_file_atomically(folder() / "metrics.jsonl", metrics));
  observer_.on_epoch(at_.history.back());
  const bool last = at_.epoch == config_.schedule.epochs;
  return last || at_.epoch % config_.checkpoint_every == 0 || cancel_.requested() ? save_last() : Status{};
}

Result<RunSummary> Run::train() {
  while (at_.epoch < config_.schedule.epochs) {
    DFA_TRY(train_epoch());
    if (cancel_.requested()) return fail(ErrorCode::cancelled, "stopped after epoch {}; the state is saved", at_.epoch);
  }
  return RunSummary{folder(), at_.epoch, at_.best_auc, at_.best_epoch};
}

}  // namespace

Result<RunSummary> start_run(const RunConfig& config, RunObserver& observer, const CancelFlag& cancel) {
  Run run(config, observer, cancel);
  DFA_TRY(run.open_data());
  DFA_TRY(run.build_network());
  DFA_TRY(run.make_folder());
  return run.train();
}

Result<RunSummary> resume_run(const std::filesystem::path& folder, RunObserver& observer, const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(Checkpoint checkpoint, read_checkpoint(folder / kLastCheckpoint));
  checkpoint.config.out = folder.string();  // the folder may have been moved
  Run run(checkpoint.config, observer, cancel);
  DFA_TRY(run.open_data());
  DFA_TRY(run.build_network());
  DFA_TRY(run.restore(checkpoint));
  return run.train();
}

}  // namespace dfa::train
