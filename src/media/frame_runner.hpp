// One opened container with its decoder, on its way through the wanted frames of a video. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/result.hpp"
#include "media/container.hpp"
#include "media/frame_converter.hpp"
#include "media/frame_finder.hpp"
#include "media/packet_index.hpp"
#include "media/video_reader.hpp"

namespace dfa {

// One thread at a time. The index is shared by all runners of a video and outlives them.
class FrameRunner {
 public:
  // Errors: media_unsupported, out_of_memory.
  static Result<std::unique_ptr<FrameRunner>> create(Container container, const PacketIndex& index,
                                                     const MediaLimits& limits, int decoder_threads);

  // `wanted`: the ranks that will be asked for, rising; it stays alive.
  void start_over(std::span<const std::int64_t> wanted);
  // The upright picture of that rank, or nothing where it cannot be decoded (counted in frames_failed). Ranks must rise
  // from call to call. Errors: those of opening the file again, media_unsupported, limit_exceeded, out_of_memory.
  Result<std::optional<Picture>> picture(std::int64_t rank);
  // Counted from start_over() on.
  const VideoWork& work() const { return work_; }

  Container& container() { return container_; }
  const AVCodecContext& codec() const { return *codec_; }
  Orientation orientation() const { return orientation_; }
  const FrameFinder& finder() const { return *finder_; }

 private:
  FrameRunner(Container container, const MediaLimits& limits) : container_(std::move(container)), limits_(limits) {}

  Container container_;
  MediaLimits limits_;
  Orientation orientation_ = Orientation::upright;
  const AVCodecContext* codec_ = nullptr;  // finder_'s
  std::optional<FrameFinder> finder_;
  FrameConverter converter_;
  VideoWork work_;
};

}  // namespace dfa
