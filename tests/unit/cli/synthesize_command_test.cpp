// `dfa synthesize` called in this process, on samples with given landmarks: no dlib is needed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "cli/commands/synthesize_job.hpp"
#include "cli_run.hpp"
#include "dataset/manifest.hpp"
#include "media/read_picture.hpp"
#include "media/video_reader.hpp"
#include "media/video_writer.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class SynthesizeCommand : public testing::Test {
 protected:
  SynthesizeCommand() {
    std::filesystem::create_directories(dir_ / "in");
    for (const char* name : {"astronaut.png", "grace_hopper.jpg", "rocket.jpg"}) copy_sample(name);
  }
  void copy_sample(const char* name) { std::filesystem::copy_file(source_path("samples") / name, dir_ / "in" / name); }
  Ran synthesize(const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> argv = {"synthesize",  (dir_ / "in").string(),
                                     "--out",       (dir_ / out).string(),
                                     "--landmarks", source_path("tests/golden/synthesis/landmarks68.jsonl").string(),
                                     "--size",      "96"};
    argv.insert(argv.end(), more.begin(), more.end());
    return run_dfa(argv);
  }
  // Name -> bytes of everything below a folder.
  std::map<std::string, std::string> files(const std::string& out) const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ / out))
      if (entry.is_regular_file()) all[entry.path().lexically_relative(dir_ / out).string()] = content(entry.path());
    return all;
  }
  const TempDir dir_;
};

TEST_F(SynthesizeCommand, WritesPairsMasksParametersAndAManifest) {
  const Ran ran = synthesize("out", {"--kind", "self-blend", "--count", "4", "--format", "json", "--role", "val"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const auto report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(report["pictures"]["used"], 2);
  EXPECT_EQ(report["pictures"]["no_face"].get<int>() + report["pictures"].value("low_quality", 0), 1);
  EXPECT_EQ(report["pairs"]["made"], 4);
  const Manifest manifest = read_manifest(dir_ / "out/manifest.jsonl").value();
  ASSERT_EQ(manifest.entries.size(), 8u);
  EXPECT_EQ(manifest.crop_name, "sbi-train");
  EXPECT_EQ(manifest.stored_px, 96);
  for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
    const ManifestEntry& entry = manifest.entries[i];
    EXPECT_EQ(entry.label, static_cast<int>(i % 2));
    EXPECT_EQ(entry.role, Role::val);
    EXPECT_EQ(entry.method, i % 2 == 0 ? "" : "self-blend");
    const Picture picture = read_picture(dir_ / "out" / entry.path, {}).value();
    EXPECT_EQ(picture.width, 96);
    if (i % 2 == 1) {
      EXPECT_EQ(read_picture(dir_ / "out" / entry.mask, {}).value().height, 96);
    }
  }
  std::ifstream parameters(dir_ / "out/pairs.jsonl");
  int lines = 0;
  for (std::string line; std::getline(parameters, line); ++lines) {
    const auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["kind"], "self-blend");
    EXPECT_EQ(json["target"]["landmarks68_px"].size(), 68u);
    EXPECT_TRUE(json["draws"].contains("r"));
  }
  EXPECT_EQ(lines, 4);
  EXPECT_EQ(nlohmann::json::parse(content(dir_ / "out/coverage.json")), report);
}

TEST_F(SynthesizeCommand, EqualSeedsGiveEqualBytesWhateverTheThreads) {
  std::filesystem::remove(dir_ / "in/rocket.jpg");
  for (const char* kind : {"self-blend", "swap"}) {
    const std::string name = kind;
    ASSERT_EQ(synthesize(name + "1", {"--kind", kind, "--count", "4", "--threads", "1", "--role", "train"}).status, 0);
    ASSERT_EQ(synthesize(name + "3", {"--kind", kind, "--count", "4", "--threads", "3", "--role", "train"}).status, 0);
    EXPECT_EQ(files(name + "1"), files(name + "3")) << kind;
    EXPECT_EQ(files(name + "1").size(), 15u);
  }
  ASSERT_EQ(synthesize("other", {"--kind", "self-blend", "--count", "4", "--seed", "2", "--role", "train"}).status, 0);
  EXPECT_NE(files("other")["fake/000000.png"], files("self-blend1")["fake/000000.png"]);
}

TEST_F(SynthesizeCommand, CountsWhatItCouldNotUse) {
  write_bytes(dir_ / "in/broken.png", "no picture");
  copy_sample("swap_astronaut.jpg");  // a face without given landmarks
  const Ran ran = synthesize("out", {"--kind", "self-blend", "--format", "json"});
  EXPECT_EQ(ran.status, 6);
  const auto report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(report["pictures"]["unreadable"], 1);
  EXPECT_EQ(report["pictures"]["no_landmarks"], 1);
  EXPECT_EQ(report["pictures"]["used"], 2);
  EXPECT_EQ(report["pairs"]["made"], 2);  // one a usable picture
  EXPECT_THAT(ran.err, HasSubstr("broken.png"));
}

TEST_F(SynthesizeCommand, MixesNeverWithinOneIdentity) {
  const Ran ran = synthesize("out", {"--kind", "cross-blend", "--identity", "folder", "--role", "train"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.out, HasSubstr("2 no_partner"));
}

TEST_F(SynthesizeCommand, RefusesBeforeItWorks) {
  std::filesystem::create_directories(dir_ / "full");
  write_bytes(dir_ / "full/file", "x");
  const Ran full = synthesize("full", {"--kind", "self-blend"});
  EXPECT_EQ(full.status, 2);
  EXPECT_THAT(full.err, HasSubstr("not empty"));
  EXPECT_EQ(synthesize("out", {"--kind", "gan"}).status, 2);
  EXPECT_EQ(synthesize("out", {"--kind", "self-blend", "--recipe", "none"}).status, 2);
  EXPECT_EQ(synthesize("out", {"--kind", "self-blend", "--role", "dev"}).status, 2);
  EXPECT_EQ(synthesize("out", {"--kind", "self-blend", "--identity", "name"}).status, 2);
  EXPECT_EQ(run_dfa({"synthesize", "/nowhere", "--out", (dir_ / "out").string(), "--kind", "swap", "--landmarks",
                     source_path("tests/golden/synthesis/landmarks68.jsonl").string()})
                .status,
            3);
  write_bytes(dir_ / "points.jsonl", "{\"path\": \"a.png\", \"landmarks68_px\": [[1, 2]]}\n");
  const Ran points = run_dfa({"synthesize", (dir_ / "in").string(), "--out", (dir_ / "out").string(), "--kind", "swap",
                              "--landmarks", (dir_ / "points.jsonl").string()});
  EXPECT_EQ(points.status, 3);
  EXPECT_THAT(points.err, HasSubstr("points.jsonl:1"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out/manifest.jsonl"));
}

TEST_F(SynthesizeCommand, StopsWhenAskedToAndLeavesNoManifest) {
  CancelFlag cancel;
  cancel.request(2);
  const Ran ran = run_dfa({"synthesize", (dir_ / "in").string(), "--out", (dir_ / "out").string(), "--kind", "swap",
                           "--landmarks", source_path("tests/golden/synthesis/landmarks68.jsonl").string()},
                          "", cancel);
  EXPECT_EQ(ran.status, 130);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out/manifest.jsonl"));
}

TEST_F(SynthesizeCommand, SwapsVideosFrameByFrame) {
  copy_sample("swap_astronaut.mp4");
  const Ran ran =
      synthesize("out", {"--kind", "swap", "--count", "1", "--frames", "2", "--role", "train", "--format", "json"});
  ASSERT_EQ(ran.status, 0) << ran.err;
  const auto report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(report["videos"]["used"], 1);
  EXPECT_EQ(report["video_frames"]["used"], 2);
  EXPECT_EQ(report["pairs"]["made"], 3);
  const Manifest manifest = read_manifest(dir_ / "out/manifest.jsonl").value();
  ASSERT_EQ(manifest.entries.size(), 6u);
  EXPECT_EQ(manifest.entries[3].path, "fake/v0000/000000.png");
  EXPECT_EQ(manifest.entries[3].video, "fake/v0000");
  EXPECT_EQ(manifest.entries[5].frame, 124);
  EXPECT_EQ(video_key(manifest.entries[3]), video_key(manifest.entries[5]));
  EXPECT_NE(video_key(manifest.entries[2]), video_key(manifest.entries[3]));
}

std::vector<Picture> frames_of(const std::filesystem::path& video) {
  std::vector<Picture> frames;
  auto reader = VideoReader::open(video, {}).value();
  EXPECT_TRUE(reader->select({.way = FrameSelection::Way::every}));
  while (auto frame = reader->next().value()) frames.push_back(std::move(frame->picture));
  return frames;
}

// Mean absolute difference of grey levels inside a box.
double difference(const Picture& a, const Picture& b, int x1, int y1, int x2, int y2) {
  double sum = 0;
  for (int y = y1; y < y2; ++y)
    for (int i = 3 * x1; i < 3 * x2; ++i) sum += std::abs(int{a.view().row(y)[i]} - int{b.view().row(y)[i]});
  return sum / (3.0 * (x2 - x1) * (y2 - y1));
}

// A clip of one still, whose landmarks are known, but for its last frame: that one is kept as it is.
TEST_F(SynthesizeCommand, SwapsWholeVideos) {
  constexpr int kFrames = 4;
  const Picture still = read_picture(source_path("samples/astronaut.png"), {}).value();
  auto writer = VideoWriter::create(dir_ / "in/clip.mp4", VideoEncoding{}).value();
  for (int i = 0; i < kFrames; ++i) ASSERT_TRUE(writer->add(still.view()));
  ASSERT_TRUE(writer->finish());
  std::ifstream golden(source_path("tests/golden/synthesis/landmarks68.jsonl"));
  std::ofstream landmarks(dir_ / "points.jsonl");
  for (std::string line; std::getline(golden, line);) {
    landmarks << line << '\n';
    auto json = nlohmann::json::parse(line);
    if (json["path"] != "astronaut.png") continue;
    for (int i = 0; i + 1 < kFrames; ++i) {
      json["path"] = fmt::format("clip.mp4#{}", i);
      landmarks << json.dump() << '\n';
    }
  }
  landmarks.close();
  std::filesystem::remove(dir_ / "in/astronaut.png");
  const Ran ran = run_dfa({"synthesize", (dir_ / "in").string(), "--out", (dir_ / "out").string(), "--landmarks",
                           (dir_ / "points.jsonl").string(), "--kind", "swap", "--videos", "whole", "--frames", "2",
                           "--role", "train", "--format", "json"});
  ASSERT_LE(ran.status, 6) << ran.err;
  const auto report = nlohmann::json::parse(ran.out);
  EXPECT_EQ(report["whole_videos"]["frames_swapped"], kFrames - 1) << ran.out;
  EXPECT_EQ(report["whole_videos"]["frames_kept"], 1);
  const std::vector<Picture> real = frames_of(dir_ / "out/real/v0000.mp4"),
                             fake = frames_of(dir_ / "out/fake/v0000.mp4");
  ASSERT_EQ(real.size(), static_cast<std::size_t>(kFrames));
  ASSERT_EQ(fake.size(), real.size());
  // The face is another one, what lies far from it is the same but for the codec.
  const double swapped = difference(real[0], fake[0], 195, 100, 255, 165);
  EXPECT_GT(swapped, 8);
  EXPECT_LT(difference(real[0], fake[0], 300, 300, 500, 500), 1);
  EXPECT_LT(difference(real.back(), fake.back(), 195, 100, 255, 165), swapped / 1.5);
}

TEST_F(SynthesizeCommand, CutsByCropRecipesToo) {
  for (const auto& [recipe, kind] : {std::pair{"whole", "cross-blend"}, {"aligned1.3", "swap"}}) {
    const std::string out = std::string("out-") + recipe;
    ASSERT_EQ(synthesize(out, {"--kind", kind, "--role", "train", "--recipe", recipe}).status, 0);
    const Manifest manifest = read_manifest(dir_ / out / "manifest.jsonl").value();
    EXPECT_EQ(manifest.crop_name, recipe);
    EXPECT_EQ(manifest.crop_sha256.empty(), std::string(recipe) == "whole");
    EXPECT_EQ(manifest.entries.size(), 4u);
  }
}

TEST(RoleByHash, SpreadsByContent) {
  EXPECT_EQ(cli::role_by_hash(std::string(64, '0')), Role::train);
  EXPECT_EQ(cli::role_by_hash("000050" + std::string(58, '0')), Role::val);          // 80
  EXPECT_EQ(cli::role_by_hash("00005a" + std::string(58, '0')), Role::calibration);  // 90
  EXPECT_EQ(cli::role_by_hash("000063" + std::string(58, '0')), Role::test);         // 99
}

}  // namespace
}  // namespace dfa::test
