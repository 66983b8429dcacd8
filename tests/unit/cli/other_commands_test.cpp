#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli_run.hpp"
#include "face/dlib_part.hpp"
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

}  // namespace
}  // namespace dfa
