// Training by real processes on 127.0.0.1: what two ranks come to, and how they end when one of them does.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/nets/init.hpp"
#include "unit/train/rank_threads.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLimit{120};  // for a test that goes wrong, on a machine that is busy
constexpr milliseconds kLook{20};

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// dfa-train in a process of its own; its output goes to a file.
class Process {
 public:
  Process(std::vector<std::string> argv, std::vector<std::pair<std::string, std::string>> environment,
          std::filesystem::path log)
      : log_(std::move(log)) {
    argv.insert(argv.begin(), DFA_TRAIN_PROGRAM);
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    std::vector<std::string> settings;
    for (char** setting = environ; *setting != nullptr; ++setting) settings.emplace_back(*setting);
    for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
    std::vector<char*> settings_of_child;
    for (std::string& setting : settings) settings_of_child.push_back(setting.data());
    settings_of_child.push_back(nullptr);
    const int file = open(log_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    child_ = fork();  // nothing but system calls between here and exec: torch's threads may hold any lock
    if (child_ == 0) {
      dup2(file, STDOUT_FILENO);
      dup2(file, STDERR_FILENO);
      execve(DFA_TRAIN_PROGRAM, words.data(), settings_of_child.data());
      _exit(127);
    }
    close(file);
  }
  ~Process() {
    if (running()) end_with(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const { kill(child_, signal); }
  void end_with(int signal) {
    send(signal);
    wait();
  }
  bool running() {
    if (!ended_) ended_ = waitpid(child_, &status_, WNOHANG) == child_;
    return !ended_;
  }
  // The exit status; 128 + n after signal n, -1 when it had to be killed for taking too long.
  int wait() {
    const Clock::time_point deadline = Clock::now() + kLimit;
    while (running() && Clock::now() < deadline) std::this_thread::sleep_for(kLook);
    if (!ended_) {
      kill(child_, SIGKILL);
      waitpid(child_, &status_, 0);
      ended_ = true;
      return -1;
    }
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }
  std::string said() const { return text_of(log_); }

 private:
  std::filesystem::path log_;
  pid_t child_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

bool equal_tensors(const TensorMap& a, const TensorMap& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a)
    if (!b.contains(name) || !std::ranges::equal(tensor.bytes, b.at(name).bytes)) return false;
  return true;
}

class RankProcessTest : public testing::Test {
 protected:
  RankProcessTest() {
    config_.network = small_config();
    config_.network.depth = 3;
    config_.network.stages = {{0, 0}, {1, 1}, {2, 2}};
    config_.tuning = all_groups();
    config_.crop = made_recipe(made_);
    config_.data.manifest = write_made_crops(dir_.path(), made_).string();
    config_.augment.flip = 0.5;
    config_.schedule = {.peak = 0.02, .floor = 0, .epochs = 3, .warmup_epochs = 1};
    config_.rate = 0.02;
    config_.rate_unit = RateUnit::absolute;
    config_.batch = 8;
    config_.eval_batch = 3;
    config_.threads = 1;
    config_.rank_timeout_s = 30;
  }

  std::filesystem::path write_config(const std::string& name) {
    config_.out = (dir_ / name).string();
    write_bytes(dir_ / (name + ".json"), run_config_json(config_));
    return dir_ / (name + ".json");
  }
  // Two ranks of one command.
  std::vector<std::unique_ptr<Process>> pair(const std::vector<std::string>& argv,
                                             const std::vector<std::string>& second_too = {}) {
    std::vector<std::unique_ptr<Process>> ranks;
    const std::string port = std::to_string(free_port());
    for (const std::string rank : {"0", "1"}) {
      std::vector<std::string> words = argv;
      if (rank == "1") words.insert(words.end(), second_too.begin(), second_too.end());
      ranks.push_back(std::make_unique<Process>(
          words,
          std::vector<std::pair<std::string, std::string>>{
              {"RANK", rank}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", port}},
          dir_ / ("log" + rank)));
    }
    return ranks;
  }
  void run_pair(const std::vector<std::string>& argv) {
    for (const auto& rank : pair(argv)) EXPECT_EQ(rank->wait(), 0) << rank->said();
  }
  Checkpoint last_of(const std::string& name) {
    auto checkpoint = read_checkpoint(dir_ / name / kLastCheckpoint);
    if (!checkpoint) throw std::runtime_error(checkpoint.error().message);
    return std::move(*checkpoint);
  }
  void expect_equal_ends(const std::string& one, const std::string& other) {
    const Checkpoint a = last_of(one), b = last_of(other);
    EXPECT_TRUE(equal_tensors(a.network, b.network));
    EXPECT_TRUE(equal_tensors(a.optimizer, b.optimizer));
    EXPECT_TRUE(equal_tensors(a.average, b.average));
    EXPECT_EQ(a.position.best_auc, b.position.best_auc);
    EXPECT_EQ(a.position.epoch, b.position.epoch);
  }
  // An endless run of two ranks that has written its first epoch.
  std::vector<std::unique_ptr<Process>> pair_at_work(const std::string& name) {
    config_.schedule.epochs = 100000;
    auto ranks = pair({"run", write_config(name).string()});
    wait_for_epoch(name, *ranks[0]);
    return ranks;
  }
  void wait_for_epoch(const std::string& name, Process& process) {
    const auto epochs = [&] {
      const auto checkpoint = read_checkpoint(dir_ / name / kLastCheckpoint);
      return checkpoint ? checkpoint->position.epoch : 0;
    };
    while (process.running() && epochs() < 1) std::this_thread::sleep_for(kLook);
    ASSERT_TRUE(process.running()) << process.said();
  }

  const TempDir dir_;
  const MadeCrops made_{.side = 48, .train = 26, .val = 8, .test = 2};
  RunConfig config_;
};

// The norm over all tensors of the difference; counters must be equal.
double distance(const TensorMap& a, const TensorMap& b) {
  double sum = 0;
  for (const auto& [name, tensor] : a) {
    const double share = relative_difference(tensor, b.at(name));
    if (tensor.dtype == Dtype::i64)
      EXPECT_EQ(share, 0) << name;
    else
      sum += std::pow(share * norm_of(b.at(name)), 2);
  }
  return std::sqrt(sum);
}

// Same crops, same statistics, same mean gradient: what is left is the order of f32 sums, 2^-24 = 6e-8 each, and what
// the steps make of it.
TEST_F(RankProcessTest, TwoRanksComeToWhatOneProcessComesTo) {
  struct Case {
    std::int64_t epochs;  // of 3 steps
    int accumulate;
    double tolerance;
  };
  for (const Case& c : {Case{1, 1, 1e-5}, Case{4, 2, 1e-4}}) {
    config_.schedule.epochs = c.epochs;
    config_.accumulate = c.accumulate;
    const std::string one = fmt::format("one{}", c.epochs), two = fmt::format("two{}", c.epochs);
    Process alone({"run", write_config(one).string()}, {}, dir_ / "log");
    EXPECT_EQ(alone.wait(), 0) << alone.said();
    run_pair({"run", write_config(two).string()});
    const Checkpoint a = last_of(one), b = last_of(two);
    TensorMap start = init_weights(config_.network, config_.seed);
    std::erase_if(start, [](const auto& item) { return item.second.dtype == Dtype::i64; });
    const double way = distance(start, a.network);
    ASSERT_GT(way, 0.1);
    const double difference = distance(b.network, a.network) / way;
    std::printf("after %lld steps: %.2e of the way of %.2f from the first weights\n",
                static_cast<long long>(3 * c.epochs), difference, way);
    EXPECT_LE(difference, c.tolerance);
    EXPECT_EQ(a.position.history.size(), b.position.history.size());
    EXPECT_NEAR(a.position.best_auc, b.position.best_auc, 1e-9);
  }
}

TEST_F(RankProcessTest, OnlyRankZeroReportsAndWrites) {
  config_.schedule.epochs = 2;
  config_.accumulate = 2;
  config_.ema = 0.9;
  config_.head_statistics = HeadStatistics::rank;
  const auto ranks = pair({"run", write_config("run").string()});
  for (const auto& rank : ranks) EXPECT_EQ(rank->wait(), 0) << rank->said();
  EXPECT_NE(ranks[0]->said().find("2 ranks, 2 crops each"), std::string::npos) << ranks[0]->said();
  EXPECT_NE(ranks[0]->said().find("\"epochs\":2"), std::string::npos);
  EXPECT_EQ(ranks[1]->said(), "");
  const std::string metrics = text_of(dir_ / "run/metrics.jsonl");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 2);
}

// A signal to one rank stops both; both go on to the bits of the run that nobody stopped, and so they do from a state
// that was kept.
TEST_F(RankProcessTest, ResumeIsExact) {
  config_.schedule.epochs = 8;
  config_.keep_every = 6;
  config_.accumulate = 2;
  config_.ema = 0.9;
  config_.head_statistics = HeadStatistics::rank;
  run_pair({"run", write_config("whole").string()});
  auto cut = pair({"run", write_config("cut").string()});
  wait_for_epoch("cut", *cut[0]);
  cut[1]->send(SIGTERM);
  for (const auto& rank : cut) EXPECT_EQ(rank->wait(), 128 + SIGTERM) << rank->said();
  EXPECT_LT(last_of("cut").position.epoch, 8);
  run_pair({"resume", (dir_ / "cut").string()});
  expect_equal_ends("whole", "cut");
  run_pair({"resume", (dir_ / "cut").string(), "--from", "6"});
  EXPECT_EQ(read_checkpoint(dir_ / "cut/set-aside-1" / kLastCheckpoint)->position.epoch, 8);
  expect_equal_ends("whole", "cut");
}

TEST_F(RankProcessTest, RanksGoOnFromOneState) {
  config_.schedule.epochs = 2;
  config_.keep_every = 1;
  run_pair({"run", write_config("run").string()});
  std::filesystem::copy_file(dir_ / "run/epoch-0001.safetensors", dir_ / "other.safetensors");
  const auto ranks = pair({"resume", (dir_ / "run").string()}, {"--from", (dir_ / "other.safetensors").string()});
  for (const auto& rank : ranks) {
    EXPECT_EQ(rank->wait(), 2) << rank->said();
    EXPECT_NE(rank->said().find("rank 1 has another state to go on from"), std::string::npos) << rank->said();
  }
  EXPECT_EQ(last_of("run").position.epoch, 2);
}

class LostRankTest : public RankProcessTest, public testing::WithParamInterface<int> {};

TEST_P(LostRankTest, AKilledRankEndsTheRun) {
  config_.rank_timeout_s = 10;
  const auto ranks = pair_at_work("run");
  ranks[static_cast<std::size_t>(GetParam())]->end_with(SIGKILL);
  Process& left = *ranks[static_cast<std::size_t>(1 - GetParam())];
  EXPECT_EQ(left.wait(), 7) << left.said();
  EXPECT_NE(left.said().find(fmt::format("rank {} died or was stopped", GetParam())), std::string::npos) << left.said();
  EXPECT_GE(last_of("run").position.epoch, 1);  // whole, as it was written
}

TEST_P(LostRankTest, AStoppedRankEndsTheRunInTime) {
  config_.rank_timeout_s = 8;
  const auto ranks = pair_at_work("run");
  Process& stopped = *ranks[static_cast<std::size_t>(GetParam())];
  stopped.send(SIGSTOP);
  const Clock::time_point begin = Clock::now();
  Process& left = *ranks[static_cast<std::size_t>(1 - GetParam())];
  EXPECT_EQ(left.wait(), 7) << left.said();
  // Eight seconds where the machine is idle; the bound is for one that does five things beside this.
  EXPECT_LT(Clock::now() - begin, seconds(5 * config_.rank_timeout_s));
  EXPECT_NE(left.said().find(fmt::format("rank {} died or was stopped", GetParam())), std::string::npos) << left.said();
  stopped.end_with(SIGKILL);
  EXPECT_GE(last_of("run").position.epoch, 1);
}
INSTANTIATE_TEST_SUITE_P(Each, LostRankTest, testing::Values(0, 1));

TEST_F(RankProcessTest, ADamagedCropStopsBothWithItsName) {
  write_bytes(dir_ / "crops/train3.bmp", "BM, and nothing else");
  const auto ranks = pair({"run", write_config("run").string()});
  int told = 0;
  for (const auto& rank : ranks) {
    EXPECT_EQ(rank->wait(), 3) << rank->said();
    EXPECT_NE(rank->said().find("train3.bmp"), std::string::npos) << rank->said();
    told += rank->said().find("dfa-train: rank ") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(told, 1);                           // the other found it itself
  EXPECT_EQ(last_of("run").position.epoch, 0);  // the first weights, as they were
}

TEST_F(RankProcessTest, RanksMustAgreeOnWhatTheyTrain) {
  const auto ranks = pair({"run", write_config("run").string()}, {"--set", "seed=1"});
  for (const auto& rank : ranks) {
    EXPECT_EQ(rank->wait(), 2) << rank->said();
    EXPECT_NE(rank->said().find("rank 1 has another configuration"), std::string::npos) << rank->said();
  }
}

TEST_F(RankProcessTest, HalfAnEnvironmentIsRefused) {
  Process process({"run", write_config("run").string()}, {{"RANK", "0"}, {"WORLD_SIZE", "2"}}, dir_ / "log");
  EXPECT_EQ(process.wait(), 2);
  EXPECT_NE(process.said().find("not MASTER_ADDR, MASTER_PORT"), std::string::npos) << process.said();
}

}  // namespace
}  // namespace dfa::test
