#include "train/data/sample_maker.hpp"

#include <algorithm>

#include "preprocess/crop.hpp"
#include "train/data/mask_pool.hpp"

namespace dfa::train {

// What happens to a place: to a crop, or to both sides of a pair.
struct SampleMaker::Draws {
  AugmentDraws weak;
  std::optional<AugmentDraws> strong;
};

namespace {

RngStream stream_of(const SampleOptions& options, std::string_view name, std::uint64_t place) {
  return RngStream(options.seed, name).child(options.epoch).child(place);
}

// A real crop has no forged cell.
void put_real_mask(SamplePlace& to) {
  std::fill(to.mask.begin(), to.mask.end(), 0.0F);
  to.mask_known = 1;
}

}  // namespace

SampleMaker::Draws SampleMaker::draws_of(const Slot& slot) const {
  Draws draws{draw_augment(options_.augment, augment_stream(options_.seed, options_.epoch, slot.stream)), {}};
  if (options_.strong)
    draws.strong = draw_augment(*options_.strong, stream_of(options_, "augment strong", slot.stream));
  return draws;
}

Status SampleMaker::put_views(const Picture& crop, const Draws& draws, Measured& first, Measured& second,
                              SamplePlace& to) const {
  DFA_ASSIGN_OR_RETURN(const Picture weak, augment(crop, draws.weak, first));
  DFA_TRY(crop_to_tensor(weak.view(), options_.recipe, options_.side, to.image));
  if (!draws.strong) return {};
  DFA_ASSIGN_OR_RETURN(const Picture strong, augment(weak, *draws.strong, second));
  return crop_to_tensor(strong.view(), options_.recipe, options_.side, to.strong);
}

Status SampleMaker::put_mask(const Picture& mask, const AugmentDraws& draws, SamplePlace& to) const {
  DFA_ASSIGN_OR_RETURN(const Picture moved, augment_geometry(mask, draws));
  pool_mask(moved.view(), options_.mask_side, to.mask);
  to.mask_known = 1;
  return {};
}

Status SampleMaker::make_crop(const Slot& slot, SamplePlace& to) const {
  const Sample& sample = crops_.samples()[slot.sample];
  to.label = sample.label;
  to.sample = slot.sample;
  const Draws draws = draws_of(slot);
  DFA_ASSIGN_OR_RETURN(const std::shared_ptr<const Picture> crop, crops_.crop(slot.sample));
  Measured first, second;
  DFA_TRY(put_views(*crop, draws, first, second, to));
  if (options_.mask_side == 0) return {};
  if (sample.label == 0) {
    put_real_mask(to);
    return {};
  }
  DFA_ASSIGN_OR_RETURN(const std::optional<Picture> mask, crops_.mask(slot.sample));
  return mask ? put_mask(*mask, draws.weak, to) : Status{};
}

Result<std::uint32_t> SampleMaker::make_pair(const Slot& slot, SamplePlace* real, SamplePlace* fake) const {
  if (options_.blender == nullptr) return fail(ErrorCode::internal, "a self-blended pair without a blender");
  const Draws draws = draws_of(slot);
  DFA_ASSIGN_OR_RETURN(const SelfBlended pair,
                       options_.blender->make(slot.sample, stream_of(options_, "self-blend", slot.stream)));
  // Measured on the real side, whether or not it is wanted: the fake must not differ by which device made it.
  Measured first, second;
  std::vector<float> unwanted;
  SamplePlace spare;
  if (real == nullptr) {
    const std::size_t values = 3 * static_cast<std::size_t>(options_.side) * static_cast<std::size_t>(options_.side);
    unwanted.resize(values);
    spare.image = spare.strong = unwanted;
    real = &spare;
  }
  real->label = 0;
  real->sample = pair.sample;
  DFA_TRY(put_views(pair.real, draws, first, second, *real));
  if (options_.mask_side > 0) put_real_mask(*real);
  if (fake == nullptr) return pair.misses;
  fake->label = 1;
  fake->sample = pair.sample;
  DFA_TRY(put_views(pair.fake, draws, first, second, *fake));
  if (options_.mask_side > 0) DFA_TRY(put_mask(mask_picture(pair.mask), draws.weak, *fake));
  return pair.misses;
}

}  // namespace dfa::train
