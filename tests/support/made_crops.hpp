// Crops made by rule, with a manifest: fakes are brighter in one corner, so that a small network can learn them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "dataset/manifest.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa::test {

struct MadeCrops {
  int side = 48;
  int train = 24;  // crops of each role, real and fake in turn
  int val = 8;
  int test = 4;
};

// The recipe that the manifest names.
CropRecipe made_recipe(const MadeCrops& crops);
// Writes folder/crops/*.bmp and folder/manifest.jsonl; returns the manifest's path.
std::filesystem::path write_made_crops(const std::filesystem::path& folder, const MadeCrops& crops);
// A 24-bit BMP file.
std::string bmp_bytes(int width, int height, const std::vector<std::uint8_t>& rgb);

}  // namespace dfa::test
