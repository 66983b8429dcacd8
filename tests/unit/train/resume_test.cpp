// Stops of every kind, and what comes of the run that goes on.
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "cli_train/run.hpp"
#include "train/config/precision.hpp"
#include "train/loop/checkpoint.hpp"
#include "unit/train/run_fixture.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Lines without the figures that tell of the machine.
std::vector<nlohmann::json> lines_of(const fs::path& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    lines.push_back(nlohmann::json::parse(line));
    for (const char* field : {"train_seconds", "val_seconds", "crops_per_second", "peak_memory_mib"})
      lines.back().erase(field);
  }
  return lines;
}

class ResumeTest : public RunTest {
 protected:
  ResumeTest() { config_.log_every = 1; }

  void expect_equal_runs(const fs::path& a, const fs::path& b) const {
    for (const char* name : {kLastCheckpoint, kBestCheckpoint}) {
      const auto x = read_checkpoint(a / name), y = read_checkpoint(b / name);
      ASSERT_TRUE(x && y) << name;
      EXPECT_TRUE(equal(x->network, y->network)) << name;
      EXPECT_TRUE(equal(x->optimizer, y->optimizer)) << name;
      EXPECT_EQ(x->position.epoch, y->position.epoch) << name;
      EXPECT_EQ(x->position.best_epoch, y->position.best_epoch) << name;
    }
    EXPECT_EQ(lines_of(a / "metrics.jsonl"), lines_of(b / "metrics.jsonl"));
    EXPECT_EQ(lines_of(a / "steps.jsonl"), lines_of(b / "steps.jsonl"));
  }

  // An undisturbed run beside the folder of the test.
  fs::path whole_run() {
    const std::string out = config_.out;
    config_.out = (dir_ / "whole").string();
    CancelFlag none;
    Listener listener(none);
    const auto run = start_run(config_, listener, none);
    EXPECT_TRUE(run) << run.error().message;
    std::swap(config_.out, whole_);
    config_.out = out;
    return whole_;
  }

  Result<RunSummary> resume() {
    Listener listener(cancel_);
    return resume_run(config_.out, listener, cancel_);
  }

 private:
  std::string whole_;
};

TEST_F(ResumeTest, GoesOnFromAKeptCheckpoint) {
  config_.schedule.epochs = 4;
  config_.keep_every = 1;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const fs::path run = config_.out;
  fs::copy(run, dir_ / "whole", fs::copy_options::recursive);
  EXPECT_EQ(read_checkpoint(kept_checkpoint(run, 2))->position.epoch, 2);

  CancelFlag stop;
  Listener before(stop, 1);
  const auto cut = resume_run_from(run, kept_checkpoint(run, 2), before, stop);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::cancelled) << cut.error().message;
  const auto last = read_checkpoint(run / kLastCheckpoint);
  EXPECT_EQ(last->position.epoch, 2);
  EXPECT_EQ(last->position.step, 1);
  EXPECT_EQ(read_checkpoint(run / kBestCheckpoint)->position.epoch, last->position.best_epoch);
  EXPECT_EQ(lines_of(run / "metrics.jsonl").size(), 2U);
  EXPECT_EQ(read_checkpoint(run / "set-aside-1" / kLastCheckpoint)->position.epoch, 4);
  EXPECT_TRUE(fs::exists(run / "set-aside-1/epoch-0003.safetensors"));
  EXPECT_FALSE(fs::exists(run / "epoch-0003.safetensors"));

  ASSERT_TRUE(resume());
  expect_equal_runs(dir_ / "whole", run);
  EXPECT_TRUE(equal(read_checkpoint(kept_checkpoint(run, 3))->network,
                    read_checkpoint(kept_checkpoint(dir_ / "whole", 3))->network));
}

TEST_F(ResumeTest, GoesOnOnlyFromWholeStatesOfTheSameRun) {
  config_.schedule.epochs = 1;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const fs::path first = config_.out;
  config_.out = (dir_ / "other").string();
  config_.seed = 5;
  ASSERT_TRUE(train(listener));
  const auto weights = resume_run_from(first, first / kBestCheckpoint, listener, cancel_);
  ASSERT_FALSE(weights);
  EXPECT_EQ(weights.error().code, ErrorCode::model_incompatible);
  const auto other = resume_run_from(first, fs::path(config_.out) / kLastCheckpoint, listener, cancel_);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("another run"), std::string::npos);
  EXPECT_FALSE(fs::exists(first / "set-aside-1"));
}

TEST_F(ResumeTest, StatesAreSavedEveryFewStepsOrMinutes) {
  config_.checkpoint_every = 100;
  config_.checkpoint_steps = 3;
  Listener listener(cancel_);
  std::vector<std::int64_t> saved;
  listener.at_step = [&](std::size_t) {
    saved.push_back(read_checkpoint(dir_ / "run/last.safetensors")->position.step);
  };
  ASSERT_TRUE(train(listener));
  // Four steps an epoch; the state after step n is saved once step n has been reported.
  EXPECT_EQ(saved, (std::vector<std::int64_t>{0, 0, 0, 3, 3, 3, 2, 2, 2, 1, 1, 1}));

  config_.out = (dir_ / "minutes").string();
  config_.checkpoint_steps = 0;
  config_.checkpoint_minutes = 1e-9;
  saved.clear();
  listener.at_step = [&](std::size_t) {
    saved.push_back(read_checkpoint(dir_ / "minutes/last.safetensors")->position.step);
  };
  ASSERT_TRUE(train(listener));
  EXPECT_EQ(saved, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3}));
}

TEST_F(ResumeTest, StepsAreLoggedAtTheirInterval) {
  config_.log_every = 5;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const auto lines = lines_of(dir_ / "run/steps.jsonl");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1]["step"], 10);
  EXPECT_EQ(lines[1]["epoch"], 3);
  EXPECT_EQ(lines[1]["epoch_step"], 2);
  EXPECT_EQ(lines[1]["loss"], listener.losses[9]);
  config_.log_every = 0;
  config_.out = (dir_ / "silent").string();
  ASSERT_TRUE(train(listener));
  EXPECT_EQ(text_of(dir_ / "silent/steps.jsonl"), "");
}

// Files may not grow beyond a limit for a scope, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : former_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &former_);
    const rlimit now{bytes, former_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &former_);
    std::signal(SIGXFSZ, former_handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit former_{};
  void (*former_handler_)(int);
};

TEST_F(ResumeTest, AFullDiskStopsTheRunAndLosesNothing) {
  const fs::path whole = whole_run(), run = config_.out;
  Listener listener(cancel_);
  std::optional<FullDisk> full;
  std::string state;
  listener.at_step = [&](std::size_t steps) {
    if (steps != 6) return;
    state = text_of(run / kLastCheckpoint);
    full.emplace(20'000);
  };
  const auto cut = train(listener);
  full.reset();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::file_unwritable);
  for (const char* part : {"writing failed", "last good state", "last.safetensors (after epoch 1, step 0)", "resume"})
    EXPECT_NE(cut.error().message.find(part), std::string::npos) << cut.error().message;
  EXPECT_EQ(text_of(run / kLastCheckpoint), state);
  for (const auto& entry : fs::directory_iterator(run))
    EXPECT_EQ(entry.path().string().find(".tmp-"), std::string::npos) << entry.path();
  const auto resumed = resume();
  ASSERT_TRUE(resumed) << resumed.error().message;
  expect_equal_runs(whole, run);
}

TEST_F(ResumeTest, AnUnreadableCropStopsTheRunAndIsNamed) {
  config_.data.cache_mib = 0;
  const fs::path whole = whole_run(), crop = dir_ / "crops/train7.bmp", hidden = dir_ / "crops/hidden";
  Listener listener(cancel_);
  listener.at_step = [&](std::size_t steps) {
    if (steps == 4) fs::rename(crop, hidden);
  };
  const auto cut = train(listener);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::file_not_found);
  for (const char* part : {"epoch 2, step ", "train7.bmp", "last.safetensors (after epoch 1, step 0)"})
    EXPECT_NE(cut.error().message.find(part), std::string::npos) << cut.error().message;
  fs::rename(hidden, crop);
  ASSERT_TRUE(resume());
  expect_equal_runs(whole, config_.out);
}

TEST_F(ResumeTest, AnUnreadableCropOfTheValidationIsNamedToo) {
  config_.data.cache_mib = 0;
  Listener listener(cancel_);
  listener.at_step = [&](std::size_t steps) {
    if (steps == 1) fs::remove(dir_ / "crops/val3.bmp");
  };
  const auto cut = train(listener);
  ASSERT_FALSE(cut);
  for (const char* part : {"validation of epoch 1", "val3.bmp", "last.safetensors (after epoch 0, step 0)"})
    EXPECT_NE(cut.error().message.find(part), std::string::npos) << cut.error().message;
}

TEST_F(ResumeTest, AStopDuringValidationIsExactToo) {
  const fs::path whole = whole_run();
  CancelFlag stop;
  Listener listener(stop, 4);  // the last step of the first epoch
  const auto cut = start_run(config_, listener, stop);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, ErrorCode::cancelled);
  const auto last = read_checkpoint(fs::path(config_.out) / kLastCheckpoint);
  EXPECT_EQ(last->position.epoch, 0);
  EXPECT_EQ(last->position.step, 4);
  ASSERT_TRUE(resume());
  expect_equal_runs(whole, config_.out);
}

// A scale at the end of f32's range grows over it again and again, so that steps are skipped at known places; where the
// run is cut the scale stands between two of them.
TEST_F(ResumeTest, TheLossScaleIsResumedToo) {
  config_.loss_scale = {.when = ScaleWhen::always, .start = 0x1p126, .growth_steps = 2};
  config_.ema = 0.9;
  const fs::path whole = whole_run();
  ASSERT_EQ(lines_of(whole / "metrics.jsonl").size(), 3U);
  std::vector<bool> skipped;
  for (const nlohmann::json& line : lines_of(whole / "steps.jsonl")) skipped.push_back(line["skipped"]);
  EXPECT_GE(std::ranges::count(skipped, true), 2);
  EXPECT_GE(std::ranges::count(skipped, false), 6);
  EXPECT_EQ(lines_of(whole / "metrics.jsonl")[0]["skipped_steps"],
            std::count(skipped.begin(), skipped.begin() + 4, true));
  CancelFlag stop;
  Listener listener(stop, 7);
  ASSERT_FALSE(start_run(config_, listener, stop));
  const auto last = read_checkpoint(fs::path(config_.out) / kLastCheckpoint);
  ASSERT_TRUE(last && last->loss_scale);
  EXPECT_NE(*last->loss_scale, (LossScaleState{0x1p126, 0}));
  ASSERT_TRUE(resume());
  expect_equal_runs(whole, config_.out);
  EXPECT_EQ(read_checkpoint(whole / kLastCheckpoint)->loss_scale,
            read_checkpoint(fs::path(config_.out) / kLastCheckpoint)->loss_scale);
}

TEST_F(ResumeTest, AScaleThatFitsChangesNothing) {
  config_.schedule.epochs = 1;
  const fs::path plain = whole_run();
  config_.loss_scale.when = ScaleWhen::always;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const auto a = read_checkpoint(plain / kLastCheckpoint), b = read_checkpoint(dir_ / "run" / kLastCheckpoint);
  EXPECT_TRUE(equal(a->network, b->network));
  EXPECT_TRUE(equal(a->optimizer, b->optimizer));
  EXPECT_EQ(b->loss_scale, (LossScaleState{65536, 4}));
  EXPECT_FALSE(a->loss_scale);
}

TEST_F(ResumeTest, Fp16OnAProcessorIsAnotherPrecisionAndSaysSo) {
  config_.schedule.epochs = 1;
  config_.compute = Compute::f16;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const std::string instead = has_fast_bf16() ? "bf16" : "f32";
  EXPECT_NE(listener.notes.find("trained in " + instead + " instead"), std::string::npos) << listener.notes;
  EXPECT_EQ(nlohmann::json::parse(text_of(dir_ / "run/config.json"))["compute"], instead);
  EXPECT_FALSE(read_checkpoint(dir_ / "run" / kLastCheckpoint)->loss_scale);
}

TEST_F(ResumeTest, NcclJoinsNoProcessors) {
  config_.rank_backend = RankBackend::nccl;
  Listener listener(cancel_);
  const auto refused = train(listener);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::usage);
  EXPECT_NE(refused.error().message.find("the device is cpu"), std::string::npos) << refused.error().message;
  EXPECT_FALSE(fs::exists(config_.out));
}

TEST_F(ResumeTest, TheCommandGoesBackToAKeptEpoch) {
  config_.schedule.epochs = 2;
  config_.keep_every = 1;
  Listener listener(cancel_);
  ASSERT_TRUE(train(listener));
  const auto call = [&](const std::vector<std::string>& argv) {
    std::ostringstream out, err;
    const int status = cli_train::run(argv, {out, err}, cancel_);
    return std::pair(status, err.str());
  };
  const auto [status, text] = call({"resume", config_.out, "--from", "1"});
  EXPECT_EQ(status, 0) << text;
  EXPECT_NE(text.find("resuming after epoch 1, step 0"), std::string::npos) << text;
  EXPECT_EQ(call({"resume", config_.out, "--from", "9"}).first, 3);
  EXPECT_EQ(call({"resume", config_.out, "--from", config_.out + "/best.safetensors"}).first, 5);
}

}  // namespace
}  // namespace dfa::test
