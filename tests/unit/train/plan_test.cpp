#include "train/plan/run_plan.hpp"

#include <fstream>
#include <sstream>

#include "base/machine.hpp"
#include "cli_train/run.hpp"
#include "unit/train/run_fixture.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

class PlanTest : public RunTest {
 protected:
  Result<RunPlan> plan(const RunPlanOptions& options = {.steps = 2}) {
    Listener listener(cancel_);
    return plan_run(config_, options, listener, cancel_);
  }
};

TEST_F(PlanTest, CountsWhatTheRunWouldDo) {
  config_.ema = 0.9;
  const auto made = plan();
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_FALSE(made->made_crops);
  EXPECT_EQ(made->time.steps, 4);
  EXPECT_EQ(made->time.epochs, 3);
  EXPECT_NEAR(made->time.run_seconds, made->time.first_epoch_seconds + 2 * made->time.epoch_seconds, 1e-9);
  std::int64_t trained = 0, frozen = 0;
  for (const GroupPlan& group : made->groups) trained += group.trained, frozen += group.frozen;
  EXPECT_EQ(trained, made->trained);
  EXPECT_EQ(frozen, made->frozen);
  const ParameterCounts counts = count_parameters(config_.network);
  EXPECT_EQ(trained + frozen, counts.trunk + counts.adapters);

  const MemoryPlan& memory = made->memory;
  constexpr double kMib = 1024.0 * 1024.0;
  EXPECT_NEAR(memory.gradients, static_cast<double>(trained) * 4 / kMib, 1e-9);
  EXPECT_NEAR(memory.optimizer, 2 * memory.gradients, 0.01);  // AdamW: two momenta, a counter a tensor
  EXPECT_GE(memory.average, memory.gradients);
  EXPECT_NEAR(memory.crop_cache, (24 + 8) * 3.0 * 48 * 48 / kMib, 1e-9);
  EXPECT_GT(memory.peak, memory.weights + memory.gradients + memory.optimizer);
  EXPECT_NEAR(memory.peak, peak_memory_mib(), 1.0);  // every crop was decoded: nothing to add
  EXPECT_FALSE(std::filesystem::exists(config_.out));
}

TEST_F(PlanTest, WorksWithoutItsData) {
  config_.data.manifest = (dir_ / "absent.jsonl").string();
  const auto unknown = plan();
  ASSERT_TRUE(unknown) << unknown.error().message;
  EXPECT_TRUE(unknown->made_crops);
  EXPECT_EQ(unknown->time.steps, 0);
  EXPECT_NE(plan_text(*unknown).find("--crops"), std::string::npos);
  EXPECT_TRUE(nlohmann::json::parse(plan_json(*unknown))["seconds"]["run"].is_null());
  const auto known = plan({.steps = 2, .crops = 605});
  ASSERT_TRUE(known);
  EXPECT_EQ(known->time.steps, 100);
  EXPECT_GT(known->time.run_seconds, known->time.epoch_seconds);
}

TEST_F(PlanTest, TheCommandPrintsATableOrJson) {
  write_bytes(dir_ / "config.json", run_config_json(config_));
  const auto call = [&](std::vector<std::string> argv) {
    std::ostringstream out, err;
    const int status = cli_train::run(argv, {out, err}, cancel_);
    return std::pair(status, out.str());
  };
  const auto [status, json] =
      call({"plan", (dir_ / "config.json").string(), "--json", "--steps", "2", "--set", "batch=4"});
  EXPECT_EQ(status, 0);
  EXPECT_EQ(nlohmann::json::parse(json)["steps_an_epoch"], 6);
  const auto [again, table] = call({"plan", (dir_ / "config.json").string(), "--steps", "2"});
  EXPECT_EQ(again, 0);
  for (const char* part : {"interaction", "peak memory", "a step", "the run"})
    EXPECT_NE(table.find(part), std::string::npos) << table;
  EXPECT_EQ(call({"plan", (dir_ / "config.json").string(), "--steps", "1"}).first, 2);
}

}  // namespace
}  // namespace dfa::test
