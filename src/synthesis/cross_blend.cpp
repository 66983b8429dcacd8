#include "synthesis/cross_blend.hpp"

#include <cmath>
#include <opencv2/imgproc.hpp>
#include <optional>

#include "preprocess/opencv_view.hpp"

namespace dfa {
namespace {

constexpr double kFlipP = 0.5;
enum StepStream : std::uint64_t { kFlipStep = 1, kRatioStep = 7 };

// `source` laid over a canvas of that size.
Result<Picture> lay_over(const FaceSource& source, const FaceSource& canvas) {
  DFA_ASSIGN_OR_RETURN(const Similarity fit, fit_similarity(source.landmarks.points, canvas.landmarks.points));
  Picture laid = black_picture(canvas.picture.width, canvas.picture.height);
  DFA_TRY(guard_opencv("laying a face over another", [&] {
    const cv::Matx23d matrix(fit.a, -fit.b, fit.tx, fit.b, fit.a, fit.ty);
    cv::Mat target = as_writable_mat(laid);
    cv::warpAffine(as_mat(source.picture.view()), target, matrix, target.size(), cv::INTER_LINEAR,
                   cv::BORDER_REPLICATE);
  }));
  return laid;
}

}  // namespace

Result<double> landmark_distance(const Landmarks68& from, const Landmarks68& to) {
  DFA_ASSIGN_OR_RETURN(const Similarity fit, fit_similarity(from.points, to.points));
  double sum = 0;
  for (std::size_t i = 0; i < to.points.size(); ++i) {
    const Point p = fit.apply(from.points[i]);
    sum += (p.x - to.points[i].x) * (p.x - to.points[i].x) + (p.y - to.points[i].y) * (p.y - to.points[i].y);
  }
  const double distance = std::sqrt(sum / static_cast<double>(to.points.size())) / eye_distance(to);
  if (!std::isfinite(distance))
    return fail(ErrorCode::landmarks_degenerate, "the landmarks have both eyes in one place: no distance");
  return distance;
}

Result<Nearest> nearest_landmarks(std::span<const Landmarks68> candidates, const Landmarks68& target) {
  std::optional<Nearest> best;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Result<double> distance = landmark_distance(candidates[i], target);
    if (distance && (!best || *distance < best->distance)) best = Nearest{i, *distance};
  }
  if (!best)
    return fail(ErrorCode::usage, "none of {} candidates has landmarks that can be compared", candidates.size());
  return *best;
}

CrossBlendDraws draw_cross_blend(const RngStream& stream) {
  RngStream flip = stream.child(kFlipStep), ratio = stream.child(kRatioStep);
  CrossBlendDraws draws{.mask = draw_mask(stream), .finish = draw_finish(stream)};
  draws.flip = flip.chance(kFlipP) ? Flip::yes : Flip::no;
  draws.ratio = draw_blend_ratio(ratio);
  return draws;
}

Result<BlendedPair> cross_blend_canvas(const FaceSource& target, const FaceSource& source, const CrossBlendDraws& draws,
                                       FinalCrop crop) {
  DFA_ASSIGN_OR_RETURN(FaceSource canvas, cut_canvas(target, crop));
  DFA_ASSIGN_OR_RETURN(FaceSource other, cut_canvas(source, FinalCrop::margins));
  if (draws.flip == Flip::yes) canvas = flipped(canvas), other = flipped(other);
  BlendedPair pair;
  pair.face = canvas.face;
  DFA_ASSIGN_OR_RETURN(pair.mask, make_mask(canvas.landmarks, draws.mask, canvas.picture.width, canvas.picture.height));
  DFA_ASSIGN_OR_RETURN(const Picture laid, lay_over(other, canvas));
  DFA_ASSIGN_OR_RETURN(const Picture matched, match_colours(laid, canvas.picture, pair.mask));
  DFA_ASSIGN_OR_RETURN(pair.fake, blend(canvas.picture, matched, pair.mask, draws.ratio));
  pair.real = std::move(canvas.picture);
  return pair;
}

Result<FinishedPair> cross_blend(const FaceSource& target, const FaceSource& source, const CrossBlendDraws& draws,
                                 const PairOptions& options) {
  DFA_ASSIGN_OR_RETURN(const BlendedPair pair, cross_blend_canvas(target, source, draws, options.crop));
  return finish(pair, draws.finish, options);
}

}  // namespace dfa
