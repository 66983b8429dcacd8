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

// Of a face that was sure, that it is still there.
constexpr double kSure = 0.95;
constexpr double kSameFace = 0.3;  // overlap with where it was

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

FloatWindow with_border(const Face& face, int border) {
  const auto moved = [&](double at) { return static_cast<float>(at + border); };
  return {moved(face.box_px.x1), moved(face.box_px.y1), moved(face.box_px.x2), moved(face.box_px.y2), 0, {}, {}};
}

// Whether each sure face of `before` has one in `now` in about its place.
bool all_kept(std::span<const Face> before, std::span<const Face> now) {
  return std::ranges::all_of(before, [&](const Face& old) {
    return old.probability < kSure || std::ranges::any_of(now, [&](const Face& face) {
             return face.probability >= kSure && iou(face.box_px, old.box_px) >= kSameFace;
           });
  });
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

  Result<std::vector<Face>> follow(const PictureView& picture, std::span<const Face> before) override {
    if (before.empty()) return detect(picture);
    return guarded_search(picture, [&] {
      before_.clear();
      for (const Face& face : before) before_.push_back(with_border(face, kind_.border_px));
      std::vector<Face> faces = take(cascade_.run_near(source_of(picture), min_face_px_, before_));
      if (!all_kept(before, faces)) return find(picture);
      ++work_.followed;
      count_frame();
      return faces;
    });
  }

 private:
  mtcnn::PictureSource source_of(const PictureView& picture) const {
    return {picture.rgb, picture.stride, picture.width, picture.height, kind_.border_px};
  }

  std::vector<Face> find(const PictureView& picture) {
    std::vector<Face> faces = take(cascade_.run(source_of(picture), min_face_px_));
    count_frame();
    return faces;
  }

  std::vector<Face> take(const std::vector<CascadeFace>& found) const {
    std::vector<Face> faces;
    faces.reserve(found.size());
    for (const CascadeFace& face : found) faces.push_back(in_frame(face, kind_.border_px));
    std::stable_sort(faces.begin(), faces.end(),
                     [](const Face& a, const Face& b) { return a.box_px.area() > b.box_px.area(); });
    return faces;
  }

  void count_frame() {
    ++work_.frames;
    work_.candidates_first += cascade_.counts().after_all_sizes;
    work_.candidates_second += cascade_.counts().after_refining;
    work_.faces += cascade_.counts().faces;
  }

  const MtcnnKind kind_;
  const int min_face_px_;
  MtcnnCascade cascade_;
  std::vector<CascadeFace> before_;
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
