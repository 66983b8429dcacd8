// Limits of videos, and containers in which there is no video.
#include <gmock/gmock.h>

#include "unit/media/clips.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

Error error_of(std::string_view name, const MediaLimits& limits) {
  auto reader = VideoReader::open(clip_path(name), limits);
  EXPECT_FALSE(reader) << name;
  return reader ? Error{} : reader.error();
}

TEST(VideoLimits, Bytes) {
  MediaLimits limits;
  limits.max_bytes = 1000;
  EXPECT_EQ(error_of("key_each_second.mp4", limits).code, ErrorCode::limit_exceeded);
  limits.max_bytes = 0;
  EXPECT_TRUE(VideoReader::open(clip_path("key_each_second.mp4"), limits));
}

TEST(VideoLimits, Pixels) {
  MediaLimits limits;
  limits.max_pixels = 64 * 48 - 1;
  const Error error = error_of("key_each_second.mp4", limits);
  EXPECT_EQ(error.code, ErrorCode::limit_exceeded);
  EXPECT_THAT(error.message, HasSubstr("64 x 48 = 3072 pixels, the limit is 3071"));
  limits.max_pixels = 64 * 48;
  EXPECT_TRUE(VideoReader::open(clip_path("key_each_second.mp4"), limits));
}

TEST(VideoLimits, Duration) {
  MediaLimits limits;
  limits.max_duration_seconds = 11.9;
  const Error error = error_of("key_each_second.mp4", limits);
  EXPECT_EQ(error.code, ErrorCode::limit_exceeded);
  EXPECT_THAT(error.message, HasSubstr("12.0 s long, the limit is 11.9 s"));
  limits.max_duration_seconds = 12.1;
  EXPECT_TRUE(VideoReader::open(clip_path("key_each_second.mp4"), limits));
}

TEST(NoVideo, SoundWithACover) {
  const Error error = error_of("sound_with_cover.m4a", MediaLimits{});
  EXPECT_EQ(error.code, ErrorCode::media_unsupported);
  EXPECT_THAT(error.message, HasSubstr("no video stream"));
  EXPECT_THAT(error.message, HasSubstr("1 audio, 1 cover picture"));
}

TEST(NoVideo, TheLargerCoverIsNotTaken) {
  const auto reader = open_clip("cover_and_video.mp4");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->info().stream_index, 0);
  EXPECT_EQ(reader->info().width, 64);
}

TEST(NoVideo, FilesThatAreNotThere) {
  EXPECT_EQ(error_of("absent.mp4", MediaLimits{}).code, ErrorCode::file_not_found);
  EXPECT_EQ(error_of("", MediaLimits{}).code, ErrorCode::file_unreadable);
}

}  // namespace
}  // namespace dfa::test
