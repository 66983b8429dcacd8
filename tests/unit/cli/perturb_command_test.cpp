// `dfa perturb` called in this process.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli_run.hpp"
#include "media/read_picture.hpp"
#include "media/video_reader.hpp"
#include "media/video_writer.hpp"
#include "media/write_picture.hpp"
#include "perturb/perturb.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Picture ramp(int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (const int value : {200 * x / width + 20, 200 * y / height + 20, 128})
        picture.rgb.push_back(static_cast<std::uint8_t>(value));
  return picture;
}

class PerturbCommand : public testing::Test {
 protected:
  std::string path(std::string_view name) const { return (dir_ / name).string(); }
  std::string out() const { return path("out"); }

  std::string picture(std::string_view name, int width = 40, int height = 30) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    EXPECT_TRUE(write_picture_png(path(name), ramp(width, height).view()));
    return path(name);
  }
  std::string video(std::string_view name) const {
    VideoEncoding encoding;
    encoding.crf = 2;
    encoding.rate = {24000, 1001};
    EXPECT_TRUE(write_video(path(name), std::vector(8, ramp(64, 48)), encoding));
    return path(name);
  }
  std::vector<std::string> written() const {
    std::vector<std::string> names;
    if (std::filesystem::exists(out()))
      for (const auto& entry : std::filesystem::directory_iterator(out())) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  static std::string bytes(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  const TempDir dir_;
};

TEST_F(PerturbCommand, WritesAFileForEachCodeAndLevel) {
  const Ran ran = run_dfa({"perturb", picture("a.png"), "--codes", "CS,GB", "--levels", "1-2,5", "--out", out()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(written(),
              ElementsAre("a_CS_1.png", "a_CS_2.png", "a_CS_5.png", "a_GB_1.png", "a_GB_2.png", "a_GB_5.png"));
  EXPECT_EQ(std::count(ran.out.begin(), ran.out.end(), '\n'), 6);
  EXPECT_THAT(ran.out, HasSubstr("a_CS_2.png"));
  EXPECT_THAT(ran.err, IsEmpty());
  const auto got = read_picture(out() + "/a_CS_2.png", MediaLimits{});
  const auto want = perturb(ramp(40, 30).view(), {PerturbKind::deeperforensics, "CS", 2}, RngStream(0, "unused"));
  ASSERT_TRUE(got && want);
  EXPECT_EQ(got->rgb, want->rgb);
}

TEST_F(PerturbCommand, EveryKindIsThere) {
  const std::string input = picture("a.png");
  ASSERT_EQ(run_dfa({"perturb", input, "--out", out()}).status, 0);
  EXPECT_EQ(written().size(), 35U);
  for (const auto& [kind, files] : {std::pair{"gend", 35U}, {"recompress", 20U}, {"messenger", 10U}}) {
    std::filesystem::remove_all(out());
    const Ran ran = run_dfa({"perturb", input, "--kind", kind, "--out", out()});
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(written().size(), files) << kind;
  }
}

TEST_F(PerturbCommand, NoiseFollowsSeedAndNameAlone) {
  const std::string a = picture("a.png"), b = picture("b.png");
  const auto run = [&](std::vector<std::string> inputs, const std::string& seed, const std::string& folder) {
    inputs.insert(inputs.begin(), "perturb");
    inputs.insert(inputs.end(), {"--codes", "GNC", "--levels", "3", "--seed", seed, "--out", path(folder)});
    EXPECT_EQ(run_dfa(inputs).status, 0);
  };
  run({a, b}, "7", "x");
  run({b}, "7", "y");
  run({b}, "8", "z");
  EXPECT_EQ(bytes(path("x/b_GNC_3.png")), bytes(path("y/b_GNC_3.png")));
  EXPECT_NE(bytes(path("x/b_GNC_3.png")), bytes(path("z/b_GNC_3.png")));
  EXPECT_NE(bytes(path("x/b_GNC_3.png")), bytes(path("x/a_GNC_3.png")));
}

TEST_F(PerturbCommand, VideosKeepFramesAndRate) {
  const Ran ran = run_dfa({"perturb", video("v.mp4"), "--codes", "CC,VC", "--levels", "5", "--out", out()});
  ASSERT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(written(), ElementsAre("v_CC_5.mp4", "v_VC_5.mp4"));
  for (const char* name : {"/v_CC_5.mp4", "/v_VC_5.mp4"}) {
    const auto reader = VideoReader::open(out() + name, MediaLimits{});
    ASSERT_TRUE(reader) << reader.error().message;
    EXPECT_EQ((*reader)->info().frames_counted, 8);
    EXPECT_EQ((*reader)->info().frame_rate, (FrameRate{24000, 1001}));
  }
  const auto dimmed = VideoReader::open(out() + "/v_CC_5.mp4", MediaLimits{});
  const auto frame = (*dimmed)->next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_NEAR((**frame).picture.view().row(24)[3 * 32 + 2], 0.35 * 128, 3);
  EXPECT_LT(std::filesystem::file_size(out() + "/v_VC_5.mp4"), std::filesystem::file_size(path("v.mp4")));
}

TEST_F(PerturbCommand, EqualNamesAreAnErrorBeforeAnythingIsWritten) {
  const Ran ran = run_dfa({"perturb", picture("x/a.png"), picture("y/a.png"), "--codes", "CC", "--out", out()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("a_CC_1.png would be written twice"));
  EXPECT_THAT(ran.err, HasSubstr("next step:"));
  EXPECT_THAT(written(), IsEmpty());
  // A picture and a video of one name are two files.
  const Ran mixed =
      run_dfa({"perturb", picture("a.png"), video("a.mp4"), "--codes", "CC", "--levels", "1", "--out", out()});
  EXPECT_EQ(mixed.status, 0) << mixed.err;
  EXPECT_THAT(written(), ElementsAre("a_CC_1.mp4", "a_CC_1.png"));
}

TEST_F(PerturbCommand, DoesNotWriteOverAnInput) {
  const std::string a = picture("out/a.png"), trap = picture("out/a_CC_1.png");
  const std::string before = bytes(trap);
  const Ran ran = run_dfa({"perturb", a, trap, "--codes", "CC", "--levels", "1", "--out", out()});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("written over the input"));
  EXPECT_EQ(bytes(trap), before);
}

TEST_F(PerturbCommand, ReportsBadFilesAndGoesOn) {
  write_bytes(path("bad.png"), "no picture at all");
  const std::string good = picture("good.png");
  const std::vector<std::string> rest = {"--codes", "CC", "--levels", "1", "--out", out()};
  const auto run = [&](std::vector<std::string> argv) {
    argv.insert(argv.begin(), "perturb");
    argv.insert(argv.end(), rest.begin(), rest.end());
    return run_dfa(argv);
  };
  const Ran some = run({path("bad.png"), path("missing.png"), good});
  EXPECT_EQ(some.status, 6);
  EXPECT_THAT(some.err, HasSubstr("bad.png: "));
  EXPECT_THAT(some.err, HasSubstr("missing.png: "));
  EXPECT_THAT(written(), ElementsAre("good_CC_1.png"));
  EXPECT_EQ(run({path("bad.png")}).status, 3);
  std::filesystem::create_directories(path("empty"));
  const Ran none = run({path("empty")});
  EXPECT_EQ(none.status, 3);
  EXPECT_THAT(none.err, HasSubstr("no input: "));
}

// H.265 begins at 16 x 16: that file alone is missing.
TEST_F(PerturbCommand, ACodeThatRefusesAPictureIsNamed) {
  const Ran ran = run_dfa({"perturb", picture("tiny.png", 8, 8), "--kind", "recompress", "--codes", "JPEG,H265",
                           "--levels", "1", "--out", out()});
  EXPECT_EQ(ran.status, 6);
  EXPECT_THAT(ran.err, HasSubstr("H265 1: "));
  EXPECT_THAT(written(), ElementsAre("tiny_JPEG_1.png"));
}

TEST_F(PerturbCommand, MistakesAreNamedBeforeWorkStarts) {
  const std::string input = picture("a.png");
  const auto says = [&](std::vector<std::string> argv) {
    argv.insert(argv.begin(), "perturb");
    const Ran ran = run_dfa(argv);
    EXPECT_EQ(ran.status, 2) << ran.err;
    EXPECT_THAT(ran.out, IsEmpty());
    return ran.err;
  };
  EXPECT_THAT(says({"--out", out()}), HasSubstr("PICTURE is missing"));
  EXPECT_THAT(says({input}), HasSubstr("--out is missing"));
  EXPECT_THAT(says({input, "--out", out(), "--kind", "blur"}), HasSubstr("messenger"));
  EXPECT_THAT(says({input, "--out", out(), "--codes", "CX"}), HasSubstr("CS, CC, BW, GNC, GB, JPEG, VC"));
  EXPECT_THAT(says({input, "--out", out(), "--levels", "6"}), HasSubstr("it has 1 to 5"));
  for (const char* levels : {"0", "3-1", "x", "1-", "1,,2", "-2", "1-999"})
    EXPECT_THAT(says({input, "--out", out(), std::string("--levels=") + levels}), HasSubstr("e.g. 1-3,5"));
  EXPECT_THAT(says({input, "--out", out(), "--seed", "-1"}), HasSubstr("--seed"));
  EXPECT_THAT(written(), IsEmpty());
}

TEST_F(PerturbCommand, ListTellsWhatEachCodeDoes) {
  const Ran ran = run_dfa({"perturb", "--list"});
  ASSERT_EQ(ran.status, 0);
  for (const char* text : {"deeperforensics", "gend", "recompress", "messenger", "pixelation", "1: k = 7", "5: crf 40",
                           "18: 64 hamming", "without clipping"})
    EXPECT_THAT(ran.out, HasSubstr(text));
}

TEST_F(PerturbCommand, ASignalEndsItWithItsStatus) {
  CancelFlag cancel;
  cancel.request(2);
  const Ran ran = run_dfa({"perturb", picture("a.png"), "--codes", "CC", "--out", out()}, "", cancel);
  EXPECT_EQ(ran.status, 130);
  EXPECT_THAT(written(), IsEmpty());
}

TEST_F(PerturbCommand, AFolderThatCannotBeMadeIsAMachineThatSaysNo) {
  write_bytes(path("file"), "x");
  const Ran ran = run_dfa({"perturb", picture("a.png"), "--codes", "CC", "--out", path("file/out")});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.err, HasSubstr("cannot be made"));
}

}  // namespace
}  // namespace dfa::test
