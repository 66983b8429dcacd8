// `dfa detect` on real files, with a model whose scores mean nothing but are the same everywhere.
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "cli_run.hpp"
#include "json_schema.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Ran;
using test::run_dfa;
using test::TempDir;
using test::write_bytes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

fs::path sample(const char* name) {
  return test::source_path("samples") / name;
}

// A published detector in the form of its release, from import to record.
TEST(DetectImported, GendRunsOnDayOne) {
  DFA_REQUIRE_SHARED();
  const TempDir dir;
  const std::string model = (dir / "gend.dfa").string();
  const Ran imported = run_dfa({"import", "gend", test::shared_path("oracle/gend_tiny").string(), "--out", model});
  ASSERT_EQ(imported.status, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("detector substituted"));
  const Ran ran = run_dfa({"detect", "--model", model, "--format", "json", sample("grace_hopper.jpg").string()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json record = json::parse(ran.out);
  EXPECT_EQ(record["model"]["substituted"], "detector substituted: SCRFD det_10g (non-commercial) by mtcnn");
  EXPECT_EQ(record["rule"], "mean over the frames, of each its largest face");
  EXPECT_EQ(record["crop"]["recipe"], "gend");
  EXPECT_EQ(record["items"][0]["outcome"], "scored");
  const Ran text = run_dfa({"detect", "--model", model, sample("swap_astronaut.mp4").string(), "--frames", "4"});
  EXPECT_THAT(text.out, HasSubstr("detector substituted: SCRFD"));
}

class DetectCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    test::write_tiny_model(*dir_ / "tiny.dfa");
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  static std::string model() { return (*dir_ / "tiny.dfa").string(); }

  // dfa detect --model tiny ARGUMENTS
  static Ran detect(std::vector<std::string> arguments, const std::string& input = "", const CancelFlag& cancel = {}) {
    arguments.insert(arguments.begin(), {"detect", "--model", model()});
    return run_dfa(arguments, input, cancel);
  }
  // With --format json: the record, checked against the schema.
  static json record(std::vector<std::string> arguments, int* status = nullptr) {
    arguments.insert(arguments.begin(), {"--format", "json"});
    const Ran ran = detect(arguments);
    if (status != nullptr) *status = ran.status;
    const json parsed = json::parse(ran.out, nullptr, false);
    EXPECT_FALSE(parsed.is_discarded()) << ran.out << ran.err;
    EXPECT_THAT(test::schema_violations(test::result_schema(), parsed), IsEmpty());
    return parsed;
  }

  TempDir files_;
  static TempDir* dir_;
};
TempDir* DetectCommand::dir_ = nullptr;

// The folder of the project's first issue on this command.
TEST_F(DetectCommand, AFolderOfTroubleGivesEachFileItsOwnReason) {
  fs::copy_file(sample("astronaut.png"), files_ / "1_good.png");
  fs::copy_file(sample("rocket.jpg"), files_ / "2_no_face.jpg");
  write_bytes(files_ / "3_text.png", "this is a text file\n");
  const std::string jpeg = bytes_of(sample("grace_hopper.jpg"));
  write_bytes(files_ / "4_truncated.jpg", jpeg.substr(0, jpeg.size() / 2));
  write_bytes(files_ / "5_empty.jpg", "");
  const std::string mp4 = bytes_of(sample("swap_astronaut.mp4"));
  write_bytes(files_ / "6_truncated.mp4", mp4.substr(0, 600));
  int status = 0;
  const json record = this->record({files_.path().string()}, &status);
  EXPECT_EQ(status, 6);
  ASSERT_EQ(record["items"].size(), 6U);
  const char* outcomes[] = {"scored", "no_face", "decode_error", "decode_error", "decode_error", "decode_error"};
  std::set<std::string> reasons;
  for (std::size_t i = 0; i < 6; ++i) {
    const json& item = record["items"][i];
    EXPECT_EQ(item["outcome"], outcomes[i]) << item;
    EXPECT_EQ(item["p_fake"].is_number(), i == 0);
    reasons.insert(item["reason"].get<std::string>());
  }
  EXPECT_THAT(reasons, SizeIs(6));
  EXPECT_THAT(record["items"][3]["reason"].get<std::string>(), StartsWith("media_truncated"));
  const json& summary = record["summary"];
  EXPECT_EQ(summary["inputs"], 6);
  EXPECT_EQ(summary["scored"].get<int>() + summary["no_face"].get<int>() + summary["low_quality"].get<int>() +
                summary["decode_error"].get<int>() + summary["abstained"].get<int>() +
                summary["not_analysed"].get<int>(),
            6);
  const Ran table = detect({files_.path().string()});
  EXPECT_EQ(table.status, 6);
  EXPECT_THAT(table.out, HasSubstr("6 inputs: 1 scored, 1 no_face, 0 low_quality, 4 decode_error, 0 abstained"));
}

TEST_F(DetectCommand, StatusesThree_Four_Zero_Ten) {
  write_bytes(files_ / "text.png", "text");
  const std::string text = (files_ / "text.png").string(), face = sample("astronaut.png").string(),
                    rocket = sample("rocket.jpg").string();
  EXPECT_EQ(detect({text}).status, 3);
  EXPECT_EQ(detect({(files_ / "gone.png").string()}).status, 3);
  EXPECT_EQ(detect({rocket}).status, 4);
  EXPECT_EQ(detect({face, rocket}).status, 0);
  EXPECT_EQ(detect({face, text}).status, 6);
  EXPECT_EQ(detect({"--operating-point", "0.000001", face}).status, 0);
  EXPECT_EQ(detect({"--operating-point", "0.000001", "--exit-on-fake", face}).status, 10);
  EXPECT_EQ(detect({"--operating-point", "0.999999", "--exit-on-fake", face}).status, 0);
  EXPECT_EQ(detect({"--exit-on-fake", face}).status, 0);  // not validated: nothing is called fake
}

TEST_F(DetectCommand, AFolderWithoutMediaSaysSo) {
  const Ran ran = detect({files_.path().string()});
  EXPECT_EQ(ran.status, 3);
  EXPECT_THAT(ran.err, HasSubstr("no picture or video by name"));
  EXPECT_THAT(ran.out, HasSubstr("0 inputs"));
}

TEST_F(DetectCommand, ModelsThatAreNotThereOrDoNotFitAreFive) {
  const std::string face = sample("astronaut.png").string();
  const Ran gone = run_dfa({"detect", "--model", "/nowhere/gone.dfa", face});
  EXPECT_EQ(gone.status, 5);
  EXPECT_THAT(gone.err, HasSubstr("/nowhere/gone.dfa"));
  write_bytes(files_ / "garbage.dfa", std::string(1000, 'x'));
  EXPECT_EQ(run_dfa({"detect", "--model", (files_ / "garbage.dfa").string(), face}).status, 5);
  const Ran named = detect({"--operating-point", "fpr1", face});
  EXPECT_EQ(named.status, 5);
  EXPECT_THAT(named.err, HasSubstr("never calibrated"));
  EXPECT_EQ(detect({"--operating-point", "high", face}).status, 2);
  EXPECT_EQ(detect({"--detector", "yunet", face}).status, 2);
  EXPECT_THAT(gone.out, IsEmpty());
}

TEST_F(DetectCommand, CropsOfAnotherDetectorMustBeForced) {
  const std::string face = sample("astronaut.png").string();
  const Ran refused = detect({"--detector", "mtcnn-reference", face});
  EXPECT_EQ(refused.status, 5);
  EXPECT_THAT(refused.err, HasSubstr("mtcnn against mtcnn-reference"));
  const json forced = record({"--detector", "mtcnn-reference", "--force-crop", face});
  EXPECT_EQ(forced["crop"]["forced"], true);
  EXPECT_EQ(forced["crop"]["detector"], "mtcnn-reference");
  EXPECT_THAT(forced["crop"]["difference"].get<std::string>(), HasSubstr("detector"));
  EXPECT_THAT(detect({"--detector", "mtcnn-reference", "--force-crop", face}).out, HasSubstr("FORCED"));
  // --force-crop without a difference forces nothing.
  EXPECT_EQ(record({"--force-crop", face})["crop"]["forced"], false);

  test::write_tiny_model(files_ / "any.dfa", [](Model& model) { model.crop.detector = "any"; });
  EXPECT_EQ(run_dfa({"detect", "--model", (files_ / "any.dfa").string(), "--detector", "mtcnn-reference", face}).status,
            0);
  test::write_tiny_model(files_ / "version.dfa",
                         [](Model& model) { model.crop.detector_sha256 = std::string(64, '0'); });
  EXPECT_EQ(run_dfa({"detect", "--model", (files_ / "version.dfa").string(), face}).status, 5);
}

TEST_F(DetectCommand, CalibratedModelsGiveVerdictsAndTheirErrorRates) {
  test::write_tiny_model(files_ / "calibrated.dfa", [](Model& model) {
    model.calibration = Calibration{.temperature = 1,
                                    .thresholds = {{"fpr1", 0.999, 0.01, 0.2}, {"fpr5", 0.0001, 0.05, 0.5}},
                                    .set = "a test set",
                                    .reals = 100,
                                    .fakes = 100,
                                    .date = "2024-01-01"};
  });
  const auto at = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"detect", "--model", (files_ / "calibrated.dfa").string(), "--format", "json"});
    more.push_back(sample("astronaut.png").string());
    return json::parse(run_dfa(more).out);
  };
  const json by_default = at({});
  EXPECT_EQ(by_default["operating_point"]["name"], "fpr5");
  EXPECT_EQ(by_default["operating_point"]["expected_fpr"], 0.05);
  EXPECT_EQ(by_default["operating_point"]["calibrated_on"], "a test set");
  EXPECT_EQ(by_default["items"][0]["verdict"], "fake");
  EXPECT_EQ(at({"--operating-point", "fpr1"})["items"][0]["verdict"], "real");
}

TEST_F(DetectCommand, TheSameFileGivesTheSameNumbersHoweverItIsNamed) {
  fs::copy_file(sample("astronaut.png"), files_ / "a.png");
  fs::copy_file(sample("swap_astronaut.mp4"), files_ / "b.mp4");
  fs::copy_file(sample("grace_hopper.jpg"), files_ / "c.jpg");
  const json folder = record({files_.path().string()});
  for (std::size_t i = 0; i < 3; ++i) {
    json alone = record({"--threads", "1", folder["items"][i]["input"].get<std::string>()})["items"][0];
    json together = folder["items"][i];
    // Several decoders on one video read on beyond the last wanted frame of a group a little more or less than one
    // does.
    EXPECT_NEAR(alone["work"]["frames_decoded"], together["work"]["frames_decoded"], 8);
    for (json* item : {&alone, &together}) {
      (*item)["work"].erase("seconds");
      (*item)["work"].erase("frames_decoded");
    }
    EXPECT_TRUE(alone == together) << folder["items"][i]["input"];
  }
}

// A face that is followed is the one that a whole search finds; how the work is dealt out changes last bits at most.
TEST_F(DetectCommand, FollowingAndModesChangeNoFace) {
  const std::string clip = sample("swap_astronaut.mp4").string();
  const json searched = record({"--fps", "10", "--search-every", "1", clip})["items"][0];
  const json followed = record({"--fps", "10", "--mode", "latency", "--pin", clip})["items"][0];
  ASSERT_EQ(followed["persons"].size(), searched["persons"].size());
  for (std::size_t i = 0; i < searched["persons"].size(); ++i) {
    const json &want = searched["persons"][i]["faces"], &got = followed["persons"][i]["faces"];
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t k = 0; k < want.size(); ++k) {
      EXPECT_EQ(got[k]["box_px"], want[k]["box_px"]) << k;
      EXPECT_NEAR(got[k]["p_fake"], want[k]["p_fake"], 1e-6) << k;
    }
  }
  EXPECT_EQ(detect({"--mode", "quick", clip}).status, 2);
}

TEST_F(DetectCommand, ListsComeOnStdinAndKeepTheirOrder) {
  const std::string face = sample("astronaut.png").string(), rocket = sample("rocket.jpg").string();
  const Ran ran = detect({"--format", "jsonl", "-"}, rocket + "\n" + face + "\n/nowhere/gone.png\n" + rocket + "\n");
  EXPECT_EQ(ran.status, 6);
  std::istringstream lines(ran.out);
  std::vector<std::string> inputs;
  for (std::string line; std::getline(lines, line);) inputs.push_back(json::parse(line)["input"].get<std::string>());
  EXPECT_THAT(inputs, ElementsAre(rocket, face, "/nowhere/gone.png", rocket));
  EXPECT_EQ(detect({"-"}, "").status, 3);
}

TEST_F(DetectCommand, ShardsTakeTheirPart) {
  for (const char* name : {"a.png", "b.png", "c.png"}) write_bytes(files_ / name, "text");
  const Ran ran = detect({"--shard", "2/2", "--format", "csv", files_.path().string()});
  EXPECT_THAT(ran.out, HasSubstr("b.png"));
  EXPECT_THAT(ran.out, Not(HasSubstr("a.png")));
}

TEST_F(DetectCommand, FramesAreChosenAsAsked) {
  const std::string clip = sample("swap_astronaut.mp4").string();
  const auto searched = [&](std::vector<std::string> more) {
    more.push_back(clip);
    const json item = record(more)["items"][0];
    EXPECT_EQ(item["outcome"], "scored");
    return item["work"]["frames_searched"].get<int>();
  };
  EXPECT_EQ(searched({"--frames", "3"}), 3);
  EXPECT_EQ(searched({"--frames", "1"}), 1);
  EXPECT_GT(searched({"--fps", "2"}), 3);
}

TEST_F(DetectCommand, ACutClipIsScoredAndTheRecordNamesTheCut) {
  const std::string mp4 = bytes_of(sample("swap_astronaut.mp4"));
  ASSERT_LT(mp4.find("moov"), mp4.find("mdat")) << "the sample is no faststart file";
  write_bytes(files_ / "cut.mp4", mp4.substr(0, mp4.size() * 6 / 10));
  int status = -1;
  const json item = record({"--frames", "5", (files_ / "cut.mp4").string()}, &status)["items"][0];
  EXPECT_EQ(status, 0);
  EXPECT_EQ(item["outcome"], "scored");
  EXPECT_THAT(item["reason"].get<std::string>(), HasSubstr("cut short"));
}

TEST_F(DetectCommand, LimitsAreKept) {
  const std::string face = sample("astronaut.png").string(), clip = sample("swap_astronaut.mp4").string();
  EXPECT_THAT(record({"--max-bytes", "1000", face})["items"][0]["reason"].get<std::string>(),
              StartsWith("limit_exceeded"));
  EXPECT_THAT(record({"--max-pixels", "1000", face})["items"][0]["reason"].get<std::string>(),
              StartsWith("limit_exceeded"));
  EXPECT_THAT(record({"--max-duration", "0.5", clip})["items"][0]["reason"].get<std::string>(),
              StartsWith("limit_exceeded"));
  EXPECT_EQ(record({"--min-face", "2000", face})["items"][0]["p_fake"], nullptr);
}

TEST_F(DetectCommand, AStoppedRunLeavesAValidRecordAndTheSignalsStatus) {
  for (const int signal : {SIGINT, SIGTERM}) {
    CancelFlag cancel;
    cancel.request(signal);
    const Ran ran =
        detect({"--format", "json", sample("astronaut.png").string(), sample("rocket.jpg").string()}, "", cancel);
    EXPECT_EQ(ran.status, 128 + signal);
    const json parsed = json::parse(ran.out);
    EXPECT_THAT(test::schema_violations(test::result_schema(), parsed), IsEmpty());
    EXPECT_EQ(parsed["summary"]["not_analysed"], 2);
  }
}

// A disk that fills up after `room` bytes.
class FullDisk final : public std::streambuf {
 public:
  explicit FullDisk(std::size_t room) : room_(room) {}

 protected:
  int_type overflow(int_type c) override { return room_-- > 0 ? c : traits_type::eof(); }
  std::streamsize xsputn(const char*, std::streamsize n) override {
    if (static_cast<std::size_t>(n) > room_) return 0;
    room_ -= static_cast<std::size_t>(n);
    return n;
  }

 private:
  std::size_t room_;
};

TEST_F(DetectCommand, ResultsThatCannotBeWrittenAreAFailure) {
  for (const std::size_t room : {0UL, 1500UL}) {
    FullDisk disk(room);
    std::ostream out(&disk);
    std::istringstream in;
    std::ostringstream err;
    const std::vector<std::string> arguments = {"detect",   "--model", model(),
                                                "--format", "json",    sample("astronaut.png").string()};
    EXPECT_EQ(cli::run(arguments, {in, out, err}), 1);
    EXPECT_THAT(err.str(), HasSubstr("results could not be written"));
  }
}

TEST_F(DetectCommand, QuietSaysNothingBesideTheResults) {
  const Ran ran = detect({"--quiet", sample("astronaut.png").string()});
  EXPECT_THAT(ran.err, IsEmpty());
  EXPECT_THAT(ran.out, HasSubstr("scored"));
  EXPECT_THAT(detect({"-v", sample("astronaut.png").string()}).out, HasSubstr("person 1:"));
}

TEST_F(DetectCommand, EnginesAgree) {
  const std::string face = sample("astronaut.png").string();
  const json ref = record({"--engine", "ref", face}), f32 = record({"--engine", "f32", face});
  EXPECT_EQ(ref["engine"]["precision"], "ref");
  EXPECT_NEAR(ref["items"][0]["p_fake"].get<double>(), f32["items"][0]["p_fake"].get<double>(), 1e-5);
}

}  // namespace
}  // namespace dfa
