// `dfa prepare` in-process: folders of samples to crops, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "cli/commands/prepare.hpp"
#include "cli_run.hpp"
#include "dataset/manifest.hpp"
#include "dataset/pack.hpp"
#include "model/model.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using test::run_dfa;
using test::TempDir;
using testing::HasSubstr;

void copy_sample(const std::string& sample, const std::filesystem::path& to) {
  std::filesystem::create_directories(to.parent_path());
  std::filesystem::copy_file(test::source_path("samples/" + sample), to);
}

// One real portrait, one forged clip, one clip without a face.
std::filesystem::path made_set(const TempDir& dir) {
  copy_sample("grace_hopper.jpg", dir / "data/real/grace.jpg");
  copy_sample("no_face_mirrors.mp4", dir / "data/real/mirrors.mp4");
  copy_sample("swap_astronaut.mp4", dir / "data/fake/swap.mp4");
  return dir / "data";
}

std::vector<std::string> command(const TempDir& dir, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"prepare",  "folders", (dir / "data").string(), "--out", (dir / "out").string(),
                                    "--frames", "2"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// What was prepared for a model is what `dfa evaluate` takes from it.
TEST(PrepareCommand, CropsForAModelAreOfItsRecipe) {
  TempDir dir;
  made_set(dir);
  const std::string data = (dir / "data").string(), out = (dir / "out").string();
  EXPECT_EQ(run_dfa({"prepare", "folders", data, "--out", out, "--like", "default", "--recipe", "gend"}).status, 2);
  EXPECT_EQ(run_dfa({"prepare", "folders", data, "--out", out, "--like", (dir / "none.dfa").string()}).status, 5);
  const auto ran = run_dfa({"prepare", "folders", data, "--out", out, "--like", "default", "--quiet"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const auto manifest = read_manifest(dir / "out/manifest.jsonl");
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->crop_sha256, crop_recipe_hash(embedded_model()->crop));
  const auto scored = run_dfa({"evaluate", "--data", (dir / "out/manifest.jsonl").string(), "--bootstrap", "20"});
  EXPECT_EQ(scored.status, 0) << scored.err;
}

TEST(PrepareCommand, MakesCropsAManifestAndAReport) {
  TempDir dir;
  made_set(dir);
  const auto ran = run_dfa(command(dir, {"--format", "json", "--pack", "--role", "val"}));
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json coverage = json::parse(ran.out);
  EXPECT_EQ(coverage["all"]["items"], 3);
  EXPECT_EQ(coverage["all"]["used"], 2);
  EXPECT_EQ(coverage["missing"][0]["path"], "real/mirrors.mp4");
  EXPECT_EQ(coverage["missing"][0]["outcome"], "no_face");
  const auto manifest = read_manifest(dir / "out/manifest.jsonl");
  ASSERT_TRUE(manifest) << manifest.error().message;
  ASSERT_EQ(manifest->entries.size(), 3u);
  EXPECT_EQ(manifest->entries[0].video, "fake/swap.mp4");
  EXPECT_EQ(manifest->entries[0].label, 1);
  EXPECT_EQ(manifest->entries[0].role, Role::val);
  EXPECT_EQ(manifest->entries[2].label, 0);
  const auto pack = Pack::open(dir / "out/crops.dfapack");
  ASSERT_TRUE(pack) << pack.error().message;
  EXPECT_EQ((*pack)->size(), 3u);
}

TEST(PrepareCommand, OtherSettingsAreRefusedWithTheStatusOfAMismatch) {
  TempDir dir;
  made_set(dir);
  ASSERT_EQ(run_dfa(command(dir)).status, 0);
  const auto again = run_dfa(command(dir, {"--recipe", "sbi"}));
  EXPECT_EQ(again.status, 5);
  EXPECT_THAT(again.err, HasSubstr("crop.name: aligned1.3 before, sbi now"));
}

TEST(PrepareCommand, MistakesOfUsageNameWhatIsKnown) {
  TempDir dir;
  made_set(dir);
  EXPECT_EQ(run_dfa({"prepare", "folders", (dir / "data").string()}).status, 2);
  const auto recipe = run_dfa(command(dir, {"--recipe", "dbf"}));
  EXPECT_EQ(recipe.status, 2);
  EXPECT_THAT(recipe.err, HasSubstr("known: aligned1.3"));
  EXPECT_EQ(run_dfa({"prepare", "folder", (dir / "data").string(), "--out", (dir / "o").string()}).status, 2);
  EXPECT_EQ(run_dfa(command(dir, {"--masks", "maybe"})).status, 2);
  EXPECT_FALSE(std::filesystem::exists(dir / "out"));
}

TEST(PrepareCommand, AFolderThatIsNotThereIsNoInput) {
  TempDir dir;
  EXPECT_EQ(run_dfa(command(dir)).status, 3);
}

TEST(PrepareCommand, TheStatusSaysWhatBecameOfTheItems) {
  Coverage coverage;
  const auto items = [&](ItemOutcome outcome, std::int64_t count) {
    coverage.all.items += count;
    coverage.all.outcomes[static_cast<std::size_t>(outcome)] += count;
  };
  EXPECT_EQ(cli::prepare_exit_status(coverage), cli::ExitStatus::no_input);
  items(ItemOutcome::no_face, 1);
  EXPECT_EQ(cli::prepare_exit_status(coverage), cli::ExitStatus::no_face);
  items(ItemOutcome::used, 1);
  EXPECT_EQ(cli::prepare_exit_status(coverage), cli::ExitStatus::success);
  items(ItemOutcome::unreadable, 1);
  EXPECT_EQ(cli::prepare_exit_status(coverage), cli::ExitStatus::some_failed);
}

}  // namespace
}  // namespace dfa
