#include "face/mtcnn_detector.hpp"

#include <algorithm>

#include "base/machine.hpp"
#include "face/mtcnn_cascade.hpp"
#include "face/search_guard.hpp"
#include "nn/mtcnn/weights_blob.hpp"

namespace dfa {
namespace {

// P-Net sees 12 pixels: for smaller faces the picture would have to be enlarged.
constexpr int kSmallestFace = 12;

Face in_frame(const CascadeFace& found, int border) {
  Face face;
  face.box_px = {found.x1 - static_cast<double>(border), found.y1 - static_cast<double>(border),
                 found.x2 - static_cast<double>(border), found.y2 - static_cast<double>(border)};
  face.probability = found.score;
  for (std::size_t k = 0; k < face.landmarks_px.size(); ++k)
    face.landmarks_px[k] = {found.points[k] - static_cast<double>(border),
                            found.points[k + 5] - static_cast<double>(border)};
  return face;
}

class MtcnnDetector final : public Detector {
 public:
  MtcnnDetector(const MtcnnKind& kind, int min_face_px, MtcnnCascade cascade)
      : kind_(kind), min_face_px_(min_face_px), cascade_(std::move(cascade)) {}

  std::string_view name() const override { return kind_.name; }
  std::string_view weights_sha256() const override { return mtcnn_weights_sha256(); }
  const DetectorWork& work() const override { return work_; }

  Result<std::vector<Face>> detect(const PictureView& picture) override {
    return guarded_search(picture, [&] { return find(picture); });
  }

 private:
  std::vector<Face> find(const PictureView& picture) {
    const mtcnn::PictureSource source{picture.rgb, picture.stride, picture.width, picture.height, kind_.border_px};
    std::vector<Face> faces;
    for (const CascadeFace& found : cascade_.run(source, min_face_px_))
      faces.push_back(in_frame(found, kind_.border_px));
    std::stable_sort(faces.begin(), faces.end(),
                     [](const Face& a, const Face& b) { return a.box_px.area() > b.box_px.area(); });
    ++work_.frames;
    work_.candidates_first += cascade_.counts().after_all_sizes;
    work_.candidates_second += cascade_.counts().after_refining;
    work_.faces += cascade_.counts().faces;
    return faces;
  }

  const MtcnnKind kind_;
  const int min_face_px_;
  MtcnnCascade cascade_;
  DetectorWork work_;
};

}  // namespace

Result<std::unique_ptr<Detector>> make_mtcnn_detector(const MtcnnKind& kind, const DetectorOptions& options) {
  const int min_face_px = options.min_face_px == 0 ? kind.min_face_px : options.min_face_px;
  if (min_face_px < kSmallestFace)
    return fail(ErrorCode::usage, "smallest face of {} px, expected at least {} (0: {} for {})", min_face_px,
                kSmallestFace, kind.min_face_px, kind.name);
  const int threads = options.threads > 0 ? options.threads : usable_processors();
  DFA_ASSIGN_OR_RETURN(MtcnnCascade cascade, MtcnnCascade::create(threads, options.trace));
  return std::make_unique<MtcnnDetector>(kind, min_face_px, std::move(cascade));
}

}  // namespace dfa
