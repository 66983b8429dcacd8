// Videos that we write, read back by our own reader.
#include "media/video_writer.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "media/video_recoder.hpp"
#include "support/temp_dir.hpp"
#include "unit/media/clips.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

constexpr VideoCodec kCodecs[] = {VideoCodec::h264, VideoCodec::h265, VideoCodec::mpeg4};

VideoEncoding good(VideoCodec codec) {
  VideoEncoding encoding;
  encoding.codec = codec;
  encoding.crf = codec == VideoCodec::mpeg4 ? 1 : 4;
  encoding.preset = "fast";
  return encoding;
}

// Smooth; a bright bar wanders from frame to frame.
Picture frame_at(int number, int width, int height) {
  Picture picture{width, height, {}};
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const bool bar = x / 8 == number % (width / 8);
      for (const int value : {bar ? 240 : 40 + 100 * x / width, 60 + 100 * y / height, bar ? 200 : 90})
        picture.rgb.push_back(static_cast<std::uint8_t>(value));
    }
  return picture;
}

std::vector<Picture> frames_of(int count, int width, int height) {
  std::vector<Picture> frames;
  for (int i = 0; i < count; ++i) frames.push_back(frame_at(i, width, height));
  return frames;
}

double mean_difference(const Picture& a, const Picture& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Frame> written_and_read(const std::vector<Picture>& frames, const VideoEncoding& encoding) {
  const TempDir folder;
  const auto path = folder / "v.mp4";
  if (const Status written = write_video(path, frames, encoding); !written) {
    ADD_FAILURE() << written.error().message;
    return {};
  }
  const auto reader = open_file(path);
  if (reader == nullptr) return {};
  EXPECT_EQ(reader->info().cut, "");
  EXPECT_EQ(reader->info().frame_rate, encoding.rate);
  EXPECT_EQ(reader->info().pixel_format, "yuv420p");
  EXPECT_EQ(reader->info().frames_declared, static_cast<std::int64_t>(frames.size()));
  return read_all(*reader, every());
}

TEST(VideoWriter, FramesComeBackInOrderAtTheirTimes) {
  const std::vector<Picture> frames = frames_of(30, 96, 64);
  for (const VideoCodec codec : kCodecs) {
    VideoEncoding encoding = good(codec);
    encoding.rate = {30000, 1001};
    const std::vector<Frame> back = written_and_read(frames, encoding);
    ASSERT_EQ(back.size(), frames.size()) << video_codec_name(codec);
    for (std::size_t i = 0; i < back.size(); ++i) {
      EXPECT_NEAR(back[i].pts_seconds, static_cast<double>(i) * 1001 / 30000, 1e-4) << video_codec_name(codec);
      // Chroma of the bar's edges is shared with its neighbours.
      EXPECT_LT(mean_difference(back[i].picture, frames[i]), 4) << video_codec_name(codec) << i;
      EXPECT_GT(mean_difference(back[i].picture, frames[(i + 1) % frames.size()]), 5) << video_codec_name(codec) << i;
    }
  }
}

// Matrix and range are tagged so that our reader undoes what the writer did; a wrong one is off by 10 levels and more.
TEST(VideoWriter, ColoursComeBack) {
  const int colours[][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}, {0, 0, 0}, {200, 120, 60}};
  for (const VideoCodec codec : kCodecs)
    for (const auto& colour : colours) {
      Picture flat{32, 32, {}};
      for (int i = 0; i < 32 * 32; ++i)
        for (const int value : colour) flat.rgb.push_back(static_cast<std::uint8_t>(value));
      const std::vector<Frame> back = written_and_read({flat, flat}, good(codec));
      ASSERT_EQ(back.size(), 2U);
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(back[1].picture.rgb[3 * 500 + c], colour[c], 4) << video_codec_name(codec) << c;
    }
}

TEST(VideoWriter, EqualFramesGiveEqualBytesInFileAndMemory) {
  const TempDir folder;
  const std::vector<Picture> frames = frames_of(12, 64, 48);
  for (const VideoCodec codec : kCodecs) {
    ASSERT_TRUE(write_video(folder / "a.mp4", frames, good(codec)));
    ASSERT_TRUE(write_video(folder / "b.mp4", frames, good(codec)));
    const std::string bytes = bytes_of(folder / "a.mp4");
    EXPECT_EQ(bytes, bytes_of(folder / "b.mp4")) << video_codec_name(codec);
    const auto memory = encode_video(frames, good(codec));
    ASSERT_TRUE(memory);
    EXPECT_EQ(bytes, std::string(reinterpret_cast<const char*>(memory->data()), memory->size()));
  }
}

TEST(VideoWriter, OddSidesGrowByARepeatedPixel) {
  Picture dark{33, 21, std::vector<std::uint8_t>(3 * 33 * 21, 60)};
  for (int y = 0; y < 21; ++y)
    for (int x = 0; x < 33; ++x)
      for (int c = 0; c < 3; ++c)
        if (x == 32 || y == 20) dark.rgb[static_cast<std::size_t>(3 * (33 * y + x) + c)] = 230;
  const std::vector<Frame> back = written_and_read({dark, dark}, good(VideoCodec::h264));
  ASSERT_EQ(back.size(), 2U);
  const Picture& picture = back[0].picture;
  ASSERT_EQ(picture.width, 34);
  ASSERT_EQ(picture.height, 22);
  for (int y = 0; y < 22; ++y)
    for (int x = 0; x < 34; ++x)
      EXPECT_NEAR(picture.view().row(y)[3 * x], x >= 32 || y >= 20 ? 230 : 60, 8) << x << ' ' << y;
}

TEST(VideoWriter, HigherCrfIsSmaller) {
  const std::vector<Picture> frames = frames_of(12, 96, 64);
  for (const VideoCodec codec : kCodecs) {
    VideoEncoding bad = good(codec);
    bad.crf = 30;
    EXPECT_LT(encode_video(frames, bad)->size(), encode_video(frames, good(codec))->size()) << video_codec_name(codec);
  }
}

TEST(VideoWriter, LeavesNothingBehindUnlessFinished) {
  const TempDir folder;
  {
    const auto writer = VideoWriter::create(folder / "v.mp4", good(VideoCodec::h264));
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->add(frame_at(0, 32, 32).view()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_THAT(write_video(folder / "v.mp4", {}, good(VideoCodec::h264)).error().message, HasSubstr("without a frame"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(write_video(folder / "none/v.mp4", frames_of(1, 32, 32), good(VideoCodec::h264)).error().code,
            ErrorCode::file_unwritable);
}

TEST(VideoWriter, RefusesWhatMakesNoSense) {
  const std::vector<Picture> one = frames_of(1, 32, 32);
  const auto refusal = [&](auto change) {
    VideoEncoding encoding = good(VideoCodec::h264);
    change(encoding);
    const auto result = encode_video(one, encoding);
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_THAT(refusal([](VideoEncoding& e) { e.crf = 52; }), HasSubstr("crf 52, expected 0 to 51"));
  EXPECT_THAT(refusal([](VideoEncoding& e) { e.codec = VideoCodec::mpeg4, e.crf = 0; }), HasSubstr("expected 1 to 31"));
  EXPECT_THAT(refusal([](VideoEncoding& e) { e.preset = "quick"; }), HasSubstr("ultrafast"));
  EXPECT_THAT(refusal([](VideoEncoding& e) { e.rate = {0, 1}; }), HasSubstr("0/1 frames a second"));
  EXPECT_THAT(
      encode_video(std::vector{frame_at(0, 32, 32), frame_at(0, 32, 34)}, good(VideoCodec::h264)).error().message,
      HasSubstr("frame 1 is 32x34"));
  EXPECT_EQ(encode_video(frames_of(1, 8, 8), good(VideoCodec::h265)).error().code, ErrorCode::media_unsupported);
}

TEST(VideoRecoder, GivesWhatTheFileWouldGive) {
  for (const VideoCodec codec : kCodecs)
    for (const int crf : {3, 28}) {
      const std::vector<Picture> frames = frames_of(40, 96, 64);
      VideoEncoding encoding = good(codec);
      encoding.crf = crf;
      const auto recoded = reencode_video_frames(frames, encoding);
      ASSERT_TRUE(recoded) << recoded.error().message;
      const std::vector<Frame> back = written_and_read(frames, encoding);
      ASSERT_EQ(recoded->size(), back.size());
      for (std::size_t i = 0; i < back.size(); ++i)
        EXPECT_EQ((*recoded)[i].rgb, back[i].picture.rgb) << video_codec_name(codec) << i;
    }
}

TEST(VideoRecoder, CutsOddSidesBack) {
  const std::vector<Picture> frames = frames_of(3, 33, 21);
  const auto recoded = reencode_video_frames(frames, good(VideoCodec::h264));
  ASSERT_TRUE(recoded) << recoded.error().message;
  ASSERT_EQ(recoded->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*recoded)[i].width, 33);
    EXPECT_EQ((*recoded)[i].height, 21);
    EXPECT_LT(mean_difference((*recoded)[i], frames[i]), 4);
  }
  EXPECT_TRUE(reencode_video_frames({}, good(VideoCodec::h264))->empty());
}

TEST(VideoRecoder, StopsWhenTheSinkDoes) {
  const auto recoder = VideoRecoder::create(good(VideoCodec::mpeg4),
                                            [](Picture) -> Status { return fail(ErrorCode::cancelled, "enough"); });
  ASSERT_TRUE(recoder);
  Status status;
  for (int i = 0; i < 10 && status; ++i) status = (*recoder)->add(frame_at(i, 32, 32).view());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "enough");
}

}  // namespace
}  // namespace dfa::test
