#include <gtest/gtest.h>

#include <map>
#include <mutex>

#include "base/machine.hpp"
#include "train/devices/rank_backend.hpp"
#include "train/devices/shares.hpp"
#include "unit/train/rank_threads.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kPatient{30};
constexpr milliseconds kImpatient{2000};

using Variables = std::map<std::string, std::string>;

Result<RankEnvironment> read(const Variables& variables) {
  return read_rank_environment([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

std::string complaint(const Variables& variables) {
  const auto environment = read(variables);
  EXPECT_FALSE(environment);
  if (environment) return "";
  EXPECT_EQ(environment.error().code, ErrorCode::usage);
  return environment.error().message;
}

const Variables kSecondOfTwo = {
    {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "29500"}};

Variables changed(const std::string& name, const std::string& value) {
  Variables variables = kSecondOfTwo;
  variables[name] = value;
  return variables;
}

TEST(RankEnvironment, NothingSetIsOneProcess) {
  const auto environment = read({});
  ASSERT_TRUE(environment);
  EXPECT_EQ(environment->size, 1);
}

TEST(RankEnvironment, ReadsTorchrunsVariables) {
  const auto plain = read(kSecondOfTwo);
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->rank, 1);
  EXPECT_EQ(plain->size, 2);
  EXPECT_EQ(plain->local_rank, 1);
  EXPECT_EQ(plain->port, 29500);
  EXPECT_EQ(plain->store_host, StoreHost::rank_zero);
  Variables launched = changed("LOCAL_RANK", "0");
  launched["LOCAL_WORLD_SIZE"] = "1";
  launched["TORCHELASTIC_USE_AGENT_STORE"] = "True";
  launched["TORCHELASTIC_RESTART_COUNT"] = "3";
  const auto environment = read(launched);
  ASSERT_TRUE(environment) << environment.error().message;
  EXPECT_EQ(environment->local_rank, 0);
  EXPECT_EQ(environment->store_host, StoreHost::launcher);
  EXPECT_EQ(environment->store_prefix, "/worker/attempt_3");
}

// Everything that torchrun 2.15 sets for the second of two processes.
TEST(RankEnvironment, ReadsAllThatTorchrunSets) {
  const auto environment = read({{"GROUP_RANK", "0"},
                                 {"GROUP_WORLD_SIZE", "1"},
                                 {"LOCAL_RANK", "1"},
                                 {"LOCAL_WORLD_SIZE", "2"},
                                 {"MASTER_ADDR", "localhost"},
                                 {"MASTER_PORT", "41511"},
                                 {"OMP_NUM_THREADS", "1"},
                                 {"RANK", "1"},
                                 {"ROLE_NAME", "default"},
                                 {"ROLE_RANK", "1"},
                                 {"ROLE_WORLD_SIZE", "2"},
                                 {"TORCHELASTIC_ERROR_FILE", "/tmp/attempt_0/1/error.json"},
                                 {"TORCHELASTIC_MAX_RESTARTS", "0"},
                                 {"TORCHELASTIC_RESTART_COUNT", "0"},
                                 {"TORCHELASTIC_RUN_ID", "b56fa586"},
                                 {"TORCHELASTIC_SIGNALS_TO_HANDLE", "SIGTERM,SIGINT,SIGHUP,SIGQUIT"},
                                 {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                                 {"TORCH_NCCL_ASYNC_ERROR_HANDLING", "1"},
                                 {"WORLD_SIZE", "2"}});
  ASSERT_TRUE(environment) << environment.error().message;
  EXPECT_EQ(environment->rank, 1);
  EXPECT_EQ(environment->local_rank, 1);
  EXPECT_EQ(environment->size, 2);
  EXPECT_EQ(environment->address, "localhost");
  EXPECT_EQ(environment->port, 41511);
  EXPECT_EQ(environment->store_host, StoreHost::launcher);
  EXPECT_EQ(environment->store_prefix, "/worker/attempt_0");
}

TEST(RankEnvironment, ContradictionsNameTheVariables) {
  const std::string partly = complaint({{"RANK", "0"}, {"MASTER_ADDR", "a"}});
  EXPECT_NE(partly.find("RANK, MASTER_ADDR set, but not WORLD_SIZE, MASTER_PORT"), std::string::npos) << partly;
  EXPECT_NE(complaint({{"LOCAL_RANK", "0"}}).find("LOCAL_RANK set, but not RANK"), std::string::npos);
  EXPECT_NE(complaint(changed("RANK", "2")).find("RANK is 2 and WORLD_SIZE 2"), std::string::npos);
  EXPECT_NE(complaint(changed("RANK", "1x")).find("RANK is \"1x\""), std::string::npos);
  EXPECT_NE(complaint(changed("WORLD_SIZE", "0")).find("WORLD_SIZE is \"0\""), std::string::npos);
  EXPECT_NE(complaint(changed("MASTER_PORT", "70000")).find("MASTER_PORT"), std::string::npos);
  EXPECT_NE(complaint(changed("MASTER_ADDR", "")).find("MASTER_ADDR"), std::string::npos);
  EXPECT_NE(complaint(changed("LOCAL_RANK", "2")).find("LOCAL_RANK is 2 and RANK 1"), std::string::npos);
  EXPECT_NE(complaint(changed("LOCAL_WORLD_SIZE", "1")).find("LOCAL_WORLD_SIZE 1"), std::string::npos);
}

TEST(RankGroup, OneProcessIsAGroup) {
  const auto group = RankGroup::join({}, kImpatient);
  ASSERT_TRUE(group);
  std::vector<float> values = {1, 2};
  EXPECT_TRUE((*group)->sum(values));
  EXPECT_EQ(values, (std::vector<float>{1, 2}));
  EXPECT_EQ(*(*group)->gather("me"), (std::vector<std::string>{"me"}));
}

TEST(RankGroup, ThreeRanksMeet) {
  as_ranks(3, kPatient, [](RankGroup& group) {
    const float mine = static_cast<float>(group.rank() + 1);
    std::vector<float> sums = {mine, 10 * mine};
    ASSERT_TRUE(group.sum(sums));
    EXPECT_EQ(sums, (std::vector<float>{6, 60}));
    std::vector<double> wide = {0.5 * mine};
    ASSERT_TRUE(group.sum(wide));
    EXPECT_EQ(wide, std::vector<double>{3});
    std::vector<float> first = {mine};
    ASSERT_TRUE(group.broadcast(first));
    EXPECT_EQ(first, std::vector<float>{1});
    const auto gathered = group.gather(std::string(static_cast<std::size_t>(group.rank()), 'x'));
    ASSERT_TRUE(gathered);
    EXPECT_EQ(*gathered, (std::vector<std::string>{"", "x", "xx"}));
    EXPECT_TRUE(*agree_any(group, group.rank() == 2));
    EXPECT_FALSE(*agree_any(group, false));
    EXPECT_TRUE(agree_equal(group, "word", "same"));
    const auto differ = agree_equal(group, "word", group.rank() == 1 ? "other" : "same");
    ASSERT_FALSE(differ);
    EXPECT_NE(differ.error().message.find("rank 1 has another word"), std::string::npos);
  });
}

// Who fails says why, and everybody stops with it.
TEST(RankGroup, AFailureReachesTheOthers) {
  for (const int failing : {0, 1, 2})
    as_ranks(3, kPatient, [failing](RankGroup& group) {
      if (group.rank() == failing) {
        const Error told = group.leave({ErrorCode::media_corrupt, "crops/7.png is damaged"});
        EXPECT_EQ(told.message, "crops/7.png is damaged");
        return;
      }
      std::vector<double> values = {1};
      const Status met = group.sum(values);
      ASSERT_FALSE(met);
      EXPECT_EQ(met.error().code, ErrorCode::media_corrupt);
      EXPECT_EQ(met.error().message, fmt::format("rank {}: crops/7.png is damaged", failing));
      // What follows from it on this rank does not hide it.
      EXPECT_EQ(group.leave({ErrorCode::internal, "x"}).message, met.error().message);
      EXPECT_FALSE(group.sum(values));
    });
}

TEST(RankGroup, ARankThatDoesNotComeToAMeetingIsNamed) {
  as_ranks(3, kImpatient, [](RankGroup& group) {
    std::vector<double> values = {1};
    if (group.rank() == 1) {
      std::this_thread::sleep_for(kImpatient * 3 / 2);
      return;
    }
    const Status met = group.sum(values);
    ASSERT_FALSE(met);
    EXPECT_EQ(met.error().code, ErrorCode::rank_lost);
    EXPECT_NE(met.error().message.find("rank 1 hangs"), std::string::npos) << met.error().message;
  });
}

TEST(RankGroup, ARankThatIsMissingFromTheStartIsNamed) {
  std::vector<RankEnvironment> environments = loopback_ranks(3);
  std::vector<std::thread> threads;
  for (const int rank : {0, 2})
    threads.emplace_back([environment = environments[static_cast<std::size_t>(rank)]] {
      const auto group = RankGroup::join(environment, kImpatient);
      ASSERT_FALSE(group);
      EXPECT_EQ(group.error().code, ErrorCode::rank_lost);
      // Rank 0 may have given up, and its store with it, just before rank 2 asks it who is missing.
      const bool named = group.error().message.find("rank 1 did not come") != std::string::npos;
      EXPECT_TRUE(named || environment.rank == 2) << group.error().message;
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(RankGroup, RankZeroThatIsMissingIsNamed) {
  const auto group = RankGroup::join(loopback_ranks(2)[1], kImpatient);
  ASSERT_FALSE(group);
  EXPECT_EQ(group.error().code, ErrorCode::rank_lost);
  EXPECT_NE(group.error().message.find("rank 0 was not at 127.0.0.1"), std::string::npos) << group.error().message;
}

// Takes ranks to have GPUs, which nobody asks to do anything.
class WithDevices : public RankGroup {
 public:
  explicit WithDevices(RankGroup& host) : host_(host) {}
  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  Status sum(std::span<float> values) override { return host_.sum(values); }
  Status sum(std::span<double> values) override { return host_.sum(values); }
  Status broadcast(std::span<float> values) override { return host_.broadcast(values); }
  Result<std::vector<std::string>> gather(std::string_view bytes) override { return host_.gather(bytes); }
  Error leave(Error error) override { return host_.leave(std::move(error)); }
  bool meets_on_device() const override { return met_; }
  Status meet_on_device(const Device&) override { return met_ = true, Status(); }

 private:
  RankGroup& host_;
  bool met_ = false;
};

std::optional<std::string> has_nccl() {
  return std::nullopt;
}

TEST(RankBackend, ADeviceForEachRankMeetsOverNccl) {
  as_ranks(2, kPatient, [](RankGroup& host) {
    const Device own{DeviceKind::cuda, host.rank()}, shared{DeviceKind::cuda, 0};
    for (const RankBackend wish : {RankBackend::automatic, RankBackend::nccl}) {
      WithDevices group(host);
      const auto said = choose_rank_backend(group, own, wish, has_nccl);
      ASSERT_TRUE(said) << said.error().message;
      EXPECT_EQ(*said, "ranks meet over nccl");
      EXPECT_TRUE(group.meets_on_device());
    }
    WithDevices group(host);
    const auto gloo = choose_rank_backend(group, own, RankBackend::gloo, has_nccl);
    ASSERT_TRUE(gloo);
    EXPECT_NE(gloo->find("gloo"), std::string::npos);
    const auto together = choose_rank_backend(group, shared, RankBackend::automatic, has_nccl);
    ASSERT_TRUE(together);
    EXPECT_NE(together->find("ranks 0 and 1 both have cuda:0"), std::string::npos) << *together;
    const auto refused = choose_rank_backend(group, shared, RankBackend::nccl, has_nccl);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::usage);
    EXPECT_FALSE(group.meets_on_device());
  });
}

TEST(RankBackend, WhatOneRankLacksIsSaidOnAll) {
  as_ranks(2, kPatient, [](RankGroup& host) {
    WithDevices group(host);
    const Device own{DeviceKind::cuda, host.rank()};
    const NcclProbe lacks = [&]() -> std::optional<std::string> {
      if (host.rank() == 0) return std::nullopt;
      return "libnccl.so.2 is not there";
    };
    const auto said = choose_rank_backend(group, own, RankBackend::automatic, lacks);
    ASSERT_TRUE(said) << said.error().message;
    EXPECT_NE(said->find("over gloo, through host memory; no nccl: rank 1: libnccl.so.2"), std::string::npos) << *said;
    const auto refused = choose_rank_backend(group, own, RankBackend::nccl, lacks);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("rank 1: libnccl.so.2"), std::string::npos) << refused.error().message;
    EXPECT_FALSE(group.meets_on_device());
  });
}

TEST(RankBackend, WhatIsMissingIsNamed) {
  const std::optional<std::string> reason = why_no_nccl();
  if (!reason) GTEST_SKIP() << "NVIDIA's libraries are here";
  EXPECT_NE(reason->find("libdfa_nccl.so cannot be loaded: "), std::string::npos) << *reason;
  EXPECT_NE(reason->find("scripts/setup --cuda"), std::string::npos) << *reason;
}

TEST(Shares, ABatchFallsIntoEqualParts) {
  RunConfig config;
  config.batch = 24;
  config.accumulate = 3;
  EXPECT_EQ(*micro_batch_size(config, 1), 8);
  EXPECT_EQ(*micro_batch_size(config, 4), 2);
  const auto uneven = micro_batch_size(config, 5);
  ASSERT_FALSE(uneven);
  EXPECT_NE(uneven.error().message.find("multiple of 15 (ranks 5 x accumulate 3)"), std::string::npos)
      << uneven.error().message;
  EXPECT_NE(uneven.error().message.find("\"batch\" 15 or 30"), std::string::npos) << uneven.error().message;
  EXPECT_EQ(*micro_batch_size(config, 8), 1);  // eight crops a statistic
  config.head_statistics = HeadStatistics::rank;
  EXPECT_FALSE(micro_batch_size(config, 8));
  config.accumulate = 24;
  EXPECT_FALSE(micro_batch_size(config, 1));
}

// Stands for a rank where nobody has to be met.
class Numbered : public RankGroup {
 public:
  Numbered(int rank, int size) : rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Status sum(std::span<float>) override { return {}; }
  Status sum(std::span<double>) override { return {}; }
  Status broadcast(std::span<float>) override { return {}; }
  Result<std::vector<std::string>> gather(std::string_view) override { return std::vector<std::string>(); }
  Error leave(Error error) override { return error; }

 private:
  int rank_, size_;
};

// 26 places, batches of 12 in micro-batches of 6 over three ranks: each micro-batch is one run of the order.
TEST(Shares, TheRanksPartsMakeUpTheMicroBatches) {
  std::vector<std::uint32_t> order(26);
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  const std::vector<Slot> slots = crop_slots(order);
  std::vector<std::vector<Slot>> ranks;
  for (const int rank : {0, 1, 2}) {
    ranks.push_back(slots_of_rank(slots, 12, 2, Numbered(rank, 3)));
    ASSERT_EQ(ranks.back().size(), 8U);  // 24 places; the last two are dropped
  }
  std::vector<Slot> together;
  for (std::size_t micro = 0; micro < 4; ++micro)
    for (const std::vector<Slot>& mine : ranks)
      for (std::size_t i = 0; i < 2; ++i) together.push_back(mine[2 * micro + i]);
  EXPECT_EQ(together, std::vector<Slot>(slots.begin(), slots.begin() + 24));
  EXPECT_EQ(slots_of_rank(slots, 12, 12, Numbered(0, 1)), together);
}

TEST(Shares, EveryPlaceOfASetIsSomeRanks) {
  std::vector<std::uint32_t> first = blocks_of_rank(11, 2, Numbered(0, 2)),
                             second = blocks_of_rank(11, 2, Numbered(1, 2));
  EXPECT_EQ(first, (std::vector<std::uint32_t>{0, 1, 4, 5, 8, 9}));
  EXPECT_EQ(second, (std::vector<std::uint32_t>{2, 3, 6, 7, 10}));
  EXPECT_TRUE(blocks_of_rank(2, 2, Numbered(1, 2)).empty());
}

TEST(Shares, ProcessorsAreShared) {
  as_ranks(2, kPatient, [](RankGroup& group) {
    EXPECT_EQ(*threads_of_rank(group, 3), 3);
    EXPECT_EQ(*threads_of_rank(group, 0), std::max(1, usable_processors() / 2));
  });
}

}  // namespace
}  // namespace dfa::test
