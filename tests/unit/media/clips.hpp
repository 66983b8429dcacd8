// Clips of data/make_clips.py: every frame carries its own number, so that a test can tell which one it was given.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "media/video_reader.hpp"

namespace dfa::test {

std::filesystem::path clip_path(std::string_view name);
std::string clip_bytes(std::string_view name);

// The number in the picture, or -1 where its two coloured corners are not where they belong (it does not stand
// upright).
int frame_number(const PictureView& picture);

// Opens it; a failure is reported and gives nullptr.
std::unique_ptr<VideoReader> open_file(const std::filesystem::path& path, const VideoOptions& options = {});
std::unique_ptr<VideoReader> open_clip(std::string_view name);

FrameSelection even(int count);
FrameSelection rate(double fps);
FrameSelection every();

// All frames of the selection; a failure is reported and ends the list.
std::vector<Frame> read_all(VideoReader& reader, const FrameSelection& selection);
std::vector<int> numbers(const std::vector<Frame>& frames);
std::vector<std::int64_t> indices(const std::vector<Frame>& frames);

}  // namespace dfa::test
