// Real files through the real opening of inputs. What the decoders make of them is tested in media.
#include "pipeline/media_source.hpp"

#include <gmock/gmock.h>

#include "base/hash.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using test::TempDir;
using test::write_bytes;

// A 2 x 1 bitmap: red, blue.
const std::string kBitmap = [] {
  std::string bytes = {'B', 'M', 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0,  40,
                       0,   0,   0,  2, 0, 0, 0, 1, 0, 0, 0,  1, 0, 24, 0};
  bytes.resize(54);
  bytes[34] = 8;
  for (const int value : {0, 0, 255, 255, 0, 0, 0, 0}) bytes.push_back(static_cast<char>(value));
  return bytes;
}();

TEST(OpenMedia, APictureIsAStreamOfOneFrame) {
  TempDir dir;
  write_bytes(dir / "a.png", kBitmap);  // its name lies; the bytes count
  Intake intake = open_media((dir / "a.png").string(), {});
  EXPECT_EQ(intake.kind, MediaKind::picture);
  EXPECT_EQ(intake.sha256, sha256_hex(std::string_view(kBitmap)));
  ASSERT_TRUE(intake.source) << intake.source.error().message;
  const auto frame = (*intake.source)->next();
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ((*frame)->picture.rgb, (std::vector<std::uint8_t>{255, 0, 0, 0, 0, 255}));
  EXPECT_FALSE(*(*intake.source)->next());
  WorkRecord work;
  (*intake.source)->count(work);
  EXPECT_EQ(work.frames_decoded, 1);
}

TEST(OpenMedia, WhatCannotBeReadSaysWhyAndKeepsItsHash) {
  TempDir dir;
  write_bytes(dir / "text.png", "no picture at all\n");
  write_bytes(dir / "empty.jpg", "");
  Intake text = open_media((dir / "text.png").string(), {});
  ASSERT_FALSE(text.source);
  EXPECT_EQ(text.source.error().code, ErrorCode::not_media);
  EXPECT_EQ(text.kind, MediaKind::unknown);
  EXPECT_EQ(text.sha256, sha256_hex(std::string_view("no picture at all\n")));
  Intake empty = open_media((dir / "empty.jpg").string(), {});
  ASSERT_FALSE(empty.source);
  EXPECT_NE(empty.source.error().message, text.source.error().message);
  Intake gone = open_media((dir / "gone.png").string(), {});
  ASSERT_FALSE(gone.source);
  EXPECT_EQ(gone.source.error().code, ErrorCode::file_not_found);
  EXPECT_FALSE(gone.sha256);
  Intake device = open_media("/dev/zero", {});
  ASSERT_FALSE(device.source);
  EXPECT_EQ(device.source.error().code, ErrorCode::file_unreadable);
}

TEST(OpenMedia, AFileOverTheLimitIsNeitherHashedNorDecoded) {
  TempDir dir;
  write_bytes(dir / "a.bmp", kBitmap);
  IntakeOptions options;
  options.limits.max_picture_bytes = kBitmap.size() - 1;
  const Intake intake = open_media((dir / "a.bmp").string(), options);
  ASSERT_FALSE(intake.source);
  EXPECT_EQ(intake.source.error().code, ErrorCode::limit_exceeded);
  EXPECT_FALSE(intake.sha256);
  EXPECT_EQ(intake.kind, MediaKind::picture);
  write_bytes(dir / "text.mp4", "no video at all");
  options.limits.max_bytes = 3;
  const Intake text = open_media((dir / "text.mp4").string(), options);
  EXPECT_EQ(text.source.error().code, ErrorCode::limit_exceeded);
  EXPECT_FALSE(text.sha256);
}

TEST(OpenMedia, AVideoGivesTheAskedFramesAndItsCounters) {
  DFA_REQUIRE_SHARED();
  IntakeOptions options;
  options.frames.count = 3;
  Intake intake = open_media(test::shared_path("data/samples/nasa_13013.mp4").string(), options);
  EXPECT_EQ(intake.kind, MediaKind::video);
  ASSERT_TRUE(intake.source) << intake.source.error().message;
  EXPECT_EQ((*intake.source)->frames_expected(), 3);
  std::vector<std::int64_t> indices;
  for (auto frame = (*intake.source)->next(); frame && *frame; frame = (*intake.source)->next())
    indices.push_back((*frame)->index);
  EXPECT_THAT(indices, testing::ElementsAre(0, 194, 389));
  WorkRecord work;
  (*intake.source)->count(work);
  EXPECT_EQ(work.frames_counted, 390);
  EXPECT_GE(work.frames_decoded, 3);
}

}  // namespace
}  // namespace dfa
