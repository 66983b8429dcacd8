// What the released code does wrong and what this program does instead: the table of the method's page (3.2), a test a
// row, under both recipes. They read what a run leaves behind: its configuration, its deviations, its metrics.
#include "train/config/recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "eval/evaluation.hpp"
#include "eval/score_crops.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "train/export/export_model.hpp"
#include "train/loop/checkpoint.hpp"
#include "train/loop/train_run.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Quiet : public RunObserver {
 public:
  void note(LogLevel, const std::string& message) override { notes += message + "\n"; }
  void on_step(const StepReport&) override { ++steps; }
  void on_epoch(const std::string& line) override { epochs.push_back(json::parse(line)); }
  std::string notes;
  int steps = 0;
  std::vector<json> epochs;
};

// A short run under each recipe, of which every row reads the record.
struct Record {
  RunConfig config;
  json resolved;                        // config.json of the run folder
  std::vector<std::string> deviations;  // of the checkpoint
  std::string notes;
  std::vector<json> epochs;
  int steps = 0;
  std::filesystem::path folder;
};

constexpr const char* kSmall =
    R"({"network": {"image": 64, "dim": 48, "depth": 6, "heads": 3, "lsa_heads": 6, "mlp": 192, "bottleneck": 8,
        "spm_width": 16, "stages": [[0, 1], [2, 3], [4, 5]]}, "batch": 5, "eval_batch": 4, "threads": 1})";

Record run_of(const std::string& recipe, const std::filesystem::path& folder) {
  const MadeCrops made;
  Record record;
  record.folder = folder / recipe;
  std::filesystem::create_directories(folder / ("crops-" + recipe));
  const std::string manifest = write_made_crops(folder / ("crops-" + recipe), made).string();
  const std::vector<std::string> set = {"recipe=" + recipe, "data.manifest=" + manifest,
                                        "out=" + record.folder.string(), "schedule.epochs=2",
                                        "schedule.warmup_epochs=1"};
  auto config = parse_run_config(kSmall, "test", set);
  if (!config) throw std::runtime_error(config.error().message);
  config->crop = made_recipe(made);
  Quiet observer;
  const auto summary = start_run(*config, observer, {});
  if (!summary) throw std::runtime_error(summary.error().message);
  record.config = *config;
  std::ifstream file(record.folder / "config.json");
  record.resolved = json::parse(file);
  record.deviations = deviations_of(read_checkpoint(record.folder / "last.safetensors").value().config);
  record.notes = observer.notes;
  record.epochs = observer.epochs;
  record.steps = observer.steps;
  return record;
}

class RecipeTable : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    honest_ = new Record(run_of("default", dir_->path()));
    official_ = new Record(run_of("official", dir_->path()));
  }
  static void TearDownTestSuite() {
    delete honest_;
    delete official_;
    delete dir_;
  }
  static inline TempDir* dir_ = nullptr;
  static inline Record* honest_ = nullptr;
  static inline Record* official_ = nullptr;
};

TEST_F(RecipeTable, Row1_TheTestSplitChoosesUnderOfficialAloneAndThatIsStamped) {
  EXPECT_EQ(honest_->resolved["select_on"], "val");
  EXPECT_EQ(official_->resolved["select_on"], "test");
  EXPECT_THAT(honest_->notes, HasSubstr("; val: 4 real, 4 fake"));
  EXPECT_THAT(official_->notes, HasSubstr("; test: 2 real, 2 fake"));
  EXPECT_THAT(honest_->deviations, IsEmpty());
  EXPECT_THAT(official_->deviations, Contains(HasSubstr("selected on test")));
  EXPECT_THAT(official_->notes, HasSubstr("selected on test"));
  const auto refused = parse_run_config(kSmall, "test", std::vector<std::string>{"select_on=test"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("select_on"), HasSubstr("official")));
}

TEST_F(RecipeTable, Row1_TheModelFileCarriesTheStamp) {
  for (const Record* record : {honest_, official_}) {
    ExportOptions options;
    options.license = "none";
    const auto model = export_model(record->folder, record->folder / "m.dfa", options);
    ASSERT_TRUE(model) << model.error().message;
    const json training = json::parse(model->training);
    EXPECT_EQ(training["deviations"], record->deviations);
    EXPECT_EQ(training["selected_on"], record == official_ ? "test" : "val");
  }
}

TEST_F(RecipeTable, Row2_TheReadOutIsToken0) {
  EXPECT_EQ(honest_->resolved["network"]["readout"], "token0");
  EXPECT_EQ(official_->resolved["network"]["readout"], "token0");
}

TEST_F(RecipeTable, Row3_ThroughTheFrozenNorm) {
  EXPECT_EQ(honest_->resolved["network"]["readout_norm"], "trunk");
  EXPECT_EQ(official_->resolved["network"]["readout_norm"], "trunk");
}

TEST_F(RecipeTable, Row4_DecayOnNormsAndBiasesUnderOfficialAlone) {
  EXPECT_EQ(honest_->resolved["optimizer"]["decay"], "matrices_only");
  EXPECT_EQ(official_->resolved["optimizer"]["decay"], "all");
  EXPECT_THAT(official_->deviations, Contains(HasSubstr("weight decay")));
}

TEST_F(RecipeTable, Row5_TheStandardSetOrTheFlipAlone) {
  EXPECT_EQ(honest_->resolved["augment"]["set"], "standard");
  EXPECT_GT(honest_->resolved["augment"]["jpeg"]["p"].get<double>(), 0);
  EXPECT_EQ(official_->resolved["augment"]["set"], "none");
  for (const auto& [key, value] : official_->resolved["augment"].items()) {
    if (value.is_object()) {
      EXPECT_EQ(value["p"], 0) << key;
    }
  }
  EXPECT_EQ(official_->resolved["augment"]["flip"], 0.5);
  EXPECT_THAT(official_->deviations, Contains(HasSubstr("flipping")));
}

TEST_F(RecipeTable, Row6_WhatIsNotUsedIsAnError) {
  for (const std::string recipe : {"default", "official"})
    for (const std::string dead : {"w_size=8", "h_size=14", "test_dataset_name=CelebDF", "label_smoothin=0.01"}) {
      const auto config = parse_run_config(kSmall, "test", std::vector<std::string>{"recipe=" + recipe, dead});
      ASSERT_FALSE(config) << dead;
      EXPECT_THAT(config.error().message, HasSubstr("unknown key"));
    }
}

// Row 7, evaluation by frame and video, is that of `dfa evaluate`; row 9, the definition of EER, belongs to it too.

// What `dfa evaluate` says of the run's model on the crops of `role`.
Evaluation evaluation_of(const Record& record, Role role) {
  const auto model = export_model(record.folder, record.folder / "evaluated.dfa", {});
  if (!model) throw std::runtime_error(model.error().message);
  const auto scores = score_crops(*model, record.config.data.manifest, role, {}, CancelFlag());
  if (!scores) throw std::runtime_error(scores.error().message);
  EvaluationOptions options;
  options.bootstrap.rounds = 20;
  return evaluate_scores(*score_table_of(*scores), options).value();
}

TEST_F(RecipeTable, Row7_EveryFigureIsComputedAtBothLevelsOrSaysWhyNot) {
  for (const Record* record : {honest_, official_}) {
    const Evaluation evaluation = evaluation_of(*record, Role::test);
    for (const LevelFigures* level : {&evaluation.all.frame, &evaluation.all.video}) {
      EXPECT_EQ(level->reals, 2U);
      EXPECT_EQ(level->fakes, 2U);
      for (const MetricInfo& metric : metric_registry())
        EXPECT_TRUE(level->of(metric.id).interval || !level->of(metric.id).undefined.empty()) << metric.name;
      for (const Metric metric : {Metric::auc, Metric::eer, Metric::accuracy})
        EXPECT_TRUE(level->of(metric).interval) << metric_info(metric).name;
    }
  }
}

TEST_F(RecipeTable, Row9_TheInterpolatedEqualErrorRateStandsFirstAndTheOtherHasItsOwnName) {
  EXPECT_THAT(std::string(metric_info(Metric::eer).definition), HasSubstr("interpolated"));
  EXPECT_THAT(std::string(metric_info(Metric::eer_nearest).definition), HasSubstr("vertex"));
  for (const Record* record : {honest_, official_}) {
    const LevelFigures figures = evaluation_of(*record, Role::train).all.frame;
    ASSERT_TRUE(figures.of(Metric::eer).interval);
    ASSERT_TRUE(figures.of(Metric::eer_nearest).interval);
  }
  // FPR and FNR of the vertices: (0, 1), (0, 1/3), (1/2, 1/3), (1/2, 0), (1, 0)
  const std::vector<double> p_fake = {.1, .6, .5, .7, .8};
  const std::vector<int> labels = {0, 0, 1, 1, 1};
  EXPECT_DOUBLE_EQ(*measure(Metric::eer, p_fake, labels).value, 1.0 / 3);
  EXPECT_DOUBLE_EQ(*measure(Metric::eer_nearest, p_fake, labels).value, 0.5);
}

TEST_F(RecipeTable, Row8_OneFolderHoldsTheRun) {
  for (const Record* record : {honest_, official_})
    for (const char* name : {"config.json", "metrics.jsonl", "last.safetensors", "best.safetensors"})
      EXPECT_TRUE(std::filesystem::exists(record->folder / name)) << name;
}

TEST_F(RecipeTable, Row10_ValidationIsF32AndThePrecisionIsSaid) {
  EXPECT_EQ(honest_->resolved["compute"], "f32");
  EXPECT_THAT(official_->deviations, Contains(AllOf(HasSubstr("fp16"), HasSubstr("evaluated in f32"))));
  EXPECT_THAT(official_->deviations,
              Contains(HasSubstr("trained in " + official_->resolved["compute"].get<std::string>())));
}

// Row 11, resuming and non-finite losses: RunTest and the kill tests.

TEST_F(RecipeTable, Row12_TheIncompleteLastBatchIsDropped) {
  for (const Record* record : {honest_, official_}) {
    EXPECT_EQ(record->epochs[0]["steps"], 24 / 5);
    EXPECT_EQ(record->steps, 2 * (24 / 5));
  }
}

TEST_F(RecipeTable, Row13_WhatLearnsIsNamedCountedAndSaid) {
  for (const Record* record : {honest_, official_}) {
    EXPECT_EQ(record->resolved["tuning"], "gba+lsa");
    const TrainedCounts counts = count_trained(record->config.network, record->config.tuning);
    EXPECT_THAT(record->notes, HasSubstr(counts_text(counts)));
  }
}

TEST_F(RecipeTable, Row14_TheHeadSeesTheWholeBatchOrEachDevicesOwn) {
  EXPECT_EQ(honest_->resolved["head_statistics"], "whole");
  EXPECT_EQ(official_->resolved["head_statistics"], "rank");
  EXPECT_THAT(official_->deviations, Contains(HasSubstr("each normalises the head's input by its own")));
}

TEST_F(RecipeTable, Row15_TheAdapterAloneCanBeWritten) {
  for (const Record* record : {honest_, official_})
    EXPECT_EQ(read_checkpoint(record->folder / "best.safetensors").value().trunk_sha256.size(), 64U);
}

TEST_F(RecipeTable, Row16_TheSeedIsInTheRecord) {
  EXPECT_EQ(official_->resolved["seed"], 777);
  EXPECT_TRUE(honest_->resolved["seed"].is_number_unsigned());
}

TEST(RecipeRun, EachComesToAFallingLoss) {
  for (const std::string recipe : {"default", "official"}) {
    const TempDir dir;
    const MadeCrops made;
    const std::string manifest = write_made_crops(dir.path(), made).string();
    auto config = parse_run_config(
        kSmall, "test",
        std::vector<std::string>{"recipe=" + recipe, "data.manifest=" + manifest, "batch=12",
                                 "out=" + (dir / "run").string(), "schedule.epochs=24", "schedule.warmup_epochs=2"});
    ASSERT_TRUE(config) << config.error().message;
    config->crop = made_recipe(made);
    Quiet observer;
    ASSERT_TRUE(start_run(*config, observer, {}));
    ASSERT_EQ(observer.epochs.size(), 24U);
    EXPECT_LT(observer.epochs.back()["train_loss"].get<double>(),
              0.9 * observer.epochs.front()["train_loss"].get<double>())
        << recipe;
  }
}

// 3.1, each item.
TEST(OfficialRecipe, IsThePublishedOne) {
  const auto config = parse_run_config("{}", "test", std::vector<std::string>{"recipe=official"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->optimizer.rule, Rule::sgd);
  EXPECT_EQ(config->optimizer.momentum, 0.9);
  EXPECT_EQ(config->optimizer.weight_decay, 1e-4);
  EXPECT_EQ(config->optimizer.clip_norm, 0);
  EXPECT_DOUBLE_EQ(config->schedule.peak, 0.025);
  EXPECT_EQ(config->schedule.epochs, 100);
  EXPECT_EQ(config->schedule.warmup_epochs, 15);
  EXPECT_EQ(config->schedule.floor, 0);
  EXPECT_EQ(config->batch, 64);
  EXPECT_EQ(config->eval_batch, 128);
  EXPECT_EQ(config->network.image, 224);
  EXPECT_EQ(config->data.sampling, Sampling::shuffle);
  EXPECT_EQ(config->ema, 0);
  EXPECT_EQ(config->seed, 777U);
  EXPECT_EQ(learning_rate(config->schedule, 0, 0, 10), 0);
}

TEST(OfficialRecipe, SingleSettingsCountOverIt) {
  const auto config =
      parse_run_config("{}", "test", std::vector<std::string>{"optimizer.decay=matrices_only", "recipe=official"});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(deviations_of(*config), Not(Contains(HasSubstr("weight decay"))));
  EXPECT_FALSE(parse_run_config("{}", "test", std::vector<std::string>{"recipe=sloppy"}));
}

}  // namespace
}  // namespace dfa::test
