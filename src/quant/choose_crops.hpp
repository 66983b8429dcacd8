// Which crops of a manifest a model is calibrated on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"

namespace dfa {

// Indices of at most `count` entries of `role`, drawn by `seed`: as many of each class as of the other, and within a
// class as many of each source (set and method), as far as they go. A class that runs out is filled up from the other.
// In the order of drawing, so that a shorter choice is the beginning of a longer one's. Entries without a label are a
// class of their own. Errors: manifest_invalid where no entry has the role.
Result<std::vector<std::size_t>> choose_crops(const Manifest& manifest, Role role, std::size_t count,
                                              std::int64_t seed);

}  // namespace dfa
