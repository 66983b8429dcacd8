#include "train/losses/patch_choice.hpp"

namespace dfa::train {

namespace {

void thin_out(std::vector<std::int64_t>& rows) {
  if (rows.size() <= kMostPatches) return;
  for (std::size_t i = 0; i < kMostPatches; ++i) rows[i] = rows[i * rows.size() / kMostPatches];
  rows.resize(kMostPatches);
}

}  // namespace

PatchChoice choose_patches(std::span<const double> shares) {
  PatchChoice choice;
  for (std::size_t row = 0; row < shares.size(); ++row) {
    if (shares[row] > kForgedShare) choice.forged.push_back(static_cast<std::int64_t>(row));
    if (shares[row] <= kUntouchedShare) choice.untouched.push_back(static_cast<std::int64_t>(row));
  }
  thin_out(choice.forged);
  thin_out(choice.untouched);
  return choice;
}

}  // namespace dfa::train
