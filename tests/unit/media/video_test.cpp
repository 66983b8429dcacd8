// Streams of every kind, read whole: each frame must be the one that its index says, at the time that went in.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "base/hash.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "unit/media/clips.hpp"

namespace dfa::test {
namespace {

struct Clip {
  const char* name;
  int frames;
  int first = 0;  // the number in its first picture
  int width = 64, height = 48;
  const char* codec = "h264";
  const char* pixel_format = "yuv420p";
};

void PrintTo(const Clip& clip, std::ostream* out) {
  *out << clip.name;
}

class EveryClip : public testing::TestWithParam<Clip> {};

INSTANTIATE_TEST_SUITE_P(
    Media, EveryClip,
    testing::Values(Clip{"key_each_second.mp4", 300}, Clip{"tail_index.mp4", 60}, Clip{"fragmented.mp4", 75},
                    Clip{"ten_bit.mkv", 40, 0, 64, 48, "h264", "yuv420p10le"}, Clip{"turned.mp4", 30, 0, 48, 64},
                    Clip{"wide_pixels.mp4", 10, 0, 85, 48}, Clip{"tall_pixels.mp4", 10, 0, 64, 72},
                    Clip{"odd_size.webm", 40, 0, 63, 47, "vp8"}, Clip{"live.mkv", 50}, Clip{"raw.h264", 50},
                    Clip{"no_times.avi", 60, 0, 64, 48, "mpeg4"}, Clip{"clock_restarts.ts", 60},
                    Clip{"open_group.mkv", 100}, Clip{"open_group.ts", 60}, Clip{"refresh.mkv", 100},
                    Clip{"hevc_open_group.mp4", 80, 0, 64, 48, "hevc"}, Clip{"mpeg2.mpg", 60, 0, 64, 48, "mpeg2video"},
                    Clip{"vp9.webm", 80, 0, 64, 48, "vp9"}, Clip{"moving.gif", 20, 0, 64, 48, "gif", "bgra"},
                    Clip{"edit_list.mp4", 63, 37}, Clip{"av1.webm", 60, 0, 64, 48, "av1"},
                    Clip{"false_key.mov", 40, 0, 64, 48, "svq1", "yuv410p"}, Clip{"early_decoding.ts", 16},
                    Clip{"two_videos.mp4", 20, 100, 96, 72}, Clip{"cover_and_video.mp4", 20}),
    [](const auto& parameter) {
      std::string name = parameter.param.name;
      for (char& c : name)
        if (c == '.') c = '_';
      return name;
    });

TEST_P(EveryClip, FramesAreTheOnesAskedFor) {
  const Clip& clip = GetParam();
  const auto reader = open_clip(clip.name);
  ASSERT_NE(reader, nullptr);
  const VideoInfo& info = reader->info();
  EXPECT_EQ(info.width, clip.width);
  EXPECT_EQ(info.height, clip.height);
  EXPECT_EQ(info.codec, clip.codec);
  EXPECT_EQ(info.pixel_format, clip.pixel_format);
  EXPECT_EQ(info.frames_counted, clip.frames);
  EXPECT_EQ(info.cut, "");
  EXPECT_NEAR(info.duration_seconds, clip.frames / 25.0, 1e-3);

  const auto frames = read_all(*reader, every());
  std::vector<int> expected(static_cast<std::size_t>(clip.frames));
  std::iota(expected.begin(), expected.end(), clip.first);
  EXPECT_EQ(numbers(frames), expected);
  for (const Frame& frame : frames) {
    EXPECT_EQ(frame.picture.width, clip.width);
    EXPECT_EQ(frame.picture.height, clip.height);
    EXPECT_EQ(frame.picture.rgb.size(), 3u * static_cast<std::size_t>(clip.width * clip.height));
    EXPECT_NEAR(frame.pts_seconds, static_cast<double>(frame.index) / 25, 1e-3) << frame.index;
  }
  EXPECT_EQ(reader->work().frames_decoded, clip.frames) << "read in one go, nothing is decoded twice";
  EXPECT_EQ(reader->work().frames_delivered, clip.frames);
  EXPECT_EQ(reader->work().frames_failed, 0);
  EXPECT_EQ(reader->work().seeks, 0);
}

TEST_P(EveryClip, EverySelectionGivesTheSamePictures) {
  const Clip& clip = GetParam();
  const auto reader = open_clip(clip.name);
  ASSERT_NE(reader, nullptr);
  std::vector<std::string> hashes;
  for (const Frame& frame : read_all(*reader, every()))
    hashes.push_back(sha256_hex(std::as_bytes(std::span(frame.picture.rgb))));
  for (const int count : {1, 2, 3, 5, 8, 13, 21}) {
    const auto frames = read_all(*reader, even(count));
    ASSERT_EQ(indices(frames), even_frame_indices(clip.frames, count));
    for (const Frame& frame : frames)
      ASSERT_EQ(sha256_hex(std::as_bytes(std::span(frame.picture.rgb))), hashes[static_cast<std::size_t>(frame.index)])
          << "frame " << frame.index << " of " << count << " even ones";
  }
}

TEST_P(EveryClip, DecoderThreadsChangeNothing) {
  const Clip& clip = GetParam();
  const auto reader = open_file(clip_path(clip.name), VideoOptions{3});
  ASSERT_NE(reader, nullptr);
  for (const int count : {3, 8, 1000}) {
    const auto frames = read_all(*reader, even(count));
    EXPECT_EQ(indices(frames), even_frame_indices(clip.frames, count));
    for (const Frame& frame : frames) EXPECT_EQ(frame_number(frame.picture.view()), frame.index + clip.first);
  }
}

TEST_P(EveryClip, SeveralRunnersGiveTheSameFramesInOrder) {
  const Clip& clip = GetParam();
  const auto one = open_clip(clip.name);
  ASSERT_NE(one, nullptr);
  std::vector<std::string> hashes;
  for (const Frame& frame : read_all(*one, every()))
    hashes.push_back(sha256_hex(std::as_bytes(std::span(frame.picture.rgb))));
  for (const int runners : {2, 3}) {
    const auto reader = open_file(clip_path(clip.name), {.runners = runners, .least_pixels = 0});
    ASSERT_NE(reader, nullptr);
    for (const int count : {5, 13, 1000}) {
      const auto frames = read_all(*reader, even(count));
      ASSERT_EQ(indices(frames), even_frame_indices(clip.frames, count));
      EXPECT_EQ(reader->work().frames_delivered, static_cast<std::int64_t>(frames.size()));
      for (const Frame& frame : frames)
        ASSERT_EQ(sha256_hex(std::as_bytes(std::span(frame.picture.rgb))),
                  hashes[static_cast<std::size_t>(frame.index)])
            << "frame " << frame.index << " of " << count << " with " << runners << " runners";
    }
  }
}

TEST(Video, TimesOfAVariableRateAreExact) {
  for (const char* name : {"variable_rate.mp4", "variable_rate.mkv"}) {
    const auto reader = open_clip(name);
    ASSERT_NE(reader, nullptr);
    ASSERT_EQ(reader->info().frames_counted, 40);
    for (const Frame& frame : read_all(*reader, every())) {
      const auto n = static_cast<double>(frame.index);
      EXPECT_EQ(frame_number(frame.picture.view()), frame.index);
      EXPECT_NEAR(frame.pts_seconds, n * (n + 9) / 200, 1e-9) << name << " frame " << frame.index;
    }
    // One a second: the frame that began last before each full second, worked out from the formula alone.
    std::vector<std::int64_t> shown;
    for (int second = 0; second < 10; ++second) {
      std::int64_t n = 0;
      while (n + 1 < 40 && static_cast<double>((n + 1) * (n + 10)) / 200 <= second) ++n;
      if (second < reader->info().duration_seconds) shown.push_back(n);
    }
    EXPECT_EQ(indices(read_all(*reader, rate(1))), shown) << name;
  }
}

// One stored clip under all eight matrices. Where the matrix is the quarter turn with which it was made the numbers can
// be read.
TEST(Video, EveryTurnAndMirrorOfTheContainer) {
  struct Case {
    int a, b, c, d, degrees;
    bool swaps;
  };
  const Case cases[] = {{1, 0, 0, 1, 0, false},    {-1, 0, 0, 1, 0, false}, {-1, 0, 0, -1, 180, false},
                        {1, 0, 0, -1, 180, false}, {0, 1, 1, 0, 270, true}, {0, 1, -1, 0, 90, true},
                        {0, -1, -1, 0, 90, true},  {0, -1, 1, 0, 270, true}};
  std::string bytes = clip_bytes("turned.mp4");
  const std::size_t matrix = bytes.find("tkhd") + 44;
  const auto put = [&](std::size_t place, int value) {
    const std::uint32_t fixed = static_cast<std::uint32_t>(value) * 65536u;
    for (std::size_t i = 0; i < 4; ++i) bytes[matrix + 4 * place + i] = static_cast<char>(fixed >> (24 - 8 * i));
  };
  const TempDir folder;
  std::vector<Picture> stored;
  for (const Case& matrix_case : cases) {
    put(0, matrix_case.a), put(1, matrix_case.b), put(3, matrix_case.c), put(4, matrix_case.d);
    write_bytes(folder / "clip.mp4", bytes);
    const auto reader = open_file(folder / "clip.mp4");
    ASSERT_NE(reader, nullptr);
    EXPECT_EQ(reader->info().rotation_degrees, matrix_case.degrees);
    auto frames = read_all(*reader, even(1));
    ASSERT_EQ(frames.size(), 1u);
    stored.push_back(frames[0].picture);
    const Picture &first = stored.front(), &shown = stored.back();
    ASSERT_EQ(shown.width, matrix_case.swaps ? first.height : first.width);
    ASSERT_EQ(shown.height, matrix_case.swaps ? first.width : first.height);
    // By the definition: stored (x, y) is shown at (a x + c y, b x + d y), moved to start at 0.
    for (int y = 0; y < first.height; ++y)
      for (int x = 0; x < first.width; ++x) {
        int to_x = matrix_case.a * x + matrix_case.c * y, to_y = matrix_case.b * x + matrix_case.d * y;
        if (matrix_case.a + matrix_case.c < 0) to_x += shown.width - 1;
        if (matrix_case.b + matrix_case.d < 0) to_y += shown.height - 1;
        for (int c = 0; c < 3; ++c)
          ASSERT_EQ(shown.view().row(to_y)[3 * to_x + c], first.view().row(y)[3 * x + c]) << x << "," << y;
      }
  }
}

TEST(Video, DeclaredAndCountedAreKeptApart) {
  EXPECT_EQ(open_clip("key_each_second.mp4")->info().frames_declared, 300);
  EXPECT_EQ(open_clip("live.mkv")->info().frames_declared, 0);
  // Its header counts the frames that the edit list hides as well.
  EXPECT_GT(open_clip("edit_list.mp4")->info().frames_declared, 63);
}

TEST(Video, WithoutASelectionThirtyTwoEvenFramesCome) {
  const auto reader = open_clip("key_each_second.mp4");
  int count = 0;
  for (auto frame = reader->next(); frame && *frame; frame = reader->next()) ++count;
  EXPECT_EQ(count, 32);
}

TEST(Video, ASelectionCanBeRepeated) {
  for (const char* name : {"key_each_second.mp4", "no_times.avi"}) {
    const auto reader = open_clip(name);
    ASSERT_NE(reader, nullptr);
    const auto first = numbers(read_all(*reader, even(5)));
    EXPECT_EQ(numbers(read_all(*reader, even(5))), first) << name;
    EXPECT_EQ(first.size(), 5u);
    ASSERT_FALSE(reader->select(even(0)));
  }
}

TEST(Video, NasaTestClip) {
  DFA_REQUIRE_SHARED();
  const auto reader = open_file(shared_path("data/samples/nasa_13013.mp4"));
  ASSERT_NE(reader, nullptr);
  EXPECT_EQ(reader->info().stream_index, 3);
  EXPECT_EQ(reader->info().frames_counted, 390);
  EXPECT_EQ(reader->info().width, 480);
  EXPECT_EQ(reader->info().height, 270);
  const auto frames = read_all(*reader, even(32));
  ASSERT_EQ(frames.size(), 32u);
  for (const Frame& frame : frames)
    EXPECT_NEAR(frame.pts_seconds, static_cast<double>(frame.index) * 1001 / 30000, 1e-9);
}

}  // namespace
}  // namespace dfa::test
