#include "train/plan/made_data.hpp"

#include <algorithm>
#include <utility>

#include "base/rng.hpp"
#include "dataset/manifest.hpp"
#include "media/write_picture.hpp"

namespace dfa::train {

namespace {

constexpr int kFewestCrops = 32;

// Coarse noise, which compresses about as a photograph does: cells of kCell pixels, little noise on top.
Picture noise_crop(int side, RngStream stream) {
  constexpr int kCell = 8, kFine = 12;
  const int cells = (side + kCell - 1) / kCell;
  std::vector<std::uint8_t> coarse(3 * static_cast<std::size_t>(cells) * static_cast<std::size_t>(cells));
  for (std::uint8_t& value : coarse) value = static_cast<std::uint8_t>(32 + stream.below(192));
  Picture picture{side, side, {}};
  picture.rgb.reserve(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      for (int c = 0; c < 3; ++c) {
        const std::size_t cell = static_cast<std::size_t>(3 * ((y / kCell) * cells + x / kCell) + c);
        picture.rgb.push_back(static_cast<std::uint8_t>(coarse[cell] + stream.below(kFine)));
      }
  return picture;
}

}  // namespace

Result<MadeData> MadeData::create(const RunConfig& config) {
  DFA_ASSIGN_OR_RETURN(TempFolder folder, TempFolder::create("plan"));
  MadeData data{std::move(folder)};
  DFA_TRY(data.fill(config));
  return data;
}

Status MadeData::fill(const RunConfig& config) const {
  Manifest manifest;
  manifest.crop_name = config.crop.name;
  manifest.stored_px = config.crop.stored_px;
  manifest.crop_sha256 = crop_recipe_hash(config.crop);
  const auto add = [&](Role role, int count) -> Status {
    for (int i = 0; i < count; ++i) {
      ManifestEntry entry;
      entry.path = fmt::format("{}{}.png", role_name(role), i);
      entry.label = i % 2;
      entry.role = role;
      entry.method = i % 2 == 1 ? "made" : "";
      entry.video = "";
      const Picture picture =
          noise_crop(config.crop.stored_px, RngStream(0, "plan crops").child(manifest.entries.size()));
      DFA_TRY(write_picture_png(folder_.path() / entry.path, picture.view()));
      manifest.entries.push_back(std::move(entry));
    }
    return {};
  };
  DFA_TRY(add(Role::train, std::max(2 * config.batch, kFewestCrops)));
  DFA_TRY(add(config.select_on, std::max(config.eval_batch, 2)));
  return write_manifest(manifest, this->manifest());
}

}  // namespace dfa::train
