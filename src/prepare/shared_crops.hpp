// Equal crops under two roles: a leak that a manifest may not hold.
#pragma once

#include <string>
#include <vector>

#include "dataset/manifest.hpp"

namespace dfa {

struct SharedCrop {
  std::string path;  // of the crop that was left out
  Role role = Role::train;
  Role kept_role = Role::test;  // where an equal crop stays
};

// Takes out of `manifest` every crop whose bytes (crop_sha256) also occur under a stronger role: test before val before
// calibration before train, so that nothing measured later was seen before. Returns them in the manifest's order.
std::vector<SharedCrop> leave_out_shared_crops(Manifest& manifest);

}  // namespace dfa
