#include "prepare/shared_crops.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace dfa {
namespace {

int strength(Role role) {
  switch (role) {
    case Role::train:
      return 0;
    case Role::calibration:
      return 1;
    case Role::val:
      return 2;
    case Role::test:
      return 3;
  }
  return 0;
}

}  // namespace

std::vector<SharedCrop> leave_out_shared_crops(Manifest& manifest) {
  std::unordered_map<std::string, Role> strongest;
  for (const ManifestEntry& entry : manifest.entries) {
    const auto [found, fresh] = strongest.emplace(entry.crop_sha256, entry.role);
    if (strength(entry.role) > strength(found->second)) found->second = entry.role;
  }
  std::vector<SharedCrop> shared;
  for (const ManifestEntry& entry : manifest.entries)
    if (const Role kept = strongest.at(entry.crop_sha256); kept != entry.role)
      shared.push_back({entry.path, entry.role, kept});
  std::erase_if(manifest.entries,
                [&](const ManifestEntry& entry) { return strongest.at(entry.crop_sha256) != entry.role; });
  return shared;
}

}  // namespace dfa
