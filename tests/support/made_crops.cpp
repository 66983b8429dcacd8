#include "support/made_crops.hpp"

#include <fmt/format.h>

#include <stdexcept>

#include "base/rng.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {

namespace {

void put_le(std::string& bytes, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

std::vector<std::uint8_t> made_pixels(int side, int label, std::uint64_t index) {
  RngStream stream = RngStream(1, "made crops").child(index);
  std::vector<std::uint8_t> rgb(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    const int x = static_cast<int>(i / 3) % side, y = static_cast<int>(i / 3) / side;
    const int light = label == 1 && x < side / 2 && y < side / 2 ? 90 : 0;
    rgb[i] = static_cast<std::uint8_t>(60 + light + static_cast<int>(stream.below(64)));
  }
  return rgb;
}

}  // namespace

std::string bmp_bytes(int width, int height, const std::vector<std::uint8_t>& rgb) {
  constexpr std::uint32_t kHeader = 54;
  const std::uint32_t row = (3 * static_cast<std::uint32_t>(width) + 3) / 4 * 4;
  std::string bytes = "BM";
  put_le(bytes, kHeader + row * static_cast<std::uint32_t>(height), 4);
  put_le(bytes, 0, 4);
  put_le(bytes, kHeader, 4);
  put_le(bytes, 40, 4);
  put_le(bytes, static_cast<std::uint32_t>(width), 4);
  put_le(bytes, static_cast<std::uint32_t>(height), 4);
  put_le(bytes, 1, 2);
  put_le(bytes, 24, 2);
  for (int i = 0; i < 6; ++i) put_le(bytes, 0, 4);
  for (int y = height - 1; y >= 0; --y) {
    std::string line;
    for (int x = 0; x < width; ++x) {
      const std::uint8_t* pixel =
          &rgb[3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x))];
      for (int c = 2; c >= 0; --c) line += static_cast<char>(pixel[c]);
    }
    line.resize(row, '\0');
    bytes += line;
  }
  return bytes;
}

CropRecipe made_recipe(const MadeCrops& crops) {
  CropRecipe recipe = *crop_recipe_by_name("square1.3-inside");
  recipe.stored_px = crops.side;
  return recipe;
}

std::filesystem::path write_made_crops(const std::filesystem::path& folder, const MadeCrops& crops) {
  std::filesystem::create_directories(folder / "crops");
  Manifest manifest;
  manifest.crop_name = "square1.3-inside";
  manifest.stored_px = crops.side;
  manifest.crop_sha256 = crop_recipe_hash(made_recipe(crops));
  manifest.root = "crops";
  const auto add = [&](Role role, int count) {
    for (int i = 0; i < count; ++i) {
      ManifestEntry entry;
      entry.label = i % 2;
      entry.role = role;
      entry.path = fmt::format("{}{}.bmp", role_name(role), i);
      entry.video = "";
      if (entry.label == 1) entry.method = i % 4 == 1 ? "corner" : "edge";
      write_bytes(folder / "crops" / entry.path,
                  bmp_bytes(crops.side, crops.side, made_pixels(crops.side, *entry.label, manifest.entries.size())));
      manifest.entries.push_back(entry);
    }
  };
  add(Role::train, crops.train);
  add(Role::val, crops.val);
  add(Role::test, crops.test);
  const std::filesystem::path path = folder / "manifest.jsonl";
  if (const Status written = write_manifest(manifest, path); !written)
    throw std::runtime_error(written.error().message);
  return path;
}

}  // namespace dfa::test
