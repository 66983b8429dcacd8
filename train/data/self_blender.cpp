#include "train/data/self_blender.hpp"

#include <algorithm>

#include "synthesis/self_blend.hpp"

namespace dfa::train {

namespace {

// Streams below a pair's.
constexpr std::uint64_t kOtherCrops = 1, kFirstTry = 2;

// The box that the recipe enlarged, as far as the crop shows it.
Box recipe_box(int side, double scale) {
  const double half = side / (2 * std::max(scale, 1.0)), middle = side / 2.0;
  return {middle - half, middle - half, middle + half, middle + half};
}

bool is_miss(const Error& error) {
  return error.code == ErrorCode::landmarks_degenerate;
}

}  // namespace

Result<std::unique_ptr<SelfBlender>> SelfBlender::create(const CropSet& crops, const CropRecipe& recipe) {
  DFA_ASSIGN_OR_RETURN(auto points, CropPoints::create(crops));
  return std::unique_ptr<SelfBlender>(new SelfBlender(crops, recipe, std::move(points)));
}

Result<SelfBlended> SelfBlender::make(std::uint32_t sample, const RngStream& stream) const {
  RngStream others = stream.child(kOtherCrops);
  const PairOptions options{FinalCrop::margins, recipe_, recipe_.stored_px};
  for (std::uint32_t attempt = 0; attempt < kMostTries; ++attempt) {
    DFA_ASSIGN_OR_RETURN(const std::shared_ptr<const Picture> crop, crops_.crop(sample));
    DFA_ASSIGN_OR_RETURN(const std::optional<Landmarks68> points, points_->find(sample, *crop));
    if (points) {
      const Face face{recipe_box(recipe_.stored_px, recipe_.scale), 1, five_of_68(*points)};
      auto pair = self_blend({*crop, *points, face}, draw_self_blend(stream.child(kFirstTry + attempt)), options);
      if (pair)
        return SelfBlended{std::move(pair->real), std::move(pair->fake), std::move(pair->mask), sample, attempt};
      if (!is_miss(pair.error())) return tl::unexpected<Error>(pair.error());
    }
    sample = candidates()[others.below(candidates().size())];
  }
  return fail(ErrorCode::landmarks_degenerate,
              "none of {} real crops in turn could be self-blended, the last was {}\n  likely cause: the points of the "
              "manifest are not those of its crops, or no face is found in them",
              kMostTries, crops_.samples()[sample].path);
}

}  // namespace dfa::train
