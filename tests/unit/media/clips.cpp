#include "unit/media/clips.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "support/shared.hpp"

namespace dfa::test {
namespace {

constexpr int kColumns = 4, kRows = 3;

struct Colour {
  int r, g, b;
};

// At the middle of a cell.
Colour cell(const PictureView& picture, int row, int column) {
  const int x = picture.width * (2 * column + 1) / (2 * kColumns), y = picture.height * (2 * row + 1) / (2 * kRows);
  const std::uint8_t* pixel = picture.row(y) + 3 * x;
  return {pixel[0], pixel[1], pixel[2]};
}

}  // namespace

std::filesystem::path clip_path(std::string_view name) {
  return source_path("tests/unit/media/data/clips") / name;
}

std::string clip_bytes(std::string_view name) {
  std::ifstream file(clip_path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int frame_number(const PictureView& picture) {
  const Colour red = cell(picture, 0, 0), blue = cell(picture, 0, kColumns - 1);
  if (red.r < 150 || red.g > 90 || red.b > 90 || blue.b < 150 || blue.r > 90 || blue.g > 90) return -1;
  int number = 0, bit = 0;
  for (int row = 0; row < kRows; ++row)
    for (int column = 0; column < kColumns; ++column) {
      if (row == 0 && (column == 0 || column == kColumns - 1)) continue;
      const Colour colour = cell(picture, row, column);
      if (colour.r + colour.g + colour.b > 3 * 128) number |= 1 << bit;
      ++bit;
    }
  return number;
}

std::unique_ptr<VideoReader> open_file(const std::filesystem::path& path, const VideoOptions& options) {
  auto reader = VideoReader::open(path, MediaLimits{}, options);
  if (reader) return std::move(*reader);
  ADD_FAILURE() << path << ": " << reader.error().message;
  return nullptr;
}

std::unique_ptr<VideoReader> open_clip(std::string_view name) {
  return open_file(clip_path(name));
}

FrameSelection even(int count) {
  return {FrameSelection::Way::even, count, 0};
}

FrameSelection rate(double fps) {
  return {FrameSelection::Way::rate, 0, fps};
}

FrameSelection every() {
  return {FrameSelection::Way::every, 0, 0};
}

std::vector<Frame> read_all(VideoReader& reader, const FrameSelection& selection) {
  std::vector<Frame> frames;
  if (const Status status = reader.select(selection); !status) {
    ADD_FAILURE() << status.error().message;
    return frames;
  }
  for (;;) {
    auto frame = reader.next();
    if (!frame) ADD_FAILURE() << frame.error().message;
    if (!frame || !*frame) return frames;
    frames.push_back(std::move(**frame));
  }
}

std::vector<int> numbers(const std::vector<Frame>& frames) {
  std::vector<int> result;
  for (const Frame& frame : frames) result.push_back(frame_number(frame.picture.view()));
  return result;
}

std::vector<std::int64_t> indices(const std::vector<Frame>& frames) {
  std::vector<std::int64_t> result;
  for (const Frame& frame : frames) result.push_back(frame.index);
  return result;
}

}  // namespace dfa::test
