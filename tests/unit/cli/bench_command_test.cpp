// `dfa bench` called in this process: what it prints, not how fast it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/commands/bench.hpp"
#include "cli_run.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Quantile, IsLinearBetweenTheValues) {
  EXPECT_DOUBLE_EQ(cli::quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(cli::quantile({4, 1, 3, 2}, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(cli::quantile({4, 1, 3, 2}, 1), 4);
  EXPECT_DOUBLE_EQ(cli::quantile({7}, 0.75), 7);
}

TEST(BenchCommand, JsonHasEveryPassItsStagesAndTheMachine) {
  const Ran ran = run_dfa({"bench", "--config", "tiny", "--batch", "2", "--warmup", "1", "--repeats", "4", "--threads",
                           "1", "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json result = json::parse(ran.out);
  EXPECT_EQ(result["schema"], "dfa.bench/1");
  EXPECT_EQ(result["engine"]["threads"], 1);
  EXPECT_EQ(result["seconds_per_batch"].size(), 4U);
  const std::vector<double> quartiles = result["seconds_per_batch_quartiles"];
  EXPECT_LE(quartiles[0], quartiles[1]);
  EXPECT_LE(quartiles[1], quartiles[2]);
  EXPECT_DOUBLE_EQ(result["images_per_second_median"], 2 / quartiles[1]);
  EXPECT_FALSE(result["machine"]["cpu"].get<std::string>().empty());
  for (const char* stage : {"patch_embed", "spm", "injector", "blocks", "extractor"})
    EXPECT_TRUE(result["stage_seconds_per_batch"].contains(stage)) << stage;
  EXPECT_FALSE(result.contains("step_seconds_per_batch"));
}

TEST(BenchCommand, EnginesAgreeOnWhatTheyCompute) {
  const auto logits = [](const char* engine) -> std::vector<double> {
    const Ran ran = run_dfa(
        {"bench", "--config", "tiny", "--batch", "1", "--repeats", "1", "--engine", engine, "--format", "json"});
    return json::parse(ran.out)["logits_row0"];
  };
  const auto ref = logits("ref"), f32 = logits("f32");
  ASSERT_EQ(ref.size(), 2U);
  ASSERT_EQ(f32.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(ref[i], f32[i], 1e-4);
}

TEST(BenchCommand, TimesAModelFile) {
  const TempDir dir;
  write_tiny_model(dir / "m.dfa");
  const Ran ran = run_dfa({"bench", "--model", (dir / "m.dfa").string(), "--repeats", "1", "--steps"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("images/s"));
  EXPECT_THAT(ran.out, HasSubstr("injector.0"));
}

TEST(BenchCommand, RefusesWhatItCannotDo) {
  EXPECT_EQ(run_dfa({"bench", "--config", "huge"}).status, 2);
  EXPECT_EQ(run_dfa({"bench", "--repeats", "0"}).status, 2);
  EXPECT_EQ(run_dfa({"bench", "--batch", "-1"}).status, 2);
  EXPECT_EQ(run_dfa({"bench", "--model", "/nowhere/m.dfa"}).status, 5);
  CancelFlag cancel;
  cancel.request(2);
  EXPECT_EQ(run_dfa({"bench", "--config", "tiny"}, "", cancel).status, 130);
}

}  // namespace
}  // namespace dfa::test
