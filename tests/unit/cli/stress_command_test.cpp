// `dfa stress` on samples, with a model whose scores mean nothing but are the same everywhere.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "cli/commands/stress_report.hpp"
#include "cli_run.hpp"
#include "nlohmann/json.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using test::Ran;
using test::TempDir;
using testing::HasSubstr;

class StressCommand : public testing::Test {
 protected:
  // Copies are made in TMPDIR: one of this test's own.
  StressCommand() {
    std::filesystem::create_directories(temporary());
    ::setenv("TMPDIR", temporary().c_str(), 1);
  }
  ~StressCommand() override { ::unsetenv("TMPDIR"); }
  std::filesystem::path temporary() const { return dir_ / "tmp"; }
  Ran stress(std::vector<std::string> arguments) {
    const std::filesystem::path model = dir_ / "tiny.dfa";
    if (!std::filesystem::exists(model)) test::write_tiny_model(model);
    arguments.insert(arguments.begin(), {"stress", "--model", model.string()});
    return test::run_dfa(arguments);
  }
  static std::string sample(const char* name) { return test::source_path("samples") / name; }
  TempDir dir_;
};

TEST_F(StressCommand, EveryCopyIsScoredBesideTheOriginal) {
  const Ran ran = stress({"--format", "json", "--operating-point", "0.5", sample("astronaut.png")});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const json report = json::parse(ran.out);
  EXPECT_EQ(report["schema"], "dfa.stress/1");
  EXPECT_EQ(report["original"]["outcome"], "scored");
  ASSERT_EQ(report["copies"].size(), 24U);
  EXPECT_EQ(report["scored"], 24);
  double low = report["original"]["p_fake"], high = low;
  bool changed = false, flipped = false;
  for (const json& copy : report["copies"]) {
    const double p = copy["p_fake"];
    low = std::min(low, p), high = std::max(high, p);
    changed = changed || p != report["original"]["p_fake"];
    flipped = flipped || copy["verdict"] != report["original"]["verdict"];
  }
  EXPECT_TRUE(changed);
  EXPECT_EQ(report["band"]["low"], low);
  EXPECT_EQ(report["band"]["high"], high);
  EXPECT_EQ(report["verdict"], flipped ? "flips" : "stands");
  EXPECT_TRUE(std::filesystem::is_empty(temporary()));
}

// The copies are those of `dfa perturb`, and their scores those of `dfa detect`.
TEST_F(StressCommand, AgreesWithPerturbAndDetect) {
  const json report = json::parse(stress({"--format", "json", sample("astronaut.png")}).out);
  const std::string out = (dir_ / "out").string();
  ASSERT_EQ(test::run_dfa({"perturb", sample("astronaut.png"), "--kind", "messenger", "--codes", "PHOTO", "--levels",
                           "3", "--out", out})
                .status,
            0);
  const Ran detected = test::run_dfa(
      {"detect", "--format", "json", "--model", (dir_ / "tiny.dfa").string(), out + "/astronaut_PHOTO_3.png"});
  const json item = json::parse(detected.out)["items"][0];
  bool found = false;
  for (const json& copy : report["copies"]) {
    if (copy["code"] != "PHOTO" || copy["level"] != 3) continue;
    EXPECT_EQ(copy["p_fake"], item["p_fake"]);
    found = true;
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(report["verdict"], "none");  // this model has no threshold
}

TEST_F(StressCommand, WithoutAFaceThereIsNothingToCompare) {
  const Ran ran = stress({"--families", "messenger", sample("rocket.jpg")});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.out, HasSubstr("nothing to compare"));
  EXPECT_THAT(ran.out, testing::Not(HasSubstr("p_fake from")));
}

TEST_F(StressCommand, RefusesWhatIsNoFile) {
  EXPECT_EQ(stress({(dir_ / "gone.png").string()}).status, 3);
  test::write_bytes(dir_ / "text.png", "text");
  EXPECT_EQ(stress({(dir_ / "text.png").string()}).status, 3);
  EXPECT_EQ(stress({dir_.path().string()}).status, 2);
  EXPECT_EQ(stress({"--families", "sharks", sample("rocket.jpg")}).status, 2);
}

ItemRecord scored(double p_fake, Verdict verdict) {
  ItemRecord record;
  record.outcome = Outcome::scored;
  record.p_fake = p_fake;
  record.verdict = verdict;
  return record;
}

TEST(StressReport, OneOtherVerdictIsAFlip) {
  cli::StressReport report;
  report.original = scored(0.7, Verdict::fake);
  report.copies = {{{PerturbKind::recompress, "JPEG", 1}, scored(0.9, Verdict::fake)}};
  EXPECT_EQ(report.verdict(), cli::VerdictFate::stands);
  report.copies.push_back({{PerturbKind::recompress, "JPEG", 5}, scored(0.2, Verdict::real)});
  EXPECT_EQ(report.verdict(), cli::VerdictFate::flips);
  EXPECT_EQ(report.band(), (std::pair{0.2, 0.9}));
  report.copies.push_back({{PerturbKind::recompress, "WEBP", 5}, ItemRecord{}});  // not scored: neither
  EXPECT_EQ(report.scored(), 2U);
  EXPECT_THAT(cli::stress_text(report), HasSubstr("<- flips"));
  report.original = scored(0.5, Verdict::inconclusive);
  EXPECT_EQ(report.verdict(), cli::VerdictFate::none);
  report.original = ItemRecord{};
  EXPECT_FALSE(report.band());
}

}  // namespace
}  // namespace dfa
