// An opened container and the one video stream of it that we look at. Internal to this room.
#pragma once

#include <filesystem>
#include <memory>
#include <span>

#include "base/result.hpp"
#include "media/ffmpeg_handles.hpp"
#include "media/file_input.hpp"
#include "media/limits.hpp"

namespace dfa {

// Whether the first bytes of a file are those of a container or raw stream that we read videos from.
bool looks_like_video(std::span<const std::byte> head);

class Container {
 public:
  // Errors: file_*, not_media, media_truncated, media_corrupt, media_unsupported, limit_exceeded.
  static Result<Container> open(const std::filesystem::path& path, const MediaLimits& limits);

  // The same file from the start, as if just opened: every packet comes again with the same times and positions.
  Status reopen();

  AVFormatContext& format() { return *format_; }
  AVStream& stream() { return *format_->streams[stream_index_]; }
  FileInput& input() { return *input_; }
  int stream_index() const { return stream_index_; }

 private:
  explicit Container(std::unique_ptr<FileInput> input, const MediaLimits& limits)
      : input_(std::move(input)), limits_(limits) {}
  Status open_format();
  Result<int> try_format(const AVInputFormat*& demuxer);
  Status choose_stream();

  std::unique_ptr<FileInput> input_;  // outlives format_, which reads from it
  MediaLimits limits_;
  FormatHandle format_;
  int stream_index_ = -1;
};

}  // namespace dfa
