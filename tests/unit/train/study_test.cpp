// Studies: the file, the grid, the table; a 2 x 2 study in real processes, killed in the middle; a cell that fails.
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/hash.hpp"
#include "eval/score_csv.hpp"
#include "json_schema.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "train/study/child_process.hpp"
#include "train/study/study_run.hpp"
#include "train/study/study_table.hpp"
#include "train/study/study_walls.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using nlohmann::json;

constexpr std::chrono::seconds kLimit{120};  // for a test that goes wrong, on a machine that is busy
constexpr std::chrono::milliseconds kLook{5};

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

class StudyTestFixture : public testing::Test {
 protected:
  StudyTestFixture() {
    made_.side = 32;
    made_.train = 8;
    made_.val = 4;
    made_.test = 8;
    const std::string manifest = write_made_crops(dir_.path(), made_).string();
    const json network = {
        {"image", 32}, {"patch", 16},     {"dim", 24},      {"depth", 2},     {"heads", 2},
        {"mlp", 32},   {"bottleneck", 4}, {"lsa_heads", 2}, {"spm_width", 4}, {"stages", {{0, 0}, {1, 1}}}};
    write("config.json",
          {{"network", network},
           {"crop", {{"name", "square1.3-inside"}, {"stored_px", made_.side}}},
           {"data", {{"manifest", manifest}}},
           {"optimizer", {{"rule", "adamw"}}},
           {"schedule", {{"rate", 0.002}, {"rate_unit", "absolute"}, {"epochs", 2}, {"warmup_epochs", 1}}},
           {"batch", 4}});
    study_ = {{"dfa_study", 1},
              {"name", "two by two"},
              {"out", (dir_ / "study").string()},
              {"config", "config.json"},
              {"axes", {{"tuning", {"gba+lsa", "full"}}}},
              {"seeds", {1, 2}},
              {"level", "frame"},
              {"bootstrap", {{"rounds", 50}}}};
  }

  void write(const std::string& name, const json& value) const { std::ofstream(dir_ / name) << value; }

  Result<Study> parse(const json& value) const { return parse_study(value.dump(), "study", dir_.path(), {}); }

  // dfa-train study in a process of its own.
  ChildProcess start(const json& study) const {
    write("study.json", study);
    auto child = ChildProcess::start({DFA_TRAIN_PROGRAM, "study", (dir_ / "study.json").string(), "--jobs", "2",
                                      "--threads", "2", "--format", "json"},
                                     dir_ / "log");
    if (!child) throw std::runtime_error(child.error().message);
    return std::move(*child);
  }

  int finish(ChildProcess child) const {
    for (const auto begin = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - begin < kLimit;) {
      if (const auto status = child.status()) return *status;
      std::this_thread::sleep_for(kLook);
    }
    return -1;
  }

  // The cell's result as if it had been trained: fakes and reals of the test with these scores.
  void finish_cell(const StudyCell& cell, const std::vector<double>& reals, const std::vector<double>& fakes) const {
    ScoreTable scores;
    const auto add = [&](int label, std::size_t i, double p_fake) {
      const std::string path = fmt::format("{}{}.png", label, i), method = label == 0 ? "" : i % 2 == 0 ? "a" : "b";
      ASSERT_TRUE(scores.add({.path = path,
                              .set = "",
                              .method = method,
                              .video = "",
                              .identity = "",
                              .problem = "",
                              .label = label,
                              .p_fake = p_fake,
                              .margin = {},
                              .frame = {}}));
    };
    for (std::size_t i = 0; i < reals.size(); ++i) add(0, i, reals[i]);
    for (std::size_t i = 0; i < fakes.size(); ++i) add(1, i, fakes[i]);
    const std::filesystem::path folder = cell.config.out;
    std::filesystem::create_directories(folder);
    ASSERT_TRUE(write_scores_csv(scores, DroppedInputs::counted, folder / "scores-test.csv"));
    CellRecord record;
    record.definition_sha256 = cell.definition_sha256;
    record.best_val_auc = 0.5 + 0.1 * static_cast<double>(cell.seed);
    record.tests = {{"test", "scores-test.csv", *sha256_file(folder / "scores-test.csv")}};
    ASSERT_TRUE(write_cell_record(folder, record));
  }

  const TempDir dir_;
  MadeCrops made_;
  json study_;
};

TEST_F(StudyTestFixture, FileIsStrict) {
  ASSERT_TRUE(parse(study_)) << parse(study_).error().message;
  const auto refused = [&](const std::string& patch) {
    json changed = study_;
    changed.merge_patch(json::parse(patch));
    const auto study = parse(changed);
    return study ? std::string() : study.error().message;
  };
  EXPECT_NE(refused(R"({"seedz":[1]})").find("did you mean \"seeds\""), std::string::npos);
  EXPECT_NE(refused(R"({"dfa_study":2})").find("expected 1"), std::string::npos);
  EXPECT_NE(refused(R"({"seeds":[]})").find("not empty"), std::string::npos);
  EXPECT_NE(refused(R"({"seeds":[1,1]})").find("once"), std::string::npos);
  EXPECT_NE(refused(R"({"axes":{"seed":[1,2]}})").find("give \"seeds\""), std::string::npos);
  EXPECT_NE(refused(R"({"set":{"select_on":"test"}})").find("role val"), std::string::npos);
  EXPECT_NE(refused(R"({"leave_out":["a"]})").find("at least two"), std::string::npos);
  EXPECT_NE(refused(R"({"tests":[{"name":"t","role":"train"}]})").find("expected test"), std::string::npos);
  EXPECT_NE(refused(R"({"metric":"acu"})").find("auc"), std::string::npos);
  json many = study_;
  for (int i = 0; i < 20'000; ++i) many["seeds"].push_back(10 + i);
  EXPECT_FALSE(parse(many));
  EXPECT_NE(parse_study(R"({"dfa_study":1,"name":"a","name":"b"})", "study", ".", {}).error().message.find("twice"),
            std::string::npos);
}

TEST_F(StudyTestFixture, SchemaKnowsTheFile) {
  const json schema = json::parse(text_of(DFA_STUDY_SCHEMA));
  EXPECT_TRUE(schema_violations(schema, study_).empty());
  EXPECT_TRUE(
      schema_violations(schema, json::parse(text_of(std::string(DFA_CONFIGS_DIR) + "/study-tuning.json"))).empty());
  json odd = study_;
  odd["seedz"] = 1;
  EXPECT_FALSE(schema_violations(schema, odd).empty());
}

TEST_F(StudyTestFixture, GridHasEveryCellOnceUnderANameOfItsOwn) {
  study_["axes"] = json::parse(
      R"({"tuning":["linear","lora:2"],"way":[{"name":"a/b","set":{"batch":2}},{"name":"a_b","set":{"batch":4}}]})");
  study_["set"] = {{"network.gba", false}, {"network.lsa", false}, {"network.readout", "cls"}};
  study_["leave_out"] = {"corner", "edge"};
  const auto study = parse(study_);
  ASSERT_TRUE(study) << study.error().message;
  const auto grid = study_grid(*study);
  ASSERT_TRUE(grid) << grid.error().message;
  EXPECT_EQ(grid->combinations.size(), 4U);
  ASSERT_EQ(grid->cells.size(), 16U);
  std::set<std::string> names;
  for (const StudyCell& cell : grid->cells) names.insert(cell.name);
  EXPECT_EQ(names.size(), 16U);
  EXPECT_EQ(grid->combinations[1].name, "tuning=linear, way=a_b");
  const StudyCell& cell = grid->cells[1];
  EXPECT_EQ(cell.left_out, "edge");
  EXPECT_EQ(cell.config.data.methods, std::vector<std::string>{"corner"});
  EXPECT_EQ(cell.config.seed, 1U);
  EXPECT_EQ(cell.config.batch, 2);
  EXPECT_LT(grid->combinations[0].trained_parameters, grid->combinations[2].trained_parameters);
}

TEST_F(StudyTestFixture, TheExampleIsAStudyThatCanBeRun) {
  const std::vector<std::string> settings = {"data.manifest=" + (dir_ / "manifest.jsonl").string()};
  const auto study = read_study(std::string(DFA_CONFIGS_DIR) + "/study-tuning.json", settings);
  ASSERT_TRUE(study) << study.error().message;
  const auto grid = study_grid(*study);
  ASSERT_TRUE(grid) << grid.error().message;
  EXPECT_EQ(grid->cells.size(), 30U);
}

TEST_F(StudyTestFixture, GridRefusesWhatNoCellCouldRun) {
  study_["axes"] = json::parse(R"({"tuning":["full","fulll"]})");
  EXPECT_FALSE(study_grid(*parse(study_)));
  study_["axes"] = json::object();
  study_["set"] = {{"recipe", "official"}};  // selects on test
  const auto grid = study_grid(*parse(study_));
  ASSERT_FALSE(grid);
  EXPECT_NE(grid.error().message.find("test split"), std::string::npos) << grid.error().message;
}

TEST_F(StudyTestFixture, TableIsOfWhatTheCellsSaid) {
  const auto study = parse(study_);
  const auto grid = study_grid(*study);
  ASSERT_TRUE(grid) << grid.error().message;
  finish_cell(grid->cells[0], {.1, .2}, {.3, .4, .15, .5});  // AUC 7/8; a: 3/4, b: 1
  finish_cell(grid->cells[1], {.1, .2}, {.3, .4, .25, .5});  // 1
  finish_cell(grid->cells[2], {.6, .7}, {.3, .4, .15, .5});  // 0
  const auto table = study_table(*study, *grid, {{"tuning=full,seed=2", 3, "no crop"}});
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->columns, (std::vector<std::string>{"all", "a", "b"}));
  EXPECT_EQ(table->rows[0].finished, 2U);
  EXPECT_DOUBLE_EQ(*table->rows[0].figures[0].mean(), 15.0 / 16);
  EXPECT_DOUBLE_EQ(*table->rows[0].figures[0].deviation(), std::sqrt(2.0) / 16);
  EXPECT_EQ(table->rows[0].figures[1].values, (std::vector<double>{0.75, 1}));
  EXPECT_DOUBLE_EQ(*table->rows[0].validation.mean(), 0.65);
  EXPECT_EQ(table->rows[1].figures[0].values, std::vector<double>{0});
  EXPECT_FALSE(table->rows[1].figures[0].deviation());
  ASSERT_EQ(table->comparisons.size(), 3U);
  EXPECT_EQ(table->comparisons[0].seeds, 1U);  // of the seeds that both have
  EXPECT_DOUBLE_EQ(*table->comparisons[0].difference, 7.0 / 8);
  for (const StudyFormInfo& form : kStudyForms) {
    const std::string text = study_table_text(*table, form.form);
    EXPECT_NE(text.find("gba+lsa"), std::string::npos) << form.name;
    EXPECT_EQ(text.find("nan"), std::string::npos) << form.name;
  }
  const json as_json = json::parse(study_table_text(*table, StudyForm::json));
  EXPECT_EQ(as_json["rows"][1]["figures"]["all"]["deviation"], nullptr);
  EXPECT_EQ(as_json["failures"][0]["cause"], "no crop");
}

TEST_F(StudyTestFixture, ScoresThatWereChangedAreNotTaken) {
  const auto study = parse(study_);
  const auto grid = study_grid(*study);
  ASSERT_TRUE(grid);
  finish_cell(grid->cells[0], {.1, .2}, {.3, .4});
  std::ofstream(std::filesystem::path(grid->cells[0].config.out) / "scores-test.csv", std::ios::app) << "x,1,.9\n";
  EXPECT_FALSE(study_table(*study, *grid, {}));
}

// A person of the training part also stands in the test of another manifest.
TEST_F(StudyTestFixture, WhatTrainedACellIsNoTestOfIt) {
  const auto clean = parse(study_);
  ASSERT_TRUE(clean);
  const auto clean_stamps = study_stamps(*clean, *study_grid(*clean));
  ASSERT_TRUE(clean_stamps) << clean_stamps.error().message;
  EXPECT_TRUE(clean_stamps->empty());

  const auto own = read_manifest(dir_ / "manifest.jsonl");
  ASSERT_TRUE(own) << own.error().message;
  Manifest leaking = *own;
  leaking.entries.clear();
  for (const ManifestEntry& entry : own->entries)
    if (entry.role == Role::train) leaking.entries.push_back(entry);
  for (ManifestEntry& entry : leaking.entries) entry.role = Role::test;
  ASSERT_TRUE(write_manifest(leaking, dir_ / "leaking.jsonl"));
  study_["tests"] = {{{"name", "leak"}, {"data", (dir_ / "leaking.jsonl").string()}}};
  const auto study = parse(study_);
  ASSERT_TRUE(study) << study.error().message;
  const auto grid = study_grid(*study);
  ASSERT_TRUE(grid) << grid.error().message;
  const auto refused = study_stamps(*study, *grid);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("also made the model"), std::string::npos) << refused.error().message;
  EXPECT_EQ(finish(start(study_)), 3) << text_of(dir_ / "log");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "study" / "tuning=full,seed=1"));

  study_["i_know"] = true;
  const auto knowing = parse(study_);
  const auto stamps = study_stamps(*knowing, *study_grid(*knowing));
  ASSERT_TRUE(stamps) << stamps.error().message;
  ASSERT_FALSE(stamps->empty());
  const auto table = study_table(*knowing, *grid, {}, *stamps);
  ASSERT_TRUE(table) << table.error().message;
  for (const StudyFormInfo& form : kStudyForms)
    EXPECT_NE(study_table_text(*table, form.form).find("also made the model"), std::string::npos) << form.name;
}

TEST_F(StudyTestFixture, ATestOnTheValidationPartIsStamped) {
  study_["tests"] = {{{"name", "look"}, {"role", "val"}}};
  const auto study = parse(study_);
  const auto stamps = study_stamps(*study, *study_grid(*study));
  ASSERT_TRUE(stamps) << stamps.error().message;
  ASSERT_EQ(stamps->size(), 1U);
  EXPECT_NE(stamps->front().find("role val"), std::string::npos);
}

TEST(Holm, StepsDown) {
  EXPECT_EQ(holm_corrected({.01, .04, .03, .005}), (std::vector<double>{.03, .06, .06, .02}));
  EXPECT_EQ(holm_corrected({.9, .8}), (std::vector<double>{1, 1}));
}

// Else an orphan would work in a folder that the next study takes.
TEST_F(StudyTestFixture, AChildDoesNotOutliveWhoStartedIt) {
  std::optional<ChildProcess> child;
  std::thread starter([&] {
    auto started = ChildProcess::start({"/bin/sh", "-c", "echo here; exec sleep 100"}, dir_ / "log");
    if (!started) return;
    child.emplace(std::move(*started));
    // Only what runs already hears of the thread's end; a study's thread outlives its children's first line.
    const auto begin = std::chrono::steady_clock::now();
    while (text_of(dir_ / "log").empty() && std::chrono::steady_clock::now() - begin < kLimit)
      std::this_thread::sleep_for(kLook);
  });
  starter.join();
  ASSERT_TRUE(child);
  EXPECT_EQ(finish(std::move(*child)), 128 + SIGKILL);
}

// The table of a study that was killed in the middle and begun again is that of one that was not.
TEST_F(StudyTestFixture, KilledInTheMiddleAndBegunAgainGivesTheSameTable) {
  ASSERT_EQ(finish(start(study_)), 0) << text_of(dir_ / "log");
  const std::string table = text_of(dir_ / "study" / "table.json");
  const json whole = json::parse(table);
  EXPECT_EQ(whole["rows"][1]["figures"]["all"]["values"].size(), 2U);
  EXPECT_EQ(whole["comparisons"].size(), 3U);

  std::filesystem::rename(dir_ / "study", dir_ / "undisturbed");
  const std::filesystem::path first = dir_ / "study" / "tuning=gba+lsa,seed=1";
  {
    ChildProcess killed = start(study_);
    const auto begin = std::chrono::steady_clock::now();
    while (!std::filesystem::exists(first / "last.safetensors") && std::chrono::steady_clock::now() - begin < kLimit)
      std::this_thread::sleep_for(kLook);
    killed.send(SIGKILL);
    EXPECT_EQ(finish(std::move(killed)), 128 + SIGKILL);
  }
  EXPECT_FALSE(std::filesystem::exists(dir_ / "study" / "table.json"));
  ASSERT_EQ(finish(start(study_)), 0) << text_of(dir_ / "log");
  EXPECT_EQ(text_of(dir_ / "study" / "table.json"), table);

  // Once more: nothing is left to do.
  const auto written = std::filesystem::last_write_time(first / "cell.json");
  ASSERT_EQ(finish(start(study_)), 0);
  EXPECT_EQ(std::filesystem::last_write_time(first / "cell.json"), written);
}

TEST_F(StudyTestFixture, AFailingCellIsRecordedAndTheOthersGoOn) {
  study_["seeds"] = {1};
  study_["axes"] =
      json::parse(R"({"data":[{"name":"absent","set":{"data.methods":["nobody"]}},{"name":"all","set":{}}]})");
  EXPECT_EQ(finish(start(study_)), 6) << text_of(dir_ / "log");
  const json table = json::parse(text_of(dir_ / "study" / "table.json"));
  ASSERT_EQ(table["failures"].size(), 1U);
  EXPECT_EQ(table["failures"][0]["cell"], "data=absent,seed=1");
  EXPECT_NE(table["failures"][0]["cause"].get<std::string>().find("nobody"), std::string::npos) << table["failures"];
  EXPECT_EQ(table["rows"][0]["figures"]["all"]["mean"], nullptr);
  EXPECT_NE(table["rows"][1]["figures"]["all"]["mean"], nullptr);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "study" / "data=absent,seed=1" / "failure.json"));
}

}  // namespace
}  // namespace dfa::test
