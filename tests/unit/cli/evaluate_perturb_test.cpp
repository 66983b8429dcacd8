// `dfa evaluate --perturb` and `--transfer` in this process: prepared samples, end to end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli_run.hpp"
#include "support/made_crops.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void copy_sample(const std::string& sample, const std::filesystem::path& to) {
  std::filesystem::create_directories(to.parent_path());
  std::filesystem::copy_file(source_path("samples/" + sample), to);
}

// A real portrait and a forged clip, prepared, and a model of their crop recipe.
class EvaluatePerturb : public testing::Test {
 protected:
  void SetUp() override {
    copy_sample("astronaut.png", dir_ / "data/real/astronaut.png");
    copy_sample("swap_astronaut.mp4", dir_ / "data/fake/swap.mp4");
    const Ran prepared = run_dfa({"prepare", "folders", (dir_ / "data").string(), "--out", (dir_ / "out").string(),
                                  "--frames", "2", "--landmarks", "none"});
    ASSERT_EQ(prepared.status, 0) << prepared.err;
    write_tiny_model(dir_ / "m.dfa", [](Model& model) {
      model.crop = *crop_recipe_by_name("aligned1.3");
      model.crop.frames = "even:2";
      model.golden.reset();
    });
  }
  Ran evaluate(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {"evaluate", "--model", (dir_ / "m.dfa").string(), "--bootstrap", "20"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv);
  }
  Ran perturb(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {"--data", (dir_ / "out/manifest.jsonl").string(), "--format", "json"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return evaluate(argv);
  }
  const TempDir dir_;
};

json table_of(const json& report, const std::string& key) {
  return report["tables"][key];
}

// The row in which `column` says `word`, as an object.
json row_of(const json& table, const std::string& code, const std::string& level) {
  for (const json& row : table["rows"])
    if (row["code"] == code && row["level"] == level) return row;
  return nullptr;
}

TEST_F(EvaluatePerturb, ScoresEveryCodeAndLevelFromTheFramesUp) {
  const Ran ran = perturb({"--perturb", "deeperforensics", "--codes", "GB,JPEG", "--levels", "1,5", "--perturb-metrics",
                           "auc,brier", "--out", (dir_ / "report").string()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json report = json::parse(ran.out);
  const json table = table_of(report, "robustness");
  ASSERT_EQ(table["rows"].size(), 1 + 2 * (2 + 2) + 2u);
  EXPECT_THAT(row_of(table, "JPEG", "5")["what"], HasSubstr("pixelation"));
  EXPECT_EQ(row_of(table, "GB", "5")["parameter"], "k = 21");
  EXPECT_EQ(row_of(table, "GB", "1")["crops_scored"], 3);
  const json clean = row_of(table, "clean", "0"), mean = row_of(table, "GB", "mean");
  EXPECT_EQ(clean["video_auc"]["value"], report["video"]["auc"]["value"]);
  EXPECT_NEAR(clean["frame_brier"]["value"], report["frame"]["brier"]["value"].get<double>(), 1e-6);
  const double first = row_of(table, "GB", "1")["video_brier"]["value"],
               second = row_of(table, "GB", "5")["video_brier"]["value"];
  EXPECT_NE(first, second);
  EXPECT_NEAR(mean["video_brier"]["value"], (first + second) / 2, 1e-12);
  EXPECT_NEAR(row_of(table, "GB", "drop")["video_brier"]["value"],
              (first + second) / 2 - clean["video_brier"]["value"].get<double>(), 1e-12);
  EXPECT_EQ(report["card"]["recut_check"], "3 of 3 clean crops, cut again from the sources, equal the stored ones");
  const Ran again = run_dfa({"evaluate", "--from", (dir_ / "report/perturbed/GB_5.csv").string(), "--format", "json"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_NEAR(json::parse(again.out)["video"]["brier"]["value"], second, 1e-12);
}

TEST_F(EvaluatePerturb, SourcesThatMovedOrAreGoneAreSaid) {
  const std::vector<std::string> blur = {"--perturb", "deeperforensics", "--codes", "GB", "--levels", "1"};
  std::filesystem::rename(dir_ / "data", dir_ / "moved");
  const Ran moved = perturb(blur);
  EXPECT_EQ(moved.status, 3);
  EXPECT_THAT(moved.err, HasSubstr("--sources DIR"));
  std::filesystem::remove(dir_ / "moved/fake/swap.mp4");
  std::vector<std::string> named = blur;
  named.insert(named.end(), {"--sources", (dir_ / "moved").string()});
  const Ran ran = perturb(named);
  EXPECT_EQ(ran.status, 6) << ran.err;
  const json row = row_of(table_of(json::parse(ran.out), "robustness"), "GB", "1");
  EXPECT_EQ(row["crops_scored"], 1);
  EXPECT_EQ(row["crops_without_score"], "decode_error 2");
  EXPECT_EQ(row["video_auc"]["value"], nullptr);
  EXPECT_THAT(row["video_auc"]["undefined"], HasSubstr("no fake"));
}

// Through noise of this strength the detector finds hardly a face.
TEST_F(EvaluatePerturb, AFaceThatIsNotFoundAgainIsCounted) {
  const Ran ran = perturb({"--perturb", "deeperforensics", "--codes", "GNC", "--levels", "5", "--redetect"});
  const json report = json::parse(ran.out);
  const json row = row_of(table_of(report, "robustness"), "GNC", "5");
  EXPECT_EQ(row["crops"], 3);
  EXPECT_LT(row["crops_scored"], 3);
  EXPECT_NE(row["crops_without_score"], "-");
  EXPECT_THAT(report["card"]["perturbed_geometry"], HasSubstr("found again"));
  EXPECT_EQ(row_of(table_of(report, "robustness"), "clean", "0")["crops_scored"], 3);
}

TEST_F(EvaluatePerturb, ASignalStopsIt) {
  CancelFlag cancel;
  cancel.request(SIGTERM);
  const Ran ran = run_dfa({"evaluate", "--model", (dir_ / "m.dfa").string(), "--data",
                           (dir_ / "out/manifest.jsonl").string(), "--perturb", "messenger"},
                          "", cancel);
  EXPECT_EQ(ran.status, 143);
  EXPECT_EQ(ran.out, "");
}

TEST_F(EvaluatePerturb, WhatDoesNotFitTogetherIsRefused) {
  EXPECT_EQ(perturb({"--codes", "GB"}).status, 2);
  EXPECT_EQ(perturb({"--perturb-seed", "1"}).status, 2);
  EXPECT_EQ(perturb({"--perturb-metrics", "eer"}).status, 2);
  EXPECT_EQ(perturb({"--perturb", "recompress", "--on-crops", "--sources", "data"}).status, 2);
  EXPECT_EQ(perturb({"--perturb", "blur"}).status, 2);
  EXPECT_EQ(perturb({"--perturb", "deeperforensics", "--codes", "PHOTO"}).status, 2);
  EXPECT_EQ(perturb({"--perturb", "deeperforensics", "--levels", "6"}).status, 2);
  EXPECT_EQ(perturb({"--perturb", "gend", "--redetect"}).status, 2);
  EXPECT_EQ(perturb({"--perturb", "gend", "--perturb-metrics", "auk"}).status, 2);
  write_bytes(dir_ / "s.csv", "path,label,p_fake\na,0,0.1\nb,1,0.9\n");
  EXPECT_EQ(evaluate({"--from", (dir_ / "s.csv").string(), "--perturb", "gend"}).status, 2);
}

// Crops that no `dfa prepare` made: nothing says which frames they are of.
class EvaluatePerturbedCrops : public testing::Test {
 protected:
  std::filesystem::path crops(const std::string& folder) const {
    std::filesystem::create_directories(dir_ / folder);
    return write_made_crops(dir_ / folder, made_);
  }
  Ran evaluate(const std::vector<std::string>& arguments) const {
    write_tiny_model(dir_ / "m.dfa", [&](Model& tiny) {
      tiny.crop = made_recipe(made_);
      tiny.golden.reset();
    });
    std::vector<std::string> argv = {"evaluate",    "--model", (dir_ / "m.dfa").string(), "--format", "json",
                                     "--bootstrap", "20"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv);
  }
  const TempDir dir_;
  const MadeCrops made_{};
};

TEST_F(EvaluatePerturbedCrops, NeedGendOrOnCrops) {
  const std::string manifest = crops("one").string();
  const Ran refused = evaluate({"--data", manifest, "--perturb", "recompress"});
  EXPECT_NE(refused.status, 0);
  EXPECT_THAT(refused.err, HasSubstr("--on-crops"));
  EXPECT_THAT(refused.err, HasSubstr("--perturb gend"));
  const Ran gend = evaluate({"--data", manifest, "--perturb", "gend", "--codes", "RESIZE,NOISE", "--levels", "1-6"});
  ASSERT_EQ(gend.status, 0) << gend.err;
  const json swept = json::parse(gend.out);
  EXPECT_EQ(table_of(swept, "robustness")["rows"].size(), 1 + 2 * (6 + 2) + 2u);
  EXPECT_TRUE(swept["stamps"].empty());
  const Ran forced = evaluate({"--data", manifest, "--perturb", "recompress", "--codes", "H264", "--on-crops"});
  ASSERT_EQ(forced.status, 0) << forced.err;
  EXPECT_THAT(json::parse(forced.out)["stamps"][0], HasSubstr("--on-crops"));
}

TEST_F(EvaluatePerturbedCrops, TransferComparesWhatBothSidesHave) {
  const std::string here = crops("one").string(), there = crops("two").string();
  const Ran ran = evaluate({"--data", here, "--transfer", there});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json table = table_of(json::parse(ran.out), "transfer");
  ASSERT_EQ(table["rows"].size(), 5u);
  EXPECT_EQ(table["rows"][4]["side"], "drop");
  EXPECT_EQ(table["rows"][4]["videos"], 4);
  EXPECT_EQ(table["rows"][4]["frame_auc"]["value"], 0.0);
  EXPECT_EQ(table["rows"][4]["frame_auc"]["high"], 0.0);
}

}  // namespace
}  // namespace dfa::test
