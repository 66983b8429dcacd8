#include "face/mtcnn_cascade.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace dfa {
namespace {

// facenet-pytorch 2.6.0's defaults.
constexpr float kProposalThreshold = 0.6f;
constexpr float kRefineThreshold = 0.7f;
constexpr float kLocateThreshold = 0.7f;
constexpr double kOverlapWithinSize = 0.5;
constexpr double kOverlap = 0.7;

// From window sizes to pixels, in the window before its correction.
void place_points(FloatWindow& w) {
  const float width = w.x2 - w.x1 + 1, height = w.y2 - w.y1 + 1;
  for (int k = 0; k < 5; ++k) {
    w.points[k] = width * w.points[k] + w.x1 - 1;
    w.points[5 + k] = height * w.points[5 + k] + w.y1 - 1;
  }
}

}  // namespace

Result<MtcnnCascade> MtcnnCascade::create(int threads, TraceSink* trace) {
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<mtcnn::Networks> networks, mtcnn::Networks::create(threads));
  return MtcnnCascade(std::move(networks), trace);
}

const std::vector<CascadeFace>& MtcnnCascade::run(const mtcnn::PictureSource& picture, int min_face_px) {
  plan_sizes(picture, min_face_px);
  networks_->propose(picture, sizes_, kProposalThreshold, proposals_);
  return sort_out(picture);
}

const std::vector<CascadeFace>& MtcnnCascade::run_near(const mtcnn::PictureSource& picture, int min_face_px,
                                                       std::span<const CascadeFace> before) {
  plan_sizes(picture, min_face_px);
  parts_.clear();
  for (const CascadeFace& face : before) add_map_parts(face, pyramid_, parts_);
  networks_->propose_in(picture, sizes_, parts_, kProposalThreshold, proposals_);
  return sort_out(picture);
}

const std::vector<CascadeFace>& MtcnnCascade::sort_out(const mtcnn::PictureSource& picture) {
  counts_ = {};
  place_windows();
  stages_.kept = windows_;
  for (FloatWindow& w : windows_) apply_correction(w, Extent::plain), make_square(w);
  stages_.first_square = windows_;

  score_windows(picture, &mtcnn::Networks::refine, kRefineThreshold, "rnet");
  counts_.refined = static_cast<long>(windows_.size());
  suppress_windows(Overlap::of_union, kOverlap, "rnet");
  counts_.after_refining = static_cast<long>(windows_.size());
  for (FloatWindow& w : windows_) apply_correction(w, Extent::plus1), make_square(w);
  stages_.second_square = windows_;

  score_windows(picture, &mtcnn::Networks::locate, kLocateThreshold, "onet");
  counts_.located = static_cast<long>(windows_.size());
  for (FloatWindow& w : windows_) place_points(w), apply_correction(w, Extent::plus1);
  suppress_windows(Overlap::of_smaller_plus1, kOverlap, "onet");
  counts_.faces = static_cast<long>(windows_.size());
  return windows_;
}

void MtcnnCascade::plan_sizes(const mtcnn::PictureSource& picture, int min_face_px) {
  plan_pyramid(picture.width(), picture.height(), min_face_px, pyramid_);
  sizes_.clear();
  for (const PyramidLevel& level : pyramid_) sizes_.push_back(level.size);
}

void MtcnnCascade::place_windows() {
  windows_.clear();
  for (std::size_t i = 0; i < pyramid_.size(); ++i) {
    counts_.cells += static_cast<long>(proposals_[i].size());
    level_windows_.clear();
    for (const mtcnn::Proposal& proposal : proposals_[i])
      level_windows_.push_back(window_of(proposal, pyramid_[i].scale));
    suppress(level_windows_, Overlap::of_union, kOverlapWithinSize, scratch_);
    windows_.insert(windows_.end(), level_windows_.begin(), level_windows_.end());
  }
  counts_.after_each_size = static_cast<long>(windows_.size());
  suppress(windows_, Overlap::of_union, kOverlap, scratch_);
  counts_.after_all_sizes = static_cast<long>(windows_.size());
}

void MtcnnCascade::score_windows(const mtcnn::PictureSource& picture, Score score, float threshold, const char* net) {
  const auto region_of = [&](const FloatWindow& w) { return pixels_of(w, picture.width(), picture.height()); };
  // Where nothing of the window lies in the picture there is nothing to score.
  std::erase_if(windows_, [&](const FloatWindow& w) {
    const mtcnn::Region region = region_of(w);
    const bool empty = region.width == 0 || region.height == 0;
    if (empty) trace_dropped(net, w, "outside the picture");
    return empty;
  });
  regions_.clear();
  for (const FloatWindow& w : windows_) regions_.push_back(region_of(w));
  scores_.resize(windows_.size());
  (networks_.get()->*score)(picture, regions_, scores_);
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    windows_[i].score = scores_[i].score;
    std::copy(std::begin(scores_[i].correction), std::end(scores_[i].correction), windows_[i].correction);
    std::copy(std::begin(scores_[i].points), std::end(scores_[i].points), windows_[i].points);
  }
  std::erase_if(windows_, [&](const FloatWindow& w) {
    const bool passed = w.score > threshold;
    if (!passed) trace_dropped(net, w, "score");
    return !passed;
  });
}

void MtcnnCascade::suppress_windows(Overlap overlap, double limit, const char* net) {
  const std::size_t before = windows_.size();
  suppress(windows_, overlap, limit, scratch_);
  if (trace_ != nullptr && trace_->wants(TraceClass::check) && before > windows_.size())
    trace_->write(TraceClass::check, fmt::format("face,{},{} windows,,overlap with a window of higher score", net,
                                                 before - windows_.size()));
}

void MtcnnCascade::trace_dropped(const char* net, const FloatWindow& w, const char* reason) const {
  if (trace_ == nullptr || !trace_->wants(TraceClass::check)) return;
  trace_->write(TraceClass::check, fmt::format("face,{},{:.1f} {:.1f} {:.1f} {:.1f},{:.4f},{}", net, w.x1, w.y1, w.x2,
                                               w.y2, w.score, reason));
}

}  // namespace dfa
