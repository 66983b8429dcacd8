#include "augment/augment_sets.hpp"

#include <string>

namespace dfa {
namespace {

AugmentOptions standard() {
  AugmentOptions options;
  options.flip = 0.5;
  options.affine.p = 0.5;
  options.affine.degrees = 10;
  options.kernel_blur = {0.5, 3, 7};
  options.brightness = {0.5, -0.1, 0.1};
  options.contrast = {0.5, 0.9, 1.1};
  options.jpeg = {0.5, 40, 100};
  return options;
}

AugmentOptions gend() {
  AugmentOptions options;
  options.flip = 0.5;
  options.affine = {1, 10, 0.1, 0.9, 1.1, Outside::black};
  options.blur = {0.1, 0.1, 2};
  options.blur_side = 7;
  options.gain = {1, 0.9, 1.1};
  options.contrast = {1, 0.9, 1.1};
  options.jpeg = {1, 40, 100};
  return options;
}

AugmentOptions strong() {
  AugmentOptions options;
  options.flip = 0.5;
  options.affine = {0.5, 10, 0.1, 0.8, 1.2, Outside::mirror};
  options.colour = {0.7, 0.2, 0.1, 20, 30, 20};
  options.grey = 0.2;
  options.kernel_blur = {0.05, 3, 3};
  options.noise = {0.1, 3.2, 7.1};
  options.jpeg = {0.5, 60, 100};
  return options;
}

}  // namespace

std::string_view augment_set_name(AugmentSet set) {
  switch (set) {
    case AugmentSet::none:
      return "none";
    case AugmentSet::standard:
      return "standard";
    case AugmentSet::gend:
      return "gend";
    case AugmentSet::strong:
      return "strong";
  }
  return "";
}

Result<AugmentSet> augment_set_by_name(std::string_view name) {
  std::string known;
  for (const AugmentSet set : kAugmentSets) {
    if (name == augment_set_name(set)) return set;
    known += (known.empty() ? "" : ", ") + std::string(augment_set_name(set));
  }
  return fail(ErrorCode::usage, "augment.set is \"{}\", expected one of: {}", name, known);
}

AugmentOptions augment_options_of(AugmentSet set) {
  switch (set) {
    case AugmentSet::none:
      return {};
    case AugmentSet::standard:
      return standard();
    case AugmentSet::gend:
      return gend();
    case AugmentSet::strong:
      return strong();
  }
  return {};
}

}  // namespace dfa
