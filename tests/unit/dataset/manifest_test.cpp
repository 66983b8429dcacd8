#include "dataset/manifest.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

const std::string kHash(64, 'a');
const std::string kHeader = R"({"dfa_manifest":1,"crop":{"recipe":"aligned1.3","stored_px":256},"root":"crops"})";

Result<Manifest> parse(const std::string& lines, const std::string& header = kHeader) {
  return parse_manifest(header + "\n" + lines, "m.jsonl");
}

std::string message(const std::string& lines, const std::string& header = kHeader) {
  const auto manifest = parse(lines, header);
  EXPECT_FALSE(manifest) << lines;
  return manifest ? "" : manifest.error().message;
}

TEST(Manifest, ReadsEveryField) {
  const auto manifest = parse(
      R"({"path":"a/1.png","label":1,"role":"test","set":"s","method":"m","identity":"i","source":"o","video":"v.mp4","frame":7,"pts_seconds":0.25,)"
      R"("box_px":[1,2,3.5,4],"landmarks_px":[[1,2],[3,4],[5,6],[7,8],[9,10]],"mask":"mask.png","crop_sha256":")" +
      kHash + "\"}\r\n\n");
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->crop_name, "aligned1.3");
  EXPECT_EQ(manifest->stored_px, 256);
  EXPECT_EQ(manifest->root, "crops");
  ASSERT_EQ(manifest->entries.size(), 1U);
  const ManifestEntry& entry = manifest->entries[0];
  EXPECT_EQ(entry.path, "a/1.png");
  EXPECT_EQ(entry.label, 1);
  EXPECT_EQ(entry.role, Role::test);
  EXPECT_EQ(entry.video, "v.mp4");
  EXPECT_EQ(entry.frame, 7);
  EXPECT_EQ(entry.pts_seconds, 0.25);
  EXPECT_EQ(entry.box_px->x2, 3.5);
  EXPECT_EQ((*entry.landmarks_px)[4].y, 10);
  EXPECT_EQ(entry.crop_sha256, kHash);
}

TEST(Manifest, NullMeansNotThere) {
  const auto manifest = parse(
      R"({"path":"1.png","label":null,"role":"train","method":null,"video":null,"frame":null,"box_px":null,"mask":null})");
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_FALSE(manifest->entries[0].label);
  EXPECT_EQ(manifest->entries[0].video, "");
  EXPECT_FALSE(manifest->entries[0].box_px);
}

TEST(Manifest, WritesWhatItReads) {
  Manifest manifest;
  manifest.crop_name = "square1.3-inside";
  manifest.stored_px = 192;
  manifest.crop_sha256 = kHash;
  ManifestEntry video;
  video.path = "v/003.png";
  video.label = 0;
  video.role = Role::val;
  video.box_px = Box{1, 2, 3, 4};
  ManifestEntry still;
  still.path = "s/004.png";
  still.label = 1;
  still.video = "";
  manifest.entries = {video, still};
  const test::TempDir dir;
  ASSERT_TRUE(write_manifest(manifest, dir / "m.jsonl"));
  const auto back = read_manifest(dir / "m.jsonl");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(manifest_text(*back), manifest_text(manifest));
  EXPECT_FALSE(back->entries[0].video);
  EXPECT_EQ(back->entries[1].video, "");
  manifest.entries.push_back(still);
  EXPECT_FALSE(write_manifest(manifest, dir / "twice.jsonl"));
}

TEST(Manifest, RootIsRelativeToItsFolderUnlessAbsolute) {
  Manifest manifest;
  manifest.root = "crops";
  EXPECT_EQ(manifest_root(manifest, "/data/set/m.jsonl"), "/data/set/crops");
  manifest.root = "/elsewhere";
  EXPECT_EQ(manifest_root(manifest, "/data/set/m.jsonl"), "/elsewhere");
}

TEST(Manifest, VideoKey) {
  ManifestEntry entry;
  entry.path = "fake/a/0007.png";
  EXPECT_EQ(video_key(entry), "fake/a");
  entry.path = "fake/a/img7.png";
  EXPECT_EQ(video_key(entry), "fake/a/img7.png");
  entry.video = "fake/a.mp4";
  EXPECT_EQ(video_key(entry), "fake/a.mp4");
  entry.path = "fake/a/0007.png";
  entry.video = "";
  EXPECT_EQ(video_key(entry), "fake/a/0007.png");
}

TEST(Manifest, HeaderIsStrict) {
  EXPECT_NE(message("", "").find("m.jsonl"), std::string::npos);
  EXPECT_NE(message("", R"({"path":"x"})").find("dfa_manifest"), std::string::npos);
  EXPECT_NE(message("", R"({"dfa_manifest":2,"crop":{"recipe":"r","stored_px":1},"root":"."})")
                .find("version 2, this build reads 1"),
            std::string::npos);
  EXPECT_NE(message("", R"({"dfa_manifest":1,"root":"."})").find("crop"), std::string::npos);
  EXPECT_NE(message("", R"({"dfa_manifest":1,"crop":{"recipe":"r"},"root":"."})").find("stored_px"), std::string::npos);
  EXPECT_NE(message("", R"({"dfa_manifest":1,"crop":{"recipe":"r","stored_px":1,"sha256":"x"},"root":"."})").find("64"),
            std::string::npos);
  EXPECT_NE(message("", R"({"dfa_manifest":1,"crop":{"recipe":"r","stored_px":1},"root":""})").find("root"),
            std::string::npos);
  EXPECT_NE(message("", R"({"dfa_manifest":1,"crop":{"recipe":"r","stored_px":1},"root":".","extra":1})").find("extra"),
            std::string::npos);
}

TEST(Manifest, LinesAreStrictAndNamed) {
  const std::string good = R"({"path":"1.png","label":0,"role":"train","video":null})";
  EXPECT_EQ(message(good + "\nnot json").find("m.jsonl:3: "), 0U);
  EXPECT_NE(message(R"({"label":0,"role":"train"})").find("\"path\" is missing"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","role":"train"})").find("label"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":2,"role":"train"})").find("0 (real), 1 (fake) or null"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":true,"role":"train"})").find("label"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0})").find("role"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"dev"})").find("train, val, calibration or test"),
            std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","lable":1})").find("unknown key \"lable\""),
            std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"label":1,"role":"train"})").find("given twice"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","frame":-1})").find("frame"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","frame":1.5})").find("frame"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","box_px":[3,2,1,4]})").find("area"), std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","landmarks_px":[[1,2],[3,4]]})").find("five"),
            std::string::npos);
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","crop_sha256":"XYZ"})").find("crop_sha256"),
            std::string::npos);
}

TEST(Manifest, PathsStayBelowTheRoot) {
  for (const char* path : {"../a.png", "a/../../b.png", "/etc/passwd", "a\\u0000b"})
    EXPECT_NE(
        message(std::string(R"({"path":")") + path + R"(","label":0,"role":"train"})").find("stays below the root"),
        std::string::npos)
        << path;
  EXPECT_NE(message(R"({"path":"a","label":0,"role":"train","mask":"../m.png"})").find("mask"), std::string::npos);
}

TEST(Manifest, OnePictureOneRole) {
  const std::string first = R"({"path":"v/1.png","label":0,"role":"train","video":"v.mp4"})";
  EXPECT_NE(message(first + "\n" + first).find("listed twice, first in line 2"), std::string::npos);
  EXPECT_NE(message(first + "\n" + R"({"path":"v/2.png","label":0,"role":"test","video":"v.mp4"})")
                .find("must not be trained on"),
            std::string::npos);
  EXPECT_NE(message(R"({"path":"f/1.png","label":0,"role":"train"})"
                    "\n"
                    R"({"path":"f/2.png","label":0,"role":"val"})")
                .find("still pictures say \"video\": null"),
            std::string::npos);
  const std::string hash = R"(,"crop_sha256":")" + kHash + "\"}";
  EXPECT_NE(
      message(R"({"path":"a","label":0,"role":"train")" + hash + "\n" + R"({"path":"b","label":0,"role":"val")" + hash)
          .find("crop_sha256"),
      std::string::npos);
}

TEST(Manifest, Limits) {
  ManifestLimits limits;
  limits.max_line_bytes = 100;
  const auto long_line = parse_manifest(
      kHeader + "\n" + R"({"path":"a","label":0,"role":"train","set":")" + std::string(200, 'x') + "\"}", "m", limits);
  ASSERT_FALSE(long_line);
  EXPECT_EQ(long_line.error().code, ErrorCode::limit_exceeded);
  limits = {};
  limits.max_entries = 1;
  const auto many = parse_manifest(kHeader + "\n" +
                                       R"({"path":"a","label":0,"role":"train"})"
                                       "\n"
                                       R"({"path":"b","label":0,"role":"train"})",
                                   "m", limits);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace dfa
