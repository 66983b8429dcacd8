// A file as the decode stage sees it: a still picture is a stream of one frame.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/limits.hpp"
#include "media/picture.hpp"
#include "media/sniff.hpp"
#include "media/video_reader.hpp"
#include "score/result.hpp"

namespace dfa {

class MediaSource {
 public:
  virtual ~MediaSource() = default;
  // The next wanted frame in presentation order; nothing at the end. An error ends the stream.
  virtual Result<std::optional<Frame>> next() = 0;
  // About how many frames next() will give: for progress only.
  virtual std::int64_t frames_expected() const = 0;
  // Fills the frame counters of `work`; final after the last next().
  virtual void count(WorkRecord& work) const = 0;
  // What a reader of the record must know, e.g. that the file is cut; final after the last next().
  virtual std::vector<std::string> notes() const = 0;
};

// What is known of a file before its first frame, also when it cannot be opened.
struct Intake {
  MediaKind kind = MediaKind::unknown;
  std::optional<std::string> sha256;  // of the whole file; empty where it could not be read
  Result<std::unique_ptr<MediaSource>> source;
};

struct IntakeOptions {
  MediaLimits limits;
  FrameSelection frames;
  VideoOptions video;
};

// How a job opens its inputs; open_media() outside tests. Called by several threads at once.
using OpenMedia = std::function<Intake(const std::string& path, const IntakeOptions& options)>;

// Sniffs, hashes and opens a file of the file system. Never throws.
Intake open_media(const std::string& path, const IntakeOptions& options);

}  // namespace dfa
