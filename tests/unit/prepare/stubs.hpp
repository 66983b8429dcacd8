// A data set of drawn pictures, and a detector that finds what was drawn: grey squares on black.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "dataset/source_list.hpp"
#include "prepare/prepare_job.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {

// A face is a square of level 100 + 10 * certainty on black; the detector finds squares of any level from 100 up, left
// to right, apart from each other by black columns. Probability: level / 200.
struct DrawnFace {
  int x = 0, y = 0, side = 0;
  int level = 200;
};
Picture draw(int width, int height, const std::vector<DrawnFace>& faces);
// White squares on black.
Picture draw_mask(int width, int height, const std::vector<DrawnFace>& faces);
void write_png(const std::filesystem::path& path, const Picture& picture);

class SquareDetector final : public Detector {
 public:
  explicit SquareDetector(std::atomic<long>* calls = nullptr, std::chrono::milliseconds pause = {})
      : calls_(calls), pause_(pause) {}
  std::string_view name() const override { return "mtcnn"; }
  std::string_view weights_sha256() const override { return "stub"; }
  Result<std::vector<Face>> detect(const PictureView& picture) override;
  const DetectorWork& work() const override { return work_; }

 private:
  std::atomic<long>* calls_;
  std::chrono::milliseconds pause_;
  DetectorWork work_;
};

// Finds one face in the middle of everything, whatever it shows.
class MiddleDetector final : public Detector {
 public:
  explicit MiddleDetector(std::chrono::milliseconds pause = {}) : pause_(pause) {}
  std::string_view name() const override { return "mtcnn"; }
  std::string_view weights_sha256() const override { return "stub"; }
  Result<std::vector<Face>> detect(const PictureView& picture) override;
  const DetectorWork& work() const override { return work_; }

 private:
  std::chrono::milliseconds pause_;
  DetectorWork work_;
};

// Small crops around the box, so that Debug builds are quick.
PrepareOptions quick_options(int workers = 1);
PrepareParts square_parts(std::atomic<long>* calls = nullptr);

SourceItem item(const std::string& path, SourceKind kind, std::optional<int> label, const std::string& method = "");
// Numbered pictures 000.png, ... in root/path; each shows the faces of its row.
SourceItem write_frames(const std::filesystem::path& root, const std::string& path,
                        const std::vector<std::vector<DrawnFace>>& frames, int label);

// Every file below, with its bytes; folders are not named.
std::vector<std::pair<std::string, std::string>> tree(const std::filesystem::path& folder);

}  // namespace dfa::test
