// `dfa bench` called in this process: what it prints, not how fast it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/commands/bench_facts.hpp"
#include "cli_run.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path) << text;
  return path.string();
}

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
  EXPECT_GT(result["footprint_bytes"]["weights"], 0);
  EXPECT_GT(result["footprint_bytes"]["workspace"], 0);
}

TEST(BenchCommand, InstancesShareWeightsAndCountTogether) {
  const auto run = [](const char* instances) {
    return json::parse(run_dfa({"bench", "--config", "tiny", "--batch", "2", "--warmup", "0", "--repeats", "2",
                                "--threads", "2", "--instances", instances, "--format", "json"})
                           .out);
  };
  const json one = run("1"), two = run("2");
  EXPECT_DOUBLE_EQ(two["images_per_second_median"], 4 / two["seconds_per_batch_quartiles"][1].get<double>());
  EXPECT_EQ(two["footprint_bytes"]["weights"], one["footprint_bytes"]["weights"]);
  EXPECT_GT(two["footprint_bytes"]["workspace"], one["footprint_bytes"]["workspace"]);
  EXPECT_EQ(two["logits"], one["logits"]);
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

TEST(BenchCommand, SaysWhichKernelEachStepGot) {
  const Ran ran =
      run_dfa({"bench", "--config", "tiny", "--batch", "1", "--repeats", "1", "--steps", "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json result = json::parse(ran.out);
  for (const auto& [step, seconds] : result["step_seconds_per_batch"].items())
    EXPECT_TRUE(result["step_kernels"].contains(step)) << step;
  EXPECT_THAT(result["step_kernels"]["blocks/0.qkv"], HasSubstr("linear,17x48x144,f32,"));
  EXPECT_EQ(result["logits"][0], result["logits_row0"]);
}

TEST(BenchCommand, TimesTheKernelsOfAShapeFile) {
  const TempDir dir;
  const std::string file = write_text(dir / "k.shapes",
                                      "# a comment\n\nlinear 5 24 17  # another\nlinear 3 8 4 gelu\r\n"
                                      "linear\t3 8 4 add\nattention 2 3 5 7 8");
  const Ran ran = run_dfa({"bench", "--kernels", file, "--engine", "f32", "--warmup", "0", "--repeats", "3",
                           "--threads", "1", "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json kernels = json::parse(ran.out)["kernels"];
  ASSERT_EQ(kernels.size(), 4U);
  EXPECT_EQ(kernels[0]["op"], "linear");
  EXPECT_EQ(kernels[0]["shape"], "5x24x17");
  EXPECT_EQ(kernels[0]["operations"], 2 * 5 * 24 * 17);
  EXPECT_EQ(kernels[0]["seconds"].size(), 3U);
  EXPECT_FALSE(kernels[0]["kernel"].get<std::string>().empty());
  EXPECT_EQ(kernels[3]["op"], "attention");
  EXPECT_EQ(kernels[3]["shape"], "2x3x5x7x8");
  EXPECT_EQ(kernels[3]["operations"], 4 * 2 * 3 * 5 * 7 * 8);
  EXPECT_THAT(run_dfa({"bench", "--kernels", file, "--repeats", "1"}).out, HasSubstr("GFLOP/s"));
}

TEST(BenchCommand, NamesTheLineOfAShapeThatIsNone) {
  const TempDir dir;
  for (const char* line : {"linear 1 2", "linear 1 2 0", "linear 1 2 3x", "linear 1 2 3 tanh", "linear 1 2 3 add add",
                           "attention 1 1 1 1", "attention 1 1 1 1 1 1", "conv 1 2 3", "linear 1 2 99999999999",
                           "linear -1 2 3", "linear 1 10000000 10000000"}) {
    const std::string file = write_text(dir / "k.shapes", std::string("linear 1 2 3\n") + line + "\n");
    const Ran ran = run_dfa({"bench", "--kernels", file});
    EXPECT_NE(ran.status, 0) << line;
    EXPECT_THAT(ran.err, HasSubstr("line 2")) << line;
  }
  EXPECT_THAT(run_dfa({"bench", "--kernels", write_text(dir / "k.shapes", "# nothing\n")}).err,
              HasSubstr("no shape in it"));
}

TEST(BenchCommand, TimesTheWholeWayOfAPicture) {
  const std::string picture = source_path("samples/astronaut.png").string();
  const Ran ran = run_dfa({"bench", "--video", picture, "--warmup", "0", "--repeats", "2", "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json video = json::parse(ran.out)["video"];
  EXPECT_EQ(video["whole_seconds"].size(), 2U);
  EXPECT_EQ(video["outcome"], "scored");
  EXPECT_EQ(video["faces_used"], 1);
  for (const char* stage : {"open", "detect", "crop", "score"})
    EXPECT_GT(video["busy_seconds_by_stage"].value(stage, 0.0), 0) << stage;
}

TEST(BenchCommand, RefusesWhatItCannotDo) {
  EXPECT_EQ(run_dfa({"bench", "--config", "huge"}).status, 2);
  EXPECT_EQ(run_dfa({"bench", "--repeats", "0"}).status, 2);
  EXPECT_EQ(run_dfa({"bench", "--batch", "-1"}).status, 2);
  EXPECT_EQ(run_dfa({"bench", "--model", "/nowhere/m.dfa"}).status, 5);
  EXPECT_EQ(run_dfa({"bench", "--kernels", "/nowhere/k.shapes", "--batch", "2"}).status, 2);
  EXPECT_NE(run_dfa({"bench", "--kernels", "/nowhere/k.shapes"}).status, 0);
  EXPECT_NE(run_dfa({"bench", "--video", "/nowhere/v.mp4", "--repeats", "1"}).status, 0);
  EXPECT_EQ(run_dfa({"bench", "--frames", "8"}).status, 2);
  CancelFlag cancel;
  cancel.request(2);
  EXPECT_EQ(run_dfa({"bench", "--config", "tiny"}, "", cancel).status, 130);
}

}  // namespace
}  // namespace dfa::test
