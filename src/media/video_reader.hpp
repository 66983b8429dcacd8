// Videos, through FFmpeg, which reads only the opened file (no network, no playlists).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/frame_rate.hpp"
#include "media/limits.hpp"
#include "media/picture.hpp"

namespace dfa {

// Which frames are wanted. Exactly one way is in force.
struct FrameSelection {
  enum class Way { even, rate, every, listed };
  Way way = Way::even;
  int count = 32;                         // even: this many, spread by the rule of even_frame_indices()
  double fps = 0;                         // rate: for k = 0, 1, ... the frame shown at k / fps seconds
  std::vector<std::int64_t> frames = {};  // listed: these, in rising order; those beyond the end are passed over
};

// step = (n-1)/(count-1) in double; pick[k] = trunc(k*step), the last is n-1; count 1 -> {0}; repeats are left out (n <
// count).
std::vector<std::int64_t> even_frame_indices(std::int64_t n, int count);

struct VideoInfo {
  int width = 0;  // upright, square pixels
  int height = 0;
  int rotation_degrees = 0;          // clockwise, as the container says; already applied to frames
  std::int64_t frames_declared = 0;  // by the container header, 0 = it does not say; only recorded
  std::int64_t frames_counted = 0;   // packets of the stream, in the file and whole, that carry a shown frame
  double duration_seconds = 0;       // from the packets' times
  FrameRate frame_rate = {0, 1};     // mean over the stream, as the container knows it; numerator 0 = it does not
  std::string codec;                 // e.g. "h264"
  std::string pixel_format;          // e.g. "yuv420p10le"
  int stream_index = 0;
  std::string cut;  // empty, or in words what shows that the file ends before its own structure says so
};

// The container's mean rate; where it names none, frames over duration; a default where that is unknown too.
FrameRate mean_frame_rate(const VideoInfo& info);

struct VideoOptions {
  // Threads of the decoder. 0 = as many as there are cores. Frames are the same whatever the number; the pipeline has
  // threads of its own, and more here cost memory and latency after a seek.
  int decoder_threads = 1;
  // Groups of frames that are decoded at once, each by a decoder of its own on a thread of its own, where a selection
  // has groups enough (see runner_team.hpp). 1 = all on the caller's thread. Frames and their order are the same
  // whatever the number; how many frames were decoded to get them may differ by a few a group.
  int runners = 1;
  // Pixels that a selection has to decode at least before a second runner is worth its container: about a second's
  // work.
  std::int64_t least_pixels = 500'000'000;
};

// Counted from select() on.
struct VideoWork {
  std::int64_t frames_decoded = 0;  // that came out of the decoder, wanted or not
  std::int64_t frames_delivered = 0;
  std::int64_t frames_failed = 0;  // wanted, but could not be decoded
  std::int64_t seeks = 0;          // jumps to a key frame other than the start
};

// One thread at a time. Memory: a few frames a runner, whatever the length of the video (the index of packet times
// takes 24 bytes a frame).
class VideoReader {
 public:
  // Opens the container, picks the best video stream and counts its packets. Errors: not_media, media_truncated,
  // media_corrupt, media_unsupported, limit_exceeded, file_*.
  static Result<std::unique_ptr<VideoReader>> open(const std::filesystem::path& path, const MediaLimits& limits,
                                                   const VideoOptions& options = {});
  virtual ~VideoReader() = default;
  virtual const VideoInfo& info() const = 0;
  // Starts a selection (from the beginning); without one, next() gives 32 even frames. Errors: usage.
  virtual Status select(const FrameSelection& selection) = 0;
  // The next selected frame in presentation order; nothing at the end. A wanted frame that does not decode is counted
  // in work().frames_failed and passed over, never replaced by its neighbour. Errors end the stream: media_corrupt.
  virtual Result<std::optional<Frame>> next() = 0;
  virtual const VideoWork& work() const = 0;
};

}  // namespace dfa
