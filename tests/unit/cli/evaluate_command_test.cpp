// `dfa evaluate` called in this process, on crops made by rule.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli_run.hpp"
#include "eval/auc.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

class EvaluateCommand : public testing::Test {
 protected:
  Ran evaluate(const std::vector<std::string>& arguments, double crop_scale = 1.3) {
    const std::string model = (dir_ / "m.dfa").string();
    write_tiny_model(model, [&](Model& tiny) {
      tiny.crop = made_recipe(made_);
      tiny.crop.scale = crop_scale;
      tiny.golden.reset();  // its crops have another side
    });
    std::vector<std::string> argv = {"evaluate", "--data", manifest_.string(), "--model", model};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv);
  }
  const TempDir dir_;
  const MadeCrops made_;
  const std::filesystem::path manifest_ = write_made_crops(dir_.path(), made_);
};

TEST_F(EvaluateCommand, PrintsTheFiguresOfItsCsv) {
  const std::string csv = (dir_ / "scores.csv").string();
  const Ran outcome = evaluate({"--role", "train", "--format", "json", "--scores", csv});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["data"]["coverage"], 1.0);
  EXPECT_EQ(json["frame"]["reals"], 12);
  EXPECT_TRUE(json["methods"].contains("corner"));
  std::vector<double> p_fake;
  std::vector<int> labels;
  std::ifstream file(csv);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "path,label,p_fake,method,video");
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string path, label, score;
    std::getline(fields, path, ',');
    std::getline(fields, label, ',');
    std::getline(fields, score, ',');
    labels.push_back(std::stoi(label));
    p_fake.push_back(std::stod(score));
  }
  EXPECT_DOUBLE_EQ(json["frame"]["auc"]["value"], *area_under_curve(p_fake, labels));
  EXPECT_LE(json["frame"]["auc"]["low"], json["frame"]["auc"]["value"]);
  EXPECT_EQ(json["frame"]["auc"]["value"], json["video"]["auc"]["value"]);  // stills
}

TEST_F(EvaluateCommand, SaysWhatWasNotScoredAndWhatIsUndefined) {
  for (const char* real : {"test0.bmp", "test2.bmp"}) write_bytes(dir_.path() / "crops" / real, "no picture");
  const Ran outcome = evaluate({"--format", "json"});
  EXPECT_EQ(outcome.status, 6);
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(json["data"]["unscored"], 2);
  EXPECT_EQ(json["frame"]["auc"]["value"], nullptr);
  EXPECT_NE(outcome.err.find("test0.bmp"), std::string::npos);
  EXPECT_NE(evaluate({}).out.find("undefined"), std::string::npos);
}

TEST_F(EvaluateCommand, RefusesWhatItCannotAnswer) {
  EXPECT_EQ(evaluate({"--role", "dev"}).status, 2);
  EXPECT_EQ(evaluate({"--role", "calibration"}).status, 3);
  EXPECT_EQ(evaluate({"--bootstrap", "0"}).status, 2);
  EXPECT_EQ(evaluate({}, 1.5).status, 5);
  EXPECT_EQ(evaluate({"--force-crop"}, 1.5).status, 0);
}

}  // namespace
}  // namespace dfa::test
