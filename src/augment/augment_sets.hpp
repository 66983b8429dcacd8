// Sets of augmentations by one word.
#pragma once

#include <array>
#include <string_view>

#include "augment/augment_options.hpp"

namespace dfa {

// Where a published set leaves something open, the number is ours and is named here.
//   none      nothing
//   standard  what most detectors of the field train with: flip .5; rotation by up to 10 degrees, Gaussian blur of side
//             3 to 7, brightness and contrast by up to .1, JPEG of quality 40 to 100. Ours: p .5 for each of these
//   gend      GenD (arXiv 2508.06248), exact: flip .5; always rotation by up to 10 degrees, shift by up to 10 % and
//             scale .9 to 1.1, black outside; blur of side 7, sigma .1 to 2, p .1; always brightness and contrast by
//             factors .9 to 1.1; always JPEG 40 to 100. Deviation: moved bilinearly, not by the nearest pixel, and
//             brightness always before contrast
//   strong    the optional set of the published code: JPEG 60 to 100 p .5; Gaussian noise p .1 (ours: sigma 3.2 to 7.1
//             grey levels); blur of side 3 p .05; flip .5; one of light .2, principal components .1, hue 20 with
//             saturation 30 and value 20, p .7 (ours: these ranges); grey p .2; shift by up to 10 %, scale .8 to 1.2,
//             rotation by up to 10 degrees, p .5. Also the second view of consistency training
enum class AugmentSet { none, standard, gend, strong };
inline constexpr std::array kAugmentSets = {AugmentSet::none, AugmentSet::standard, AugmentSet::gend,
                                            AugmentSet::strong};

std::string_view augment_set_name(AugmentSet set);
// Errors: usage, listing the known names.
Result<AugmentSet> augment_set_by_name(std::string_view name);
AugmentOptions augment_options_of(AugmentSet set);

}  // namespace dfa
