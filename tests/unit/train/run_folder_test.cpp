// What a run folder makes of the moments between two writes.
#include "train/loop/run_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/temp_dir.hpp"
#include "train/loop/append_file.hpp"
#include "train/loop/run_logs.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

class Quiet : public RunObserver {
 public:
  void note(LogLevel, const std::string& message) override { notes += message; }
  void on_step(const StepReport&) override {}
  void on_epoch(const std::string&) override {}
  std::string notes;
};

// A run after `epoch` whose best one was `best`.
Checkpoint state(std::int64_t epoch, std::int64_t best, CheckpointKind kind = CheckpointKind::whole) {
  Checkpoint checkpoint;
  checkpoint.kind = kind;
  checkpoint.position.epoch = epoch;
  checkpoint.position.best_epoch = best;
  checkpoint.position.best_auc = 0.5 + 0.01 * static_cast<double>(best);
  checkpoint.network["epoch"] = Tensor::from_f32({1}, std::vector<float>{static_cast<float>(epoch)});
  return checkpoint;
}

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class RunFolderTest : public testing::Test {
 protected:
  RunFolderTest() { config_.out = (dir_ / "run").string(); }
  std::int64_t best_epoch(const RunFolder& folder) const {
    const auto best = read_checkpoint(folder.best());
    return best ? best->position.epoch : -1;
  }
  const TempDir dir_;
  RunConfig config_;
  Quiet quiet_;
};

TEST_F(RunFolderTest, ABestWaitsForTheLastThatKnowsOfIt) {
  const auto folder = RunFolder::create(config_);
  ASSERT_TRUE(folder) << folder.error().message;
  ASSERT_TRUE(folder->save_best(state(1, 1, CheckpointKind::weights)));
  EXPECT_EQ(best_epoch(*folder), -1);
  ASSERT_TRUE(folder->save_last(state(1, 1)));
  EXPECT_EQ(best_epoch(*folder), 1);
  EXPECT_EQ(read_checkpoint(folder->best())->kind, CheckpointKind::weights);

  // Killed before the last checkpoint of epoch 2: the best of epoch 2 is none yet.
  ASSERT_TRUE(folder->save_best(state(2, 2, CheckpointKind::weights)));
  ASSERT_TRUE(folder->settle(state(1, 1), quiet_));
  EXPECT_EQ(best_epoch(*folder), 1);
  EXPECT_FALSE(std::filesystem::exists(folder->path() / "best.pending.safetensors"));

  // Killed just after it: it is.
  ASSERT_TRUE(folder->save_best(state(2, 2, CheckpointKind::weights)));
  ASSERT_TRUE(save_checkpoint(state(2, 2), folder->last()));
  ASSERT_TRUE(folder->settle(state(2, 2), quiet_));
  EXPECT_EQ(best_epoch(*folder), 2);
  EXPECT_EQ(quiet_.notes, "");
}

TEST_F(RunFolderTest, ALostBestIsSaidAndNotMadeUp) {
  const auto folder = RunFolder::create(config_);
  ASSERT_TRUE(folder);
  ASSERT_TRUE(save_checkpoint(state(5, 5, CheckpointKind::weights), folder->best()));
  ASSERT_TRUE(folder->settle(state(3, 2), quiet_));
  EXPECT_FALSE(std::filesystem::exists(folder->best()));
  EXPECT_NE(quiet_.notes.find("best epoch so far (2)"), std::string::npos);
}

TEST_F(RunFolderTest, SettlingKeepsWhatIsDueAndRemovesHalfFiles) {
  config_.keep_every = 2;
  const auto folder = RunFolder::create(config_);
  ASSERT_TRUE(folder);
  Checkpoint second = state(2, 2);
  second.config = config_;
  second.position.history = {"{\"epoch\":1}", "{\"epoch\":2}"};
  ASSERT_TRUE(folder->save_best(state(2, 2, CheckpointKind::weights)));
  ASSERT_TRUE(folder->save_last(second));
  write_bytes(folder->path() / "last.safetensors.tmp-123-4", "half");
  write_bytes(folder->path() / "metrics.jsonl", "{\"epoch\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n");
  ASSERT_TRUE(folder->settle(second, quiet_));
  EXPECT_FALSE(std::filesystem::exists(folder->path() / "last.safetensors.tmp-123-4"));
  EXPECT_EQ(text_of(folder->path() / "metrics.jsonl"), "{\"epoch\":1}\n{\"epoch\":2}\n");
  EXPECT_EQ(text_of(folder->kept(2)), text_of(folder->last()));
  EXPECT_EQ(text_of(folder->path() / "epoch-0002.best.safetensors"), text_of(folder->best()));
}

TEST_F(RunFolderTest, OneProcessWorksInAFolder) {
  auto folder = RunFolder::create(config_);
  ASSERT_TRUE(folder);
  const auto second = RunFolder::open(config_.out);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::usage);
  EXPECT_NE(second.error().message.find(fmt::format("process {}", getpid())), std::string::npos)
      << second.error().message;
  { const RunFolder gone = std::move(*folder); }
  EXPECT_TRUE(RunFolder::open(config_.out));
  EXPECT_FALSE(RunFolder::open(dir_ / "absent"));
}

TEST_F(RunFolderTest, LogsAreCutBackToTheirMarks) {
  LogMarks marks;
  {
    auto logs = RunLogs::open(dir_.path(), {}, 1);
    ASSERT_TRUE(logs) << logs.error().message;
    ASSERT_TRUE(logs->write_step({0, 0, 4}, {0.5, 1.0, 0.1}, 8, 0.25));
    marks = *logs->mark();
    ASSERT_TRUE(logs->write_step({0, 1, 4}, {0.4, 1.0, 0.1}, 8, 0.25));
  }
  const std::filesystem::path first = dir_ / "tensorboard/events.out.tfevents.000001.dfa-train";
  const std::string before = text_of(dir_ / "steps.jsonl");
  EXPECT_GT(std::filesystem::file_size(first), static_cast<std::uintmax_t>(marks.events_bytes));
  auto logs = RunLogs::open(dir_.path(), marks, 2);
  ASSERT_TRUE(logs);
  EXPECT_EQ(text_of(dir_ / "steps.jsonl"), before.substr(0, static_cast<std::size_t>(marks.steps_bytes)));
  EXPECT_EQ(std::filesystem::file_size(first), static_cast<std::uintmax_t>(marks.events_bytes));
  EXPECT_EQ(logs->mark()->events_file, 2);
}

}  // namespace
}  // namespace dfa::test
