// A small data set of samples, prepared once a test program: a portrait, a forged clip, a folder of numbered pictures.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "dataset/manifest.hpp"
#include "eval/robustness_recut.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {

struct PreparedClips {
  TempDir dir;
  std::filesystem::path manifest_path;
  Manifest manifest;
  std::vector<std::size_t> entries;  // all
  SourceVideos sources;

  // By the manifest's name of the item.
  const SourceVideo& video(std::string_view name) const;
};

inline constexpr const char* kPortrait = "real/astronaut.png";
inline constexpr const char* kClip = "fake/swap.mp4";
inline constexpr std::size_t kClipFrames = 12;
inline constexpr const char* kFolder = "real/pictures";

const PreparedClips& prepared_clips();

// Every crop that recut_video() gives, by cell and entry; each must come once.
using Recuts = std::vector<std::vector<Recut>>;
Recuts recut_all(const SourceVideo& video, const RecutOptions& options, const SourceVideos& all);

// Mean absolute difference of the bytes.
double difference(const Picture& a, const Picture& b);

// Finds what it is told to, in every picture.
class ToldDetector final : public Detector {
 public:
  explicit ToldDetector(std::vector<Face> faces) : faces_(std::move(faces)) {}
  std::string_view name() const override { return "mtcnn"; }
  std::string_view weights_sha256() const override { return "stub"; }
  Result<std::vector<Face>> detect(const PictureView&) override { return faces_; }
  const DetectorWork& work() const override { return work_; }

 private:
  std::vector<Face> faces_;
  DetectorWork work_;
};

}  // namespace dfa::test
