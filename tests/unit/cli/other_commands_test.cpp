#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli_run.hpp"
#include "face/dlib_part.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"
#include "version.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using test::Ran;
using test::run_dfa;
using test::TempDir;
using testing::HasSubstr;

TEST(Version, NamesProgramBuildAndMachine) {
  const Ran ran = run_dfa({"version"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, HasSubstr(std::string("dfa ") + kVersion));
  EXPECT_THAT(ran.out, HasSubstr(kBuildId));
  EXPECT_THAT(ran.out, HasSubstr("cpu"));
  const json parsed = json::parse(run_dfa({"version", "--format", "json"}).out);
  EXPECT_EQ(parsed["tool"]["version"], kVersion);
  EXPECT_GE(parsed["machine"]["processors"], 1);
  EXPECT_THAT(run_dfa({"--version"}).out, HasSubstr(kVersion));
}

TEST(Licenses, NameEveryPartAndTheLoadedModel) {
  TempDir dir;
  test::write_tiny_model(dir / "m.dfa");
  const Ran ran = run_dfa({"licenses", "--model", (dir / "m.dfa").string()});
  EXPECT_EQ(ran.status, 0);
  for (const char* part : {"Apache-2.0", "FFmpeg", "General Public License, version 2 or later", "oneDNN", "Highway",
                           "OpenCV", "libjpeg-turbo", "OpenSSL", "CLI11", "nlohmann-json", "spdlog", "tl::expected",
                           "Copyright (c) 2019 Timothy Esler", "made for tests"})
    EXPECT_THAT(ran.out, HasSubstr(part));
  EXPECT_EQ(ran.out.find("iBUG 300-W") != std::string::npos, dlib_part() == DlibPart::present);
  EXPECT_EQ(run_dfa({"licenses", "--model", "/nowhere.dfa"}).status, 5);
}

TEST(Licenses, UnknownTermsAreCalledUnknown) {
  TempDir dir;
  test::write_tiny_model(dir / "m.dfa", [](Model& model) { model.license.clear(); });
  EXPECT_THAT(run_dfa({"licenses", "--model", (dir / "m.dfa").string()}).out, HasSubstr("terms unknown"));
}

TEST(Selftest, PassesWhereTheVectorsComeOutAndFailsWhereNot) {
  TempDir dir;
  test::write_tiny_model(dir / "good.dfa");
  const Ran good = run_dfa({"selftest", "--model", (dir / "good.dfa").string()});
  EXPECT_EQ(good.status, 0) << good.out << good.err;
  EXPECT_THAT(good.out, HasSubstr("selftest passed"));
  const json parsed =
      json::parse(run_dfa({"selftest", "--format", "json", "--model", (dir / "good.dfa").string()}).out);
  EXPECT_EQ(parsed["ok"], true);
  EXPECT_EQ(parsed["detector"]["ok"], true);

  test::write_tiny_model(dir / "wrong.dfa", [](Model& model) { model.golden->logits[0] += 0.01F; });
  const Ran wrong = run_dfa({"selftest", "--model", (dir / "wrong.dfa").string()});
  EXPECT_EQ(wrong.status, 5);
  EXPECT_THAT(wrong.out, HasSubstr("FAILED"));
  test::write_tiny_model(dir / "none.dfa", [](Model& model) { model.golden.reset(); });
  EXPECT_EQ(run_dfa({"selftest", "--model", (dir / "none.dfa").string()}).status, 5);
  test::write_tiny_model(dir / "other.dfa", [](Model& model) { model.crop.detector_sha256 = std::string(64, '0'); });
  EXPECT_EQ(run_dfa({"selftest", "--model", (dir / "other.dfa").string()}).status, 5);
  EXPECT_EQ(run_dfa({"selftest", "--model", "/nowhere.dfa"}).status, 5);
}

// A model that `dfa export --to int8` made runs on every engine, says what it is, and is taken apart by nothing else.
class ExportInt8 : public testing::Test {
 protected:
  ExportInt8() {
    test::write_tiny_model(file("wide.dfa"), [this](Model& model) {
      model.crop = test::made_recipe(made_);
      model.golden.reset();  // its crops have another side
    });
  }
  std::string file(const std::string& name) const { return (dir_ / name).string(); }
  Ran to_int8(const std::vector<std::string>& more, const std::string& out = "m8.dfa") const {
    std::vector<std::string> words = {"export", file("wide.dfa"), "--to", "int8", "--out", file(out), "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return run_dfa(words);
  }

  const TempDir dir_;
  const test::MadeCrops made_{};
  const std::string manifest_ = test::write_made_crops(dir_.path(), made_).string();
};

TEST_F(ExportInt8, MakesAFileThatRunsOnEveryEngine) {
  const Ran made = to_int8({"--calibrate", manifest_, "--crops", "6", "--budget", "0.5", "--format", "json"});
  ASSERT_EQ(made.status, 0) << made.err;
  const json record = json::parse(made.out)["record"];
  EXPECT_EQ(record["calibration"]["crops"], 6);
  EXPECT_GT(record["sites"].size(), 20U);
  EXPECT_LE(record["difference"], 0.5);
  const json shown = json::parse(run_dfa({"model", "show", file("m8.dfa"), "--format", "json"}).out);
  EXPECT_EQ(shown["quant"], record);
  for (const char* engine : {"ref", "f32", "int8", "auto"}) {
    const Ran ran = run_dfa({"evaluate", "--data", manifest_, "--role", "train", "--model", file("m8.dfa"), "--engine",
                             engine, "--format", "json", "--bootstrap", "100", "--threads", "1"});
    EXPECT_EQ(ran.status, 0) << engine << ran.err;
  }
  const Ran again = to_int8({"--calibrate", manifest_, "--crops", "6", "--budget", "0.5"}, "again.dfa");
  EXPECT_THAT(again.out, HasSubstr("tensors on 8 bits"));
  EXPECT_THAT(run_dfa({"model", "diff", file("m8.dfa"), file("again.dfa")}).out, HasSubstr("identical"));
  EXPECT_THAT(run_dfa({"export", file("m8.dfa"), "--to", "onnx", "--out", file("m.onnx")}).out,
              HasSubstr("int8 scales are for whole detectors"));
}

TEST_F(ExportInt8, RefusesWhatItCannotMeasureOn) {
  EXPECT_THAT(to_int8({}).err, HasSubstr("needs crops to measure on"));
  EXPECT_EQ(to_int8({"--calibrate", manifest_, "--role", "test"}).status, 2);
  EXPECT_EQ(to_int8({"--calibrate", manifest_, "--crops", "0"}).status, 2);
  EXPECT_EQ(to_int8({"--calibrate", manifest_, "--budget", "0"}).status, 5);
  EXPECT_EQ(run_dfa({"export", file("wide.dfa"), "--to", "onnx", "--out", file("x"), "--calibrate", manifest_}).status,
            2);
  test::write_bytes(dir_ / "crops/train0.bmp", "torn");
  const Ran torn = to_int8({"--calibrate", manifest_});
  EXPECT_NE(torn.status, 0);
  EXPECT_THAT(torn.err, HasSubstr("train0.bmp"));
  EXPECT_FALSE(std::filesystem::exists(file("m8.dfa")));
}

}  // namespace
}  // namespace dfa
