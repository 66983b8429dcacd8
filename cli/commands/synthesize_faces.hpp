// Which pictures of a folder `dfa synthesize` can use: one face each, with 68 landmarks, or the reason why not.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "face/detector.hpp"
#include "face/judge_face.hpp"
#include "face/landmarks68.hpp"
#include "media/sniff.hpp"
#include "synthesis/pair.hpp"

namespace dfa::cli {

// What became of a file or a frame; every one is counted under exactly one word.
enum class SourceUse {
  used,
  unreadable,    // the file could not be decoded
  no_face,       // the detector saw none
  low_quality,   // seen, but too small or too uncertain
  no_landmarks,  // no 68 points for it
  faces_differ,  // the detector and the landmarks mean different faces
  not_wanted     // a video where only pictures are used
};
inline constexpr std::array kSourceUses = {SourceUse::used,        SourceUse::unreadable,   SourceUse::no_face,
                                           SourceUse::low_quality, SourceUse::no_landmarks, SourceUse::faces_differ,
                                           SourceUse::not_wanted};
std::string_view source_use_name(SourceUse use);

struct FoundFace {
  SourceUse use = SourceUse::no_face;
  Face face;
  Landmarks68 landmarks;
};

// 68 points by the file's path, relative to the folder: instead of dlib.
using GivenLandmarks = std::map<std::string, Landmarks68>;
// JSON lines: {"path": "a/b.png", "landmarks68_px": [[x, y] x 68]}; of a video's frame "clip.mp4#12".
// Errors: file_*, manifest_invalid with the line.
Result<GivenLandmarks> read_landmarks(const std::string& file);

// One a thread. With `given` no dlib is asked.
class FaceSeeker {
 public:
  static Result<std::unique_ptr<FaceSeeker>> create(const GivenLandmarks* given, const std::string& landmark_model);
  // The largest face that has landmarks; of the two largest boxes the one that fits the landmarks better. Errors:
  // internal, out_of_memory.
  Result<FoundFace> find(const PictureView& picture, const std::string& path);

 private:
  FaceSeeker() = default;
  // Of the largest face that dlib's own detector finds: its points need that detector's boxes.
  Result<std::optional<Landmarks68>> landmarks_of(const PictureView& picture, const std::string& path);

  std::unique_ptr<Detector> detector_;  // boxes and five points, as for detection
  std::unique_ptr<Detector> frontal_;   // dlib's
  std::shared_ptr<const LandmarkFinder> landmarks_;
  const GivenLandmarks* given_ = nullptr;
};

struct SourceFile {
  std::string path;      // relative to the folder, '/' between parts
  std::string identity;  // files of one identity are never blended with each other
  std::string sha256;
  MediaKind kind = MediaKind::unknown;
  Role role = Role::train;
  SourceUse use = SourceUse::unreadable;
  std::string problem;  // why it could not be read
  Face face;            // of a picture that is used
  Landmarks68 landmarks;
};

}  // namespace dfa::cli
