// `dfa calibrate` called in this process, on crops made by rule, and what the calibrated model then says.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.hpp"
#include "cli_run.hpp"
#include "support/made_crops.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class CalibrateCommand : public testing::Test {
 protected:
  void SetUp() override {
    // Some fakes look like reals: the set is not separable.
    Manifest manifest = read_manifest(write_made_crops(dir_.path(), made_)).value();
    int fakes = 0;
    for (ManifestEntry& entry : manifest.entries) {
      if (entry.role == Role::train) entry.role = Role::calibration;
      entry.set = entry.label == 1 ? "made fakes" : "made reals";
      if (entry.label == 1 && fakes++ % 7 == 0) entry.path = hard_fake(entry);
    }
    ASSERT_TRUE(write_manifest(manifest, manifest_));
    write_tiny_model(model_, [&](Model& tiny) {
      tiny.crop = made_recipe(made_);
      tiny.golden.reset();  // its crops have another side
    });
  }
  // A picture of a real, of its own name and with other noise.
  std::string hard_fake(const ManifestEntry& entry) {
    const std::string path = "hard_" + entry.path;
    std::vector<std::uint8_t> rgb(3 * 48 * 48);
    for (std::size_t i = 0; i < rgb.size(); ++i)
      rgb[i] = static_cast<std::uint8_t>(60 + (i * 2654435761u + path.size() * 97 + entry.path[5] * 31u) % 64);
    write_bytes(dir_.path() / "crops" / path, bmp_bytes(48, 48, rgb));
    return path;
  }
  Ran calibrate(const std::vector<std::string>& arguments) {
    std::vector<std::string> argv = {"calibrate", "--model", model_, "--date", "2026-01-02"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv);
  }
  const TempDir dir_;
  const MadeCrops made_ = {.side = 48, .train = 120, .val = 80, .test = 80};
  const std::string model_ = (dir_ / "m.dfa").string(), out_ = (dir_ / "calibrated.dfa").string();
  const std::string manifest_ = (dir_ / "manifest.jsonl").string();
};

TEST_F(CalibrateCommand, WritesANewModelFileWhoseNumbersDetectShows) {
  const Ran ran = calibrate({"--on", manifest_, "--out", out_, "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json shown = json::parse(ran.out);
  EXPECT_EQ(shown["data"]["crops"], 120);
  EXPECT_EQ(shown["calibration"]["set"], "made fakes + made reals");
  EXPECT_EQ(shown["calibration"]["role"], "calibration");
  EXPECT_EQ(shown["calibration"]["reals"], 60);
  EXPECT_EQ(shown["calibration"]["manifest_sha256"], sha256_file(manifest_).value());
  EXPECT_EQ(shown["calibration"]["left_out"][0]["name"], "fpr1");
  EXPECT_THAT(shown["calibration"]["left_out"][0]["reason"].get<std::string>(), HasSubstr("239 missing"));
  EXPECT_EQ(shown["written"]["sha256"], sha256_file(out_).value());

  const Model before = load_model(model_).value(), after = load_model(out_).value();
  EXPECT_FALSE(before.calibration);
  ASSERT_TRUE(after.calibration);
  ASSERT_EQ(after.weights.size(), before.weights.size());
  for (const auto& [name, tensor] : before.weights)
    EXPECT_TRUE(std::ranges::equal(after.weights.at(name).bytes, tensor.bytes)) << name;

  const Ran show = run_dfa({"model", "show", out_});
  EXPECT_THAT(show.out, HasSubstr("on made fakes + made reals, role calibration (60 real and 60 fake items"));
  EXPECT_THAT(show.out, HasSubstr("fpr1: left out: 60 real items"));

  const std::string face = source_path("samples/astronaut.png").string();
  const json record = json::parse(run_dfa({"detect", "--model", out_, "--format", "json", face}).out);
  EXPECT_EQ(record["operating_point"]["name"], "fpr5");
  EXPECT_EQ(record["operating_point"]["calibrated_on"], "made fakes + made reals");
  EXPECT_TRUE(record["items"][0]["likelihood_ratio"]["value"].is_number());
  EXPECT_THAT(run_dfa({"detect", "--model", out_, face}).out, HasSubstr("LR "));
  EXPECT_EQ(run_dfa({"detect", "--model", out_, "--operating-point", "fpr1", face}).status, 5);
}

TEST_F(CalibrateCommand, EqualInputsGiveEqualBytes) {
  const std::string again = (dir_ / "again.dfa").string();
  ASSERT_EQ(calibrate({"--on", manifest_, "--out", out_}).status, 0);
  ASSERT_EQ(calibrate({"--on", manifest_, "--out", again, "--threads", "1"}).status, 0);
  EXPECT_EQ(sha256_file(out_).value(), sha256_file(again).value());
  // Calibrating a calibrated model starts from its logits, not from its calibration.
  const std::string twice = (dir_ / "twice.dfa").string();
  ASSERT_EQ(run_dfa({"calibrate", "--model", out_, "--on", manifest_, "--out", twice, "--date", "2026-01-02"}).status,
            0);
  EXPECT_EQ(sha256_file(out_).value(), sha256_file(twice).value());
}

TEST_F(CalibrateCommand, ScoresFromAFileGiveTheSameFigures) {
  const std::string scores = (dir_ / "scores.csv").string();
  ASSERT_EQ(run_dfa({"evaluate", "--model", model_, "--data", manifest_, "--role", "calibration", "--scores", scores,
                     "--bootstrap", "10"})
                .status,
            0);
  const json direct = json::parse(calibrate({"--on", manifest_, "--out", out_, "--format", "json"}).out);
  const Ran ran = calibrate({"--from", scores, "--out", (dir_ / "f.dfa").string(), "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json from = json::parse(ran.out);
  EXPECT_EQ(from["calibration"]["temperature"], direct["calibration"]["temperature"]);
  EXPECT_EQ(from["calibration"]["thresholds"], direct["calibration"]["thresholds"]);
  EXPECT_THAT(from["calibration"]["stamps"][0].get<std::string>(), HasSubstr("not checked"));
}

TEST_F(CalibrateCommand, OtherRolesNeedIKnowAndStampEveryOutput) {
  for (const char* role : {"test", "val", "train"}) {
    const Ran refused = calibrate({"--on", manifest_, "--out", out_, "--role", role});
    EXPECT_EQ(refused.status, 3) << role;
    EXPECT_THAT(refused.err, HasSubstr("--i-know"));
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
  const Ran ran = calibrate({"--on", manifest_, "--out", out_, "--role", "test", "--i-know"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const std::string stamp = "calibrated on role test";
  EXPECT_THAT(ran.out, HasSubstr("STAMPED: " + stamp));
  EXPECT_THAT(run_dfa({"model", "show", out_}).out, HasSubstr("STAMPED: " + stamp));
  const std::string face = source_path("samples/astronaut.png").string();
  for (const char* format : {"text", "json", "jsonl", "csv"})
    EXPECT_THAT(run_dfa({"detect", "--model", out_, "--format", format, face}).out, HasSubstr(stamp)) << format;
  // The very crops that it was calibrated on are no test set any more.
  const Ran walled = run_dfa({"evaluate", "--model", out_, "--data", manifest_, "--bootstrap", "10"});
  EXPECT_EQ(walled.status, 3);
  EXPECT_THAT(walled.err, HasSubstr("the model was calibrated on its role test"));
  for (const char* format : {"text", "json"})
    EXPECT_THAT(
        run_dfa({"evaluate", "--model", out_, "--data", manifest_, "--bootstrap", "10", "--i-know", "--format", format})
            .out,
        HasSubstr(stamp))
        << format;
}

TEST_F(CalibrateCommand, PersonsOfTheTrainingSetDoNotCalibrate) {
  Manifest manifest = read_manifest(manifest_).value();
  manifest.entries.front().identity = "id1";  // calibration
  manifest.entries.back().identity = "id1";   // test
  manifest.entries.back().set = manifest.entries.front().set;
  ASSERT_TRUE(write_manifest(manifest, manifest_));
  const Ran refused = calibrate({"--on", manifest_, "--out", out_});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("id1"));
  const Ran ran = calibrate({"--on", manifest_, "--out", out_, "--i-know"});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("STAMPED: 1 identities serve two roles"));
}

TEST_F(CalibrateCommand, RefusesWhatItCannotAnswer) {
  EXPECT_EQ(calibrate({"--out", out_}).status, 2);
  EXPECT_EQ(calibrate({"--on", manifest_, "--from", manifest_, "--out", out_}).status, 2);
  EXPECT_EQ(calibrate({"--on", manifest_}).status, 2);
  EXPECT_EQ(calibrate({"--on", manifest_, "--out", model_}).status, 2);
  EXPECT_EQ(calibrate({"--on", manifest_, "--out", out_, "--role", "dev"}).status, 2);
  EXPECT_EQ(calibrate({"--on", manifest_, "--out", out_, "--abstain-error", "0.6"}).status, 2);
  EXPECT_EQ(run_dfa({"calibrate", "--model", model_, "--on", manifest_, "--out", out_, "--date", "today"}).status, 2);
  EXPECT_EQ(calibrate({"--on", (dir_ / "none.jsonl").string(), "--out", out_}).status, 3);
  EXPECT_FALSE(std::filesystem::exists(out_));
}

}  // namespace
}  // namespace dfa::test
