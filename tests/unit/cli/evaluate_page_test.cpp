// `dfa evaluate --report` called in this process.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "cli_run.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

class EvaluatePage : public testing::Test {
 protected:
  // The page, after `dfa evaluate --report` with these arguments ended with `status`.
  std::string page(std::vector<std::string> arguments, int status = 0) {
    const std::string file = (dir_ / "report.html").string();
    arguments.insert(arguments.begin(), "evaluate");
    arguments.insert(arguments.end(), {"--bootstrap", "20", "--report", file});
    const Ran outcome = run_dfa(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  const TempDir dir_;
};

TEST_F(EvaluatePage, ShowsTheCropsOfTheWorstErrors) {
  const MadeCrops made;
  const std::string manifest = write_made_crops(dir_.path(), made).string(), model = (dir_ / "m.dfa").string();
  write_tiny_model(model, [&](Model& tiny) {
    tiny.crop = made_recipe(made);
    tiny.golden.reset();  // its crops have another side
  });
  const std::vector<std::string> arguments = {"--data", manifest, "--model", model, "--role", "train"};
  const std::string html = page(arguments);
  EXPECT_NE(html.find("src=\"data:image/jpeg;base64,/9j/"), std::string::npos);
  EXPECT_NE(html.find("SHA-256 of " + manifest), std::string::npos);
  std::vector<std::string> without = arguments;
  without.emplace_back("--no-thumbnails");
  EXPECT_EQ(page(without).find("data:image"), std::string::npos);
}

TEST_F(EvaluatePage, OfScoresFromAFileHasNoPicturesAndNothingUnescaped) {
  const std::filesystem::path scores = dir_ / "scores.csv";
  std::ofstream(scores) << "path,label,p_fake,method\n\"<script>'\"\"\",0,.2,\nr2,0,.4,\nf1,1,.3,<b>\nf2,1,.9,<b>\n";
  const std::string html = page({"--from", scores.string()});
  EXPECT_NE(html.find("&lt;script&gt;&#39;&quot;"), std::string::npos);
  EXPECT_NE(html.find("no picture"), std::string::npos);
  for (const char* raw : {"<script", "<b>&", "src=", "http"}) EXPECT_EQ(html.find(raw), std::string::npos) << raw;
}

TEST_F(EvaluatePage, IsRefusedWhereItWouldNotBeWritten) {
  const std::string scores = (dir_ / "scores.csv").string();
  std::ofstream(scores) << "path,label,p_fake\nr,0,.2\nf,1,.9\n";
  EXPECT_EQ(run_dfa({"evaluate", "--compare", scores, scores, "--report", "x.html"}).status, 2);
  EXPECT_EQ(run_dfa({"evaluate", "--from", scores, "--no-thumbnails"}).status, 2);
}

}  // namespace
}  // namespace dfa::test
