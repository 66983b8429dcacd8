// `dfa doctor` called in this process.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli_run.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

class DoctorCommand : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* folder : {"Celeb-real", "Celeb-synthesis"}) std::filesystem::create_directories(dir_ / folder);
    copy("grace_hopper.jpg", "Celeb-real/id0_0000.jpg");
    copy("swap_astronaut.jpg", "Celeb-synthesis/id0_id1_0000.jpg");
    write_bytes(dir_ / "List_of_testing_videos.txt", "1 Celeb-real/id0_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n");
  }
  void copy(const char* sample, const char* to) const {
    std::filesystem::copy_file(source_path("samples") / sample, dir_ / to);
  }
  Ran doctor(std::vector<std::string> more = {}, const std::string& layout = "auto") const {
    std::vector<std::string> arguments = {"doctor", layout, dir_.path().string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_dfa(arguments);
  }
  const TempDir dir_;
};

TEST_F(DoctorCommand, StatusTells) {
  const Ran clean = doctor({"--subset"});
  EXPECT_EQ(clean.status, 0) << clean.out << clean.err;
  EXPECT_THAT(clean.out, HasSubstr("clean"));
  const Ran counts = doctor({"--json"});
  EXPECT_EQ(counts.status, 6);
  const auto json = nlohmann::json::parse(counts.out);
  EXPECT_EQ(json["schema"], "dfa.doctor/1");
  EXPECT_EQ(json["summary"]["count"], json["findings"].size());
  EXPECT_EQ(json["items"]["fake"], 1);
}

// One file gone, one line flipped, one empty JSON: those three findings and no other.
TEST_F(DoctorCommand, ThreeFaultsAreThreeFindings) {
  copy("astronaut.png", "Celeb-real/id1_0000.png");
  write_bytes(dir_ / "List_of_testing_videos.txt",
              "1 Celeb-real/id0_0000.mp4\n0 Celeb-real/id1_0000.mp4\n0 Celeb-synthesis/id7_id1_0000.mp4\n");
  write_bytes(dir_ / "Celeb-DF-v2.json", "");
  const Ran ran = doctor({"--subset", "--format", "json"}, "celebdf2");
  EXPECT_EQ(ran.status, 6);
  const auto json = nlohmann::json::parse(ran.out);
  ASSERT_EQ(json["findings"].size(), 3U) << ran.out;
  EXPECT_EQ(json["findings"][0]["subject"], "Celeb-DF-v2.json");
  EXPECT_EQ(json["findings"][1]["subject"], "Celeb-synthesis/id7_id1_0000.mp4");
  EXPECT_EQ(json["findings"][2]["kind"], "polarity");
}

TEST_F(DoctorCommand, WritesChecksumsAndTheOtherProgramsList) {
  const std::string sums = (dir_ / "sums.sha256").string();
  EXPECT_EQ(doctor({"--subset", "--checksums", sums}).status, 0);
  std::ifstream file(sums);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("  Celeb-real/id0_0000.jpg\n"));
  const Ran emitted = doctor({"--subset", "--emit", "dfb-json"});
  EXPECT_EQ(emitted.status, 0);
  EXPECT_TRUE(nlohmann::json::parse(emitted.out)["Celeb-DF-v2"]["CelebDFv2_fake"]["test"].contains("id0_id1_0000"));
}

TEST_F(DoctorCommand, ExplainsAndRefuses) {
  const Ran explained = run_dfa({"doctor", "--explain", "celebdf2"});
  EXPECT_EQ(explained.status, 0);
  EXPECT_THAT(explained.out, HasSubstr("5639"));
  EXPECT_EQ(run_dfa({"doctor", "--explain", "celebdf7"}).status, 2);
  EXPECT_EQ(run_dfa({"doctor"}).status, 2);
  EXPECT_EQ(doctor({}, "nothing").status, 2);
  EXPECT_EQ(doctor({}, "ffpp").status, 3);
  EXPECT_EQ(run_dfa({"doctor", "auto", (dir_ / "absent").string()}).status, 3);
  EXPECT_EQ(doctor({"--quick", "--checksums", "x"}).status, 2);
  EXPECT_EQ(doctor({"--fake-is", "2"}).status, 2);
}

}  // namespace
}  // namespace dfa::test
