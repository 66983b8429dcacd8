// Work is counted, not timed: how many frames come out of the decoder, how often the reader jumps. And what jumps may
// not break.
#include <gmock/gmock.h>

#include "support/temp_dir.hpp"
#include "unit/media/clips.hpp"

namespace dfa::test {
namespace {

std::vector<int> as_numbers(const std::vector<std::int64_t>& indices) {
  return {indices.begin(), indices.end()};
}

// 300 frames, each full second is a key frame. B-frames: the decoder is up to 2 frames ahead of what it delivers.
TEST(Seek, FewFramesOfAClipWithManyKeyFrames) {
  const auto reader = open_clip("key_each_second.mp4");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(numbers(read_all(*reader, rate(1))),
            (std::vector<int>{0, 25, 50, 75, 100, 125, 150, 175, 200, 225, 250, 275}));
  EXPECT_EQ(reader->work().seeks, 11);
  EXPECT_LE(reader->work().frames_decoded, 3 * 12);

  EXPECT_EQ(numbers(read_all(*reader, even(4))), (std::vector<int>{0, 99, 199, 299}));
  EXPECT_EQ(reader->work().seeks, 3);
  EXPECT_LE(reader->work().frames_decoded, 3 + 3 * 25 + 3);
}

TEST(Seek, SeveralRunnersDecodeNoGroupTwice) {
  const auto one = open_clip("key_each_second.mp4");
  const auto three = open_file(clip_path("key_each_second.mp4"), {.runners = 3, .least_pixels = 0});
  ASSERT_TRUE(one && three);
  const auto frames = read_all(*three, rate(1));
  EXPECT_EQ(indices(frames), indices(read_all(*one, rate(1))));
  EXPECT_EQ(three->work().seeks, 11);  // each group but the first is jumped to, by whoever owns it
  EXPECT_EQ(three->work().frames_delivered, 12);
  EXPECT_LE(three->work().frames_decoded, 3 * 12);

  EXPECT_EQ(read_all(*three, even(200)).size(), 200U);
  EXPECT_LE(three->work().frames_decoded, 300);
}

TEST(Seek, LittleWorkEngagesOneRunner) {
  // 12 groups of one frame each, 3 threads offered: the counters are those of one runner, to the frame.
  const auto one = open_clip("key_each_second.mp4"),
             three = open_file(clip_path("key_each_second.mp4"), {.runners = 3});
  ASSERT_TRUE(one && three);
  read_all(*one, even(32));
  read_all(*three, even(32));
  EXPECT_EQ(one->work().frames_decoded, three->work().frames_decoded);
  EXPECT_EQ(one->work().seeks, three->work().seeks);
}

TEST(Seek, SeveralRunnersStopWhenNobodyReadsOn) {
  auto reader = open_file(clip_path("key_each_second.mp4"), {.runners = 4, .least_pixels = 0});
  ASSERT_NE(reader, nullptr);
  ASSERT_TRUE(reader->select(every()));
  ASSERT_TRUE(reader->next());
  EXPECT_EQ(numbers(read_all(*reader, even(3))), (std::vector<int>{0, 149, 299}));  // another selection half-way
  ASSERT_TRUE(reader->select(every()));
  ASSERT_TRUE(reader->next());
  EXPECT_LE(reader->work().frames_decoded, 4);
  reader.reset();
}

TEST(Seek, ThirtyTwoEvenFramesAreReadInOneGoWhereGroupsAreLong) {
  // 32 of 300 with groups of 25: nearly every group is wanted, and decoding on is cheaper than to jump.
  const auto reader = open_clip("key_each_second.mp4");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(numbers(read_all(*reader, even(32))), as_numbers(even_frame_indices(300, 32)));
  EXPECT_LE(reader->work().frames_decoded, 300);
}

TEST(Seek, TheTwoEndsAreOneJumpApart) {
  const auto reader = open_clip("key_each_second.mp4");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(numbers(read_all(*reader, even(2))), (std::vector<int>{0, 299}));
  // Of the last 25 frames only those on which others lean, and the last; at most two B-frames stand between two such.
  EXPECT_LE(reader->work().frames_decoded, 20);
  EXPECT_EQ(reader->work().seeks, 1);
}

class HardReferences : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Media, HardReferences,
                         testing::Values("open_group.mkv", "open_group.ts", "hevc_open_group.mp4", "mpeg2.mpg",
                                         "vp9.webm", "refresh.mkv", "edit_list.mp4", "odd_size.webm", "av1.webm",
                                         "early_decoding.ts", "false_key.mov"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           for (char& c : name)
                             if (c == '.') c = '_';
                           return name;
                         });

// Every single frame, reached by a jump of its own.
TEST_P(HardReferences, EachFrameAloneIsTheRightOne) {
  const std::int64_t n = open_clip(GetParam())->info().frames_counted;
  const int first = std::string_view(GetParam()) == "edit_list.mp4" ? 37 : 0;
  const bool lies = std::string_view(GetParam()) == "false_key.mov";
  for (std::int64_t wanted = 1; wanted < n; ++wanted) {
    const auto reader = open_clip(GetParam());  // a new one: readers learn from what went wrong
    ASSERT_NE(reader, nullptr);
    // The second frame of this rate is the one shown at wanted / 25 seconds.
    ASSERT_TRUE(reader->select(rate(25.0 / static_cast<double>(wanted))));
    ASSERT_TRUE(reader->next());
    const auto frame = reader->next();
    ASSERT_TRUE(frame && *frame) << wanted;
    EXPECT_EQ((*frame)->index, wanted);
    EXPECT_EQ(frame_number((*frame)->picture.view()), wanted + first);
    // The right key frame at once: a second try would hide that the first was wrong.
    EXPECT_LE(reader->work().seeks, lies ? 3 : 1) << wanted;
  }
}

// x264's intra refresh: what its container calls key frames would give wrong pictures (seen: 35 for 99).
TEST(Seek, RefreshPointsAreNotJumpedTo) {
  const auto reader = open_clip("refresh.mkv");
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(numbers(read_all(*reader, even(3))), (std::vector<int>{0, 49, 99}));
  EXPECT_EQ(reader->work().seeks, 0);
}

// A frame that does not decode after a jump is tried again from an earlier key frame, and the lesson is kept.
TEST(Seek, AFalseKeyFrameIsSurvived) {
  const auto reader = open_clip("false_key.mov");  // frame 24 is called one; the true ones are 0, 10, 20, 30
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(numbers(read_all(*reader, even(4))), (std::vector<int>{0, 13, 26, 39}));
  EXPECT_EQ(reader->work().frames_failed, 0);
  EXPECT_EQ(reader->work().seeks, 3) << "to 10, to 24 in vain, to 10 again";
}

// A damaged piece in the middle costs the frames that lean on it, not their neighbours' identity, and nothing after the
// next key frame.
TEST(Seek, DamageEndsAtTheNextKeyFrame) {
  std::string bytes = clip_bytes("key_each_second.mp4");
  const std::size_t media = bytes.find("mdat");
  // About a third into the media data: inside the group of frames 75 to 125.
  const std::size_t hit = media + (bytes.size() - media) * 35 / 100;
  for (std::size_t i = 0; i < 40; ++i) bytes[hit + i] = static_cast<char>(0xA5 ^ (17 * i));
  const TempDir folder;
  write_bytes(folder / "hit.mp4", bytes);
  const auto reader = open_file(folder / "hit.mp4");
  ASSERT_NE(reader, nullptr);
  const auto frames = read_all(*reader, every());
  EXPECT_GT(reader->work().frames_failed, 0);
  EXPECT_LE(reader->work().frames_failed, 2 * 25);
  EXPECT_EQ(static_cast<std::int64_t>(frames.size()) + reader->work().frames_failed, 300);
  for (const Frame& frame : frames) EXPECT_EQ(frame_number(frame.picture.view()), frame.index);
}

TEST(Seek, NothingDecodableIsAnError) {
  std::string bytes = clip_bytes("tail_index.mp4");
  const std::size_t media = bytes.find("mdat"), index = bytes.find("moov");
  for (std::size_t i = media + 12; i + 8 < index; ++i) bytes[i] = static_cast<char>(0x5A ^ (31 * i));
  const TempDir folder;
  write_bytes(folder / "noise.mp4", bytes);
  auto reader = VideoReader::open(folder / "noise.mp4", MediaLimits{});
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE((*reader)->select(even(8)));
  const auto frame = (*reader)->next();
  ASSERT_FALSE(frame);
  EXPECT_EQ(frame.error().code, ErrorCode::media_corrupt);
  EXPECT_THAT(frame.error().message, testing::HasSubstr("none of the 8 wanted frames could be decoded"));
  EXPECT_EQ((*reader)->work().frames_failed, 8);
}

}  // namespace
}  // namespace dfa::test
