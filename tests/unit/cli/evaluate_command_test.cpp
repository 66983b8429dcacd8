// `dfa evaluate` called in this process, on crops made by rule and on files of scores.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/hash.hpp"
#include "cli_run.hpp"
#include "eval/auc.hpp"
#include "eval/score_csv.hpp"
#include "json_schema.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::json;

class EvaluateCommand : public testing::Test {
 protected:
  Ran evaluate(const std::vector<std::string>& arguments, double crop_scale = 1.3, const std::string& training = "") {
    const std::string model = (dir_ / "m.dfa").string();
    write_tiny_model(model, [&](Model& tiny) {
      tiny.crop = made_recipe(made_);
      tiny.crop.scale = crop_scale;
      tiny.golden.reset();  // its crops have another side
      tiny.training = training;
    });
    std::vector<std::string> argv = {"evaluate",    "--data", manifest_.string(), "--model", model,
                                     "--bootstrap", "100",    "--threads",        "1"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv);
  }
  Ran from(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::vector<std::string> argv = {"evaluate", "--bootstrap", "100"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv, input);
  }
  std::string write(const std::string& name, const std::string& text) {
    write_bytes(dir_ / name, text);
    return (dir_ / name).string();
  }
  const TempDir dir_;
  const MadeCrops made_{};
  const std::filesystem::path manifest_ = write_made_crops(dir_.path(), made_);
};

TEST_F(EvaluateCommand, PrintsTheFiguresOfItsCsv) {
  const std::string csv = (dir_ / "scores.csv").string();
  const Ran outcome = evaluate({"--role", "train", "--format", "json", "--scores", csv});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(schema_violations(evaluation_schema(), json), std::vector<std::string>());
  EXPECT_EQ(json["frame"]["reals"], 12);
  EXPECT_TRUE(json["methods"].contains("corner"));
  EXPECT_THAT(json["stamps"][0], HasSubstr("role train"));
  EXPECT_EQ(json["card"]["crop_recipe_sha256"], crop_recipe_hash(made_recipe(made_)));
  ScoreTable scores;
  ASSERT_TRUE(read_scores_file(csv, {}, scores));
  const std::vector<int> labels(scores.labels().begin(), scores.labels().end());
  EXPECT_DOUBLE_EQ(json["frame"]["auc"]["value"], *area_under_curve(scores.p_fake(), labels));
  EXPECT_LE(json["frame"]["auc"]["low"], json["frame"]["auc"]["value"]);
  EXPECT_EQ(json["frame"]["auc"]["value"], json["video"]["auc"]["value"]);  // stills
}

TEST_F(EvaluateCommand, ScoresReadBackGiveTheSameFigures) {
  write_bytes(dir_.path() / "crops" / "train3.bmp", "no picture");
  const std::string out = (dir_ / "out").string();
  ASSERT_EQ(evaluate({"--role", "train", "--out", out, "--aggregation", "max"}).status, 6);
  const Json first = Json::parse(std::ifstream(out + "/evaluation.json"));
  const Ran again = from({"--from", out + "/scores.csv", "--format", "json", "--aggregation", "max"});
  ASSERT_EQ(again.status, 6) << again.err;
  const Json second = Json::parse(again.out);
  EXPECT_EQ(schema_violations(evaluation_schema(), second), std::vector<std::string>());
  for (const char* key : {"frame", "video", "coverage", "sets", "methods", "averages", "rules", "bootstrap"})
    EXPECT_EQ(first[key], second[key]) << key;
  for (const char* file : {"evaluation.txt", "evaluation.csv", "evaluation.md", "evaluation.tex", "videos.csv"})
    EXPECT_TRUE(std::filesystem::exists(out + "/" + file)) << file;
}

TEST_F(EvaluateCommand, SaysWhatWasNotScoredAndWhatIsUndefined) {
  for (const char* real : {"test0.bmp", "test2.bmp"}) write_bytes(dir_.path() / "crops" / real, "no picture");
  const Ran outcome = evaluate({"--format", "json"});
  EXPECT_EQ(outcome.status, 6);
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["data"]["unscored"], 2);
  EXPECT_EQ(json["coverage"]["crops"]["reals"]["decode_error"], 2);
  EXPECT_EQ(json["frame"]["auc"]["value"], nullptr);
  EXPECT_NE(outcome.err.find("test0.bmp"), std::string::npos);
  EXPECT_NE(evaluate({}).out.find("undefined"), std::string::npos);
}

TEST_F(EvaluateCommand, CoverageIsUnknownUntilTheMissingItemsAreTold) {
  EXPECT_EQ(Json::parse(evaluate({"--format", "json"}).out)["data"]["coverage"], nullptr);
  EXPECT_THAT(evaluate({}).out, HasSubstr("coverage unknown"));
  write("coverage.json", R"({"schema":"dfa.coverage/1","layout":"folders","reading":[],"compressions":[],
    "all":{"frames":{"wanted":5,"used":4}},"missing":[{"path":"x.mp4","label":"real","method":"","role":"test","set":"",
    "identity":"","outcome":"no_face","reason":"none found"}]})");
  const Ran outcome = evaluate({"--format", "json"});
  EXPECT_EQ(outcome.status, 0);
  const Json json = Json::parse(outcome.out);
  EXPECT_DOUBLE_EQ(json["data"]["coverage"], 0.8);
  EXPECT_EQ(json["coverage"]["videos"]["reals"]["no_face"], 1);
  EXPECT_EQ(json["frame"]["reals"], 2);
  EXPECT_EQ(Json::parse(evaluate({"--format", "json", "--no-face", "half"}).out)["frame"]["reals"], 3);
  EXPECT_THAT(evaluate({}).out, HasSubstr("(coverage 4/5, 80.0 %)"));
}

TEST_F(EvaluateCommand, WallsStopOrStampEveryForm) {
  const std::string chosen = R"({"selected_on":"test","manifest_sha256":")" + sha256_file(manifest_).value() + R"("})";
  const Ran stopped = evaluate({}, 1.3, chosen);
  EXPECT_EQ(stopped.status, 3);
  EXPECT_THAT(stopped.err, AllOf(HasSubstr("chose the model's checkpoint"), HasSubstr("--i-know")));
  for (const char* form : {"text", "json", "csv", "markdown", "latex"})
    EXPECT_THAT(evaluate({"--i-know", "--format", form}, 1.3, chosen).out, HasSubstr("checkpoint")) << form;
  EXPECT_EQ(evaluate({"--threshold", "best"}).status, 3);
  EXPECT_THAT(evaluate({"--threshold", "best", "--i-know"}).out, HasSubstr("chosen on the test set"));
  // The same crops as somebody's training data.
  const std::filesystem::path other = dir_.path() / "train.jsonl";
  Manifest manifest = read_manifest(manifest_).value();
  for (ManifestEntry& entry : manifest.entries) entry.role = Role::train;
  ASSERT_TRUE(write_manifest(manifest, other));
  const Ran shared = evaluate({"--trained-on", other.string()});
  EXPECT_EQ(shared.status, 3);
  EXPECT_THAT(shared.err, HasSubstr("also made the model"));
  EXPECT_EQ(evaluate({"--trained-on", other.string(), "--i-know"}).status, 0);
}

TEST_F(EvaluateCommand, BalancedAccuracyNeedsAThresholdOfKnownOrigin) {
  const Json none = Json::parse(evaluate({"--format", "json"}).out);
  EXPECT_EQ(none["video"]["balanced_accuracy"]["value"], nullptr);
  const Json given = Json::parse(evaluate({"--format", "json", "--threshold", "0.4"}).out);
  EXPECT_TRUE(given["video"]["balanced_accuracy"]["value"].is_number());
  EXPECT_EQ(given["rules"]["threshold"], 0.4);
  EXPECT_THAT(given["card"]["threshold"], HasSubstr("given with --threshold"));
}

TEST_F(EvaluateCommand, RefusesWhatItCannotAnswer) {
  EXPECT_EQ(evaluate({"--role", "dev"}).status, 2);
  EXPECT_EQ(evaluate({"--role", "calibration"}).status, 3);
  EXPECT_EQ(evaluate({"--bootstrap", "0"}).status, 2);
  EXPECT_EQ(evaluate({"--logits"}).status, 2);
  EXPECT_EQ(evaluate({}, 1.5).status, 5);
  const Ran forced = evaluate({"--force-crop"}, 1.5);
  EXPECT_EQ(forced.status, 0);
  EXPECT_THAT(forced.out, HasSubstr("STAMPED: --force-crop"));
  EXPECT_EQ(from({}).status, 2);
  EXPECT_EQ(from({"--from", "x.csv", "--model", "m"}).status, 2);
  EXPECT_EQ(from({"--from", (dir_ / "none.csv").string()}).status, 3);
}

TEST_F(EvaluateCommand, ScoresOfOtherProgramsComeFromAFileOrAPipe) {
  const std::string text = "path,label,p_fake,video\na/1,0,-1,a\na/2,0,0,a\nb/1,1,2,b\n";
  const Ran logits = from({"--from", "-", "--logits", "--format", "json"}, text);
  ASSERT_EQ(logits.status, 0) << logits.err;
  const Json json = Json::parse(logits.out);
  EXPECT_EQ(json["model"], nullptr);
  EXPECT_EQ(json["video"]["reals"], 1);
  EXPECT_EQ(json["video"]["auc"]["value"], 1.0);
  const Ran refused = from({"--from", "-"}, text);
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("standard input:2"));
  // Two files are two sets.
  const std::string a = write("a.csv", "path,label,p_fake\nx,0,.1\ny,1,.9\n"),
                    b = write("b.csv", "path,label,p_fake\nx,0,.8\ny,1,.2\n");
  const Json both = Json::parse(from({"--from", a, b, "--format", "json"}).out);
  EXPECT_EQ(both["sets"]["a"]["video"]["auc"]["value"], 1.0);
  EXPECT_EQ(both["sets"]["b"]["video"]["auc"]["value"], 0.0);
  EXPECT_EQ(both["averages"]["sets"]["video"]["auc"]["value"], 0.5);
  EXPECT_TRUE(Json::parse(from({"--from", a, b, "--by", "method", "--format", "json"}).out)["sets"].empty());
}

TEST_F(EvaluateCommand, ComparesOnWhatBothScored) {
  std::string a = "path,label,p_fake,outcome\n", b = a;
  for (int i = 0; i < 20; ++i) {
    a += fmt::format("{},{},{},scored\n", i, i % 2, .3 + .4 * (i % 2) + .001 * i);
    if (i == 3)
      b += fmt::format("{},{},,no_face\n", i, i % 2);
    else
      b += fmt::format("{},{},{},scored\n", i, i % 2, .5 + .01 * (i % 7));
  }
  const Ran outcome = from({"--compare", write("a.csv", a), write("b.csv", b), "--format", "json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(schema_violations(evaluation_schema(), json), std::vector<std::string>());
  const Json& rows = json["tables"]["comparison"]["rows"];
  EXPECT_EQ(rows[0]["figure"], "auc");
  EXPECT_EQ(rows[0]["first"], 1.0);
  EXPECT_TRUE(rows[0]["difference"]["low"].is_number());
  const std::string notes = json["tables"]["comparison"]["notes"].dump();
  EXPECT_THAT(notes, AllOf(HasSubstr("10 + 9 videos"), HasSubstr("intersection")));
  EXPECT_EQ(from({"--compare", "a.csv"}).status, 2);
  EXPECT_EQ(from({"--compare", "a.csv", "b.csv", "--from", "c.csv"}).status, 2);
}

TEST_F(EvaluateCommand, ResultsThatCannotBeWrittenAreAFailure) {
  const std::string file = write("file", "no folder");
  const Ran outcome = evaluate({"--out", file + "/out"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr(file));
}

TEST_F(EvaluateCommand, LegacyFiguresAreLabelledFaulty) {
  const std::string scores = write("s.csv",
                                   "path,label,p_fake,video,method\nr1,0,.5,o/001,\nr2,0,.3,o/002,\n"
                                   "a,1,.9,A/000_001,A\nb,1,.2,B/000_001,B\n");
  const Json json = Json::parse(from({"--from", scores, "--legacy", "--format", "json"}).out);
  EXPECT_EQ(schema_violations(evaluation_schema(), json), std::vector<std::string>());
  const Json& first = json["tables"]["legacy"]["rows"][0];
  EXPECT_EQ(first["figure"], "video_auc_dfb_legacy");
  EXPECT_EQ(first["faulty"], 1.0);
  EXPECT_EQ(first["right"], 0.5);
  EXPECT_THAT(json["tables"]["legacy"]["title"], HasSubstr("FAULTY"));
  EXPECT_THAT(from({"--from", scores}).out, testing::Not(HasSubstr("FAULTY")));
}

}  // namespace
}  // namespace dfa::test
