// Files that end too early: what is there is used, what is missing is said.
#include <gmock/gmock.h>

#include "support/temp_dir.hpp"
#include "unit/media/clips.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Cut : public testing::Test {
 protected:
  std::filesystem::path cut(std::string_view name, std::size_t percent) {
    const std::string bytes = clip_bytes(name);
    const auto path = folder_ / name;
    write_bytes(path, bytes.substr(0, bytes.size() * percent / 100));
    return path;
  }

  TempDir folder_;
};

TEST_F(Cut, FaststartAtSixtyPercent) {
  const auto reader = open_file(cut("key_each_second.mp4", 60));
  ASSERT_NE(reader, nullptr);
  const VideoInfo& info = reader->info();
  EXPECT_EQ(info.frames_declared, 300);
  EXPECT_GT(info.frames_counted, 50);
  EXPECT_LT(info.frames_counted, 200);
  EXPECT_THAT(info.cut, HasSubstr("cut short: it ends at byte 6791"));
  EXPECT_THAT(info.cut, HasSubstr(fmt::format("{} of 300 frames are there", info.frames_counted)));
  EXPECT_NEAR(info.duration_seconds, static_cast<double>(info.frames_counted) / 25, 0.05);
  const auto frames = read_all(*reader, even(32));
  EXPECT_EQ(indices(frames), even_frame_indices(info.frames_counted, 32)) << "spread over what is there";
  EXPECT_EQ(reader->work().frames_failed, 0);
  for (const Frame& frame : frames) EXPECT_EQ(frame_number(frame.picture.view()), frame.index);
}

TEST_F(Cut, AnIndexAtTheEndIsLost) {
  for (const std::size_t percent : {20u, 60u, 97u}) {
    const auto reader = VideoReader::open(cut("tail_index.mp4", percent), MediaLimits{});
    ASSERT_FALSE(reader);
    EXPECT_EQ(reader.error().code, ErrorCode::media_truncated);
    EXPECT_THAT(reader.error().message, HasSubstr("cut short"));
    EXPECT_THAT(reader.error().message, HasSubstr("moov"));
  }
}

TEST_F(Cut, EveryContainerSaysSo) {
  for (const char* name :
       {"fragmented.mp4", "open_group.mkv", "live.mkv", "vp9.webm", "odd_size.webm", "open_group.ts", "moving.gif"}) {
    const auto reader = open_file(cut(name, 70));
    ASSERT_NE(reader, nullptr) << name;
    EXPECT_THAT(reader->info().cut, HasSubstr("cut short")) << name;
    const auto frames = read_all(*reader, every());
    EXPECT_GE(frames.size(), 5u) << name;
    // Where B-frames are missing at the end the last pictures carry higher numbers than their index; none comes twice
    // or falls.
    int last = -1;
    for (const Frame& frame : frames) {
      EXPECT_GT(frame_number(frame.picture.view()), last) << name;
      last = frame_number(frame.picture.view());
    }
  }
}

// 60 % lies inside the description of the second fragment, over which FFmpeg refuses the whole file.
TEST_F(Cut, InsideAFragmentsDescription) {
  const auto reader = open_file(cut("fragmented.mp4", 60));
  ASSERT_NE(reader, nullptr);
  EXPECT_THAT(reader->info().cut, HasSubstr("moof box"));
  EXPECT_EQ(numbers(read_all(*reader, even(4))), (std::vector<int>{0, 8, 16, 24}));
}

// Raw streams have no outline: only decoding shows the cut.
TEST_F(Cut, RawStreamsShowItWhileDecoding) {
  const auto reader = open_file(cut("raw.h264", 60));
  ASSERT_NE(reader, nullptr);
  EXPECT_THAT(reader->info().cut, IsEmpty());
  const auto frames = read_all(*reader, every());
  EXPECT_THAT(reader->info().cut, HasSubstr("cut short"));
  EXPECT_EQ(reader->work().frames_failed, 1);
  for (const Frame& frame : frames) EXPECT_EQ(frame_number(frame.picture.view()), frame.index);
}

TEST_F(Cut, NothingButTheHead) {
  for (const char* name : {"key_each_second.mp4", "open_group.mkv", "no_times.avi", "fragmented.mp4"}) {
    const auto reader = VideoReader::open(cut(name, 25), MediaLimits{});
    ASSERT_FALSE(reader) << name;
    EXPECT_EQ(reader.error().code, ErrorCode::media_truncated) << name << ": " << reader.error().message;
  }
}

// Whatever the length, it ends in an answer.
TEST_F(Cut, EveryLength) {
  for (const char* name :
       {"tail_index.mp4", "live.mkv", "open_group.ts", "no_times.avi", "moving.gif", "hevc_open_group.mp4"}) {
    const std::string bytes = clip_bytes(name);
    for (std::size_t length = 1; length < bytes.size(); length += 97) {
      write_bytes(folder_ / "part", bytes.substr(0, length));
      auto reader = VideoReader::open(folder_ / "part", MediaLimits{});
      if (!reader) {
        EXPECT_THAT(reader.error().message, Not(IsEmpty()));
        continue;
      }
      ASSERT_TRUE((*reader)->select(even(3)));
      for (int i = 0; i < 4; ++i)
        if (const auto frame = (*reader)->next(); !frame || !*frame) break;
      EXPECT_LE((*reader)->work().frames_delivered, 3);
    }
  }
}

}  // namespace
}  // namespace dfa::test
