// Strict parsing: whatever is not understood ends with status 2 and says what to do.
#include <gmock/gmock.h>

#include "cli_run.hpp"

namespace dfa {
namespace {

using test::Ran;
using test::run_dfa;
using testing::HasSubstr;
using testing::IsEmpty;

struct Wrong {
  std::vector<std::string> arguments;
  std::string says;
};

TEST(Usage, MistakesEndWithTwoAndAnExplanationOnStderr) {
  const std::vector<Wrong> mistakes = {
      {{"detct", "x.png"}, "did you mean detect?"},
      {{"detect", "--framse", "3", "x.png"}, "did you mean --frames?"},
      {{"detect", "--fromat=json", "x.png"}, "did you mean --format?"},
      {{"detect", "x.png", "--frames"}, "--frames"},
      {{"detect", "--frames", "--fps", "x.png"}, "--frames"},
      {{"detect", "--frames", "12x", "x.png"}, "\"12x\" is not a whole number between 1 and 1000000"},
      {{"detect", "--frames", "0", "x.png"}, "between 1 and"},
      {{"detect", "--frames", "-3", "x.png"}, "--frames"},
      {{"detect", "--frames", "0x10", "x.png"}, "whole number"},
      {{"detect", "--frames", " 3", "x.png"}, "whole number"},
      {{"detect", "--frames", "3.5", "x.png"}, "whole number"},
      {{"detect", "--frames", "99999999999999999999", "x.png"}, "whole number"},
      {{"detect", "--fps", "nan", "x.png"}, "--fps"},
      {{"detect", "--fps", "0", "x.png"}, "above 0"},
      {{"detect", "--fps", "2 ", "x.png"}, "--fps"},
      {{"detect", "--max-duration", "inf", "x.png"}, "--max-duration"},
      {{"detect", "--frames", "3", "--fps", "2", "x.png"}, "excludes"},
      {{"detect", "--every-frame", "--frames", "3", "x.png"}, "excludes"},
      {{"detect", "--shard", "3/2", "x.png"}, "i/n"},
      {{"detect", "--shard", "1/2x", "x.png"}, "i/n"},
      {{"detect", "--shard", "0/2", "x.png"}, "i/n"},
      {{"detect", "--format", "xml", "x.png"}, "expected text, json, jsonl, csv"},
      {{"detect", "--engine", "int8", "x.png"}, "carries scales"},
      {{"detect", "--engine", "fast", "x.png"}, "expected auto, ref, f32, bf16 or int8"},
      {{"detect", "--threads", "-1", "x.png"}, "--threads"},
      {{"detect", "--journal", "j", "x.png"}, "--journal is not known to dfa detect"},
      {{"detect", "--report", "r.html", "x.png"}, "--report is not known"},
      {{"detect"}, "PATH"},
      {{"version", "extra"}, "\"extra\" was not expected after dfa version"},
      {{"--quiet", "-v", "version"}, "excludes"},
  };
  for (const Wrong& wrong : mistakes) {
    const Ran ran = run_dfa(wrong.arguments);
    EXPECT_EQ(ran.status, 2) << testing::PrintToString(wrong.arguments) << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(wrong.says)) << testing::PrintToString(wrong.arguments);
    EXPECT_THAT(ran.out, IsEmpty());
  }
}

TEST(Usage, MistakesNameTheHelpToRead) {
  EXPECT_THAT(run_dfa({"detect", "--bogus", "x"}).err, HasSubstr("next step: dfa detect --help"));
  EXPECT_THAT(run_dfa({"bogus"}).err, HasSubstr("next step: dfa --help"));
}

TEST(Usage, HelpIsAnAnswerWithAnExample) {
  const Ran top = run_dfa({"--help"});
  EXPECT_EQ(top.status, 0);
  EXPECT_THAT(top.out, HasSubstr("dfa detect"));
  EXPECT_THAT(top.out, HasSubstr("Example:"));
  EXPECT_THAT(top.err, IsEmpty());
  const Ran detect = run_dfa({"detect", "--help"});
  EXPECT_EQ(detect.status, 0);
  EXPECT_THAT(detect.out, HasSubstr("Examples:"));
  for (const char* option : {"--model", "--engine", "--threads", "--format", "--frames", "--fps", "--every-frame",
                             "--detector", "--min-face", "--max-faces", "--operating-point", "--exit-on-fake",
                             "--force-crop", "--shard", "--max-pixels", "--max-duration", "--max-bytes"})
    EXPECT_THAT(detect.out, HasSubstr(option));
}

TEST(Usage, NothingAtAllIsAMistakeThatShowsTheHelp) {
  const Ran ran = run_dfa({});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("Example:"));
  EXPECT_THAT(ran.out, IsEmpty());
}

TEST(Usage, AFileNamedLikeACommandIsAFile) {
  const Ran ran = run_dfa({"detect", "--model", "gone.dfa", "version"});
  EXPECT_EQ(ran.status, 5) << ran.err;
}

}  // namespace
}  // namespace dfa
