#include "synthesis/pair.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "augment/augment.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

constexpr int kSmallestSide = 32, kLargestSide = 4096;

// Step 2, in shares of the width and height of the box of the 68 points.
struct CanvasMargins {
  double side = 0.5, top = 1.0, bottom = 0.4;
};
// An aligned crop of scale 1.3 reaches 2.1 eye distances around its centre; the box of the points is about as wide.
constexpr CanvasMargins kRecipeMargins{1.0, 1.0, 1.0};

// Step 3: the points of the forehead are left out with this probability.
constexpr double kNoForeheadP = 0.25;
// Step 5.
constexpr Elastic kElastic{50, 7};
// Step 6: sizes, odd kernels 5..25, whole sigmas 5..45.
constexpr std::uint64_t kSmallestMaskSide = 192, kMaskSides = 65;
constexpr std::uint64_t kSmallestKernel = 5, kKernels = 11;
constexpr std::uint64_t kSmallestSigma = 5, kSigmas = 41;
// Step 7.
constexpr std::array kRatios = {0.25, 0.5, 0.75, 1.0, 1.0, 1.0};
// Step 8.
constexpr ColourChances kJointColours{0.3, 20, 0.3, 0.3, 0.3, 0.3};
constexpr double kJpegP = 0.5;
constexpr std::uint64_t kLowestQuality = 40, kQualities = 61;
// Step 9: a quarter of the box's side times U(.2, .8).
constexpr double kMarginShare = 0.25, kSmallestMargin = 0.2, kLargestMargin = 0.8;

// Streams below that of a pair. A step draws from its own: more draws in one never shift another.
enum StepStream : std::uint64_t { kHullStep = 3, kElasticStep = 5, kSoftenStep = 6, kJointStep = 8, kCropStep = 9 };

struct PixelBox {
  int x = 0, y = 0, width = 0, height = 0;
};

// Rounded to whole pixels and cut to the picture. Errors: landmarks_degenerate when nothing is left.
Result<PixelBox> pixels_of(const Box& box, int width, int height) {
  const auto cut = [](double v, int end) { return static_cast<int>(std::lround(std::clamp(v, 0.0, 1.0 * end))); };
  const int x1 = cut(box.x1, width), x2 = cut(box.x2, width), y1 = cut(box.y1, height), y2 = cut(box.y2, height);
  if (x2 - x1 < 2 || y2 - y1 < 2)
    return fail(ErrorCode::landmarks_degenerate, "box ({:.6g}, {:.6g}, {:.6g}, {:.6g}) has no pixels in {}x{}", box.x1,
                box.y1, box.x2, box.y2, width, height);
  return PixelBox{x1, y1, x2 - x1, y2 - y1};
}

PictureView view_of(const Picture& picture, const PixelBox& box) {
  const PictureView all = picture.view();
  return {box.width, box.height, all.stride, all.row(box.y) + 3 * static_cast<std::ptrdiff_t>(box.x)};
}

Picture copy_of(const PictureView& view) {
  Picture copy{view.width, view.height, {}};
  const std::size_t row = 3 * static_cast<std::size_t>(view.width);
  copy.rgb.reserve(row * static_cast<std::size_t>(view.height));
  for (int y = 0; y < view.height; ++y) copy.rgb.insert(copy.rgb.end(), view.row(y), view.row(y) + row);
  return copy;
}

Box widened(const Box& box, double left, double top, double right, double bottom) {
  const double w = box.width(), h = box.height();
  return {box.x1 - left * w, box.y1 - top * h, box.x2 + right * w, box.y2 + bottom * h};
}

FaceSource moved(const FaceSource& source, const PixelBox& canvas) {
  FaceSource out{copy_of(view_of(source.picture, canvas)), source.landmarks, source.face};
  const auto shift = [&canvas](Point& p) { p.x -= canvas.x, p.y -= canvas.y; };
  for (Point& p : out.landmarks.points) shift(p);
  for (Point& p : out.face.landmarks_px) shift(p);
  Box& box = out.face.box_px;
  box = {box.x1 - canvas.x, box.y1 - canvas.y, box.x2 - canvas.x, box.y2 - canvas.y};
  return out;
}

Result<Picture> joint(const Picture& picture, const FinishDraws& draws) {
  DFA_ASSIGN_OR_RETURN(Picture out, shift_colours(picture, draws.colours));
  if (draws.jpeg_quality == 0) return out;
  return reencode_jpeg(out, draws.jpeg_quality);
}

// One cut for pictures and masks.
class FinalCutter {
 public:
  static Result<FinalCutter> create(const BlendedPair& pair, const FinishDraws& draws, const PairOptions& options) {
    FinalCutter cutter(pair.face, options);
    if (options.crop == FinalCrop::whole) cutter.box_ = {0, 0, pair.real.width, pair.real.height};
    if (options.crop == FinalCrop::margins) {
      const Box box = widened(pair.face.box_px, draws.left, draws.top, draws.right, draws.bottom);
      DFA_ASSIGN_OR_RETURN(cutter.box_, pixels_of(box, pair.real.width, pair.real.height));
    }
    return cutter;
  }
  Result<Picture> cut(const Picture& picture) const {
    if (options_.crop != FinalCrop::recipe)
      return resize_antialiased(view_of(picture, box_), options_.side, options_.side, "bilinear");
    CropRecipe recipe = options_.recipe;
    recipe.stored_px = options_.side;
    return make_crop(picture.view(), face_, recipe);
  }

 private:
  FinalCutter(Face face, const PairOptions& options) : face_(std::move(face)), options_(options) {}
  Face face_;
  PairOptions options_;
  PixelBox box_;
};

}  // namespace

FaceSource flipped(const FaceSource& source) {
  const int width = source.picture.width;
  FaceSource out{flip_left_right(source.picture), mirrored(source.landmarks, width), source.face};
  const Box& box = source.face.box_px;
  out.face.box_px = {width - 1 - box.x2, box.y1, width - 1 - box.x1, box.y2};
  constexpr std::array<std::size_t, 5> kFiveMirrored = {1, 0, 2, 4, 3};
  for (std::size_t i = 0; i < kFiveMirrored.size(); ++i) {
    const Point& p = source.face.landmarks_px[kFiveMirrored[i]];
    out.face.landmarks_px[i] = {width - 1 - p.x, p.y};
  }
  return out;
}

Status check_pair_options(const PairOptions& options) {
  if (options.side < kSmallestSide || options.side > kLargestSide)
    return fail(ErrorCode::usage, "a pair of {} pixels a side, expected {} to {}", options.side, kSmallestSide,
                kLargestSide);
  return {};
}

Result<FaceSource> cut_canvas(const FaceSource& source, FinalCrop crop) {
  DFA_TRY(check_landmarks(source.landmarks, source.picture.width, source.picture.height));
  if (crop == FinalCrop::whole) return source;
  const CanvasMargins margins = crop == FinalCrop::recipe ? kRecipeMargins : CanvasMargins{};
  const Box box =
      widened(landmark_box(source.landmarks.points), margins.side, margins.top, margins.side, margins.bottom);
  DFA_ASSIGN_OR_RETURN(const PixelBox pixels, pixels_of(box, source.picture.width, source.picture.height));
  return moved(source, pixels);
}

MaskDraws draw_mask(const RngStream& stream) {
  RngStream hull = stream.child(kHullStep), soft = stream.child(kSoftenStep);
  MaskDraws draws{Hull::filled, {}, kElastic, stream.child(kElasticStep), {}};
  draws.hull = kHulls[hull.below(kHulls.size())];
  // With 68 points the only hull with a forehead is the one whose brows were lifted.
  if (hull.chance(kNoForeheadP) && draws.hull == Hull::brow_extended) draws.hull = Hull::filled;
  draws.softening.width = static_cast<int>(kSmallestMaskSide + soft.below(kMaskSides));
  draws.softening.height = static_cast<int>(kSmallestMaskSide + soft.below(kMaskSides));
  draws.softening.first_kernel = static_cast<int>(kSmallestKernel + 2 * soft.below(kKernels));
  draws.softening.second_kernel = static_cast<int>(kSmallestKernel + 2 * soft.below(kKernels));
  draws.softening.second_sigma = static_cast<double>(kSmallestSigma + soft.below(kSigmas));
  return draws;
}

Result<Mask> make_mask(const Landmarks68& landmarks, const MaskDraws& draws, int width, int height) {
  DFA_ASSIGN_OR_RETURN(Mask mask, hull_mask(landmarks, draws.hull, width, height));
  DFA_ASSIGN_OR_RETURN(mask, move_mask(mask, draws.moved));
  DFA_ASSIGN_OR_RETURN(mask, deform(mask, draws.elastic, draws.elastic_noise));
  return soften(mask, draws.softening);
}

double draw_blend_ratio(RngStream& stream) {
  return kRatios[stream.below(kRatios.size())];
}

Result<Picture> blend(const Picture& target, const Picture& source, const Mask& mask, double ratio) {
  if (source.width != target.width || source.height != target.height || mask.width != target.width ||
      mask.height != target.height)
    return fail(ErrorCode::usage, "blending {}x{} and {}x{} by a mask of {}x{}, expected equal sizes", source.width,
                source.height, target.width, target.height, mask.width, mask.height);
  Picture out = target;
  for (std::size_t i = 0; i < out.rgb.size(); ++i) {
    const double m = ratio * mask.value[i / 3] / 255.0;
    out.rgb[i] = static_cast<std::uint8_t>(std::lround(m * source.rgb[i] + (1 - m) * target.rgb[i]));
  }
  return out;
}

FinishDraws draw_finish(const RngStream& stream) {
  RngStream joint_stream = stream.child(kJointStep), crop = stream.child(kCropStep);
  FinishDraws draws;
  draws.colours = draw_colour_shift(kJointColours, joint_stream);
  const bool jpeg = joint_stream.chance(kJpegP);
  const auto quality = static_cast<int>(kLowestQuality + joint_stream.below(kQualities));
  if (jpeg) draws.jpeg_quality = quality;
  for (double* margin : {&draws.left, &draws.top, &draws.right, &draws.bottom})
    *margin = kMarginShare * crop.uniform(kSmallestMargin, kLargestMargin);
  return draws;
}

Result<FinishedPair> finish(const BlendedPair& pair, const FinishDraws& draws, const PairOptions& options) {
  DFA_TRY(check_pair_options(options));
  DFA_ASSIGN_OR_RETURN(const FinalCutter cutter, FinalCutter::create(pair, draws, options));
  FinishedPair out;
  DFA_ASSIGN_OR_RETURN(const Picture real, joint(pair.real, draws));
  DFA_ASSIGN_OR_RETURN(const Picture fake, joint(pair.fake, draws));
  DFA_ASSIGN_OR_RETURN(out.real, cutter.cut(real));
  DFA_ASSIGN_OR_RETURN(out.fake, cutter.cut(fake));
  DFA_ASSIGN_OR_RETURN(const Picture mask, cutter.cut(mask_picture(pair.mask)));
  out.mask = mask_of_picture(mask);
  return out;
}

}  // namespace dfa
