// The crops of one role of a manifest, decoded on demand by the same code as everywhere else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "media/picture.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa::train {

struct Sample {
  std::filesystem::path file;
  std::string path;  // as in the manifest
  int label = 0;     // 1 = fake
  std::string method;
  std::string video;  // video_key()
};

class CropSet {
 public:
  // The entries of `role` that carry a label. Errors: recipe_mismatch when the manifest's crops were made by another
  // recipe than `recipe`.
  static Result<std::unique_ptr<CropSet>> open(const Manifest& manifest, const std::filesystem::path& manifest_path,
                                               Role role, const CropRecipe& recipe, std::uint64_t cache_bytes);
  virtual ~CropSet() = default;
  virtual const std::vector<Sample>& samples() const = 0;
  virtual std::size_t unlabelled() const = 0;  // entries of the role that were left out
  // The u8 crop, recipe.stored_px squared. Thread-safe. Errors: those of read_picture, recipe_mismatch for another
  // size.
  virtual Result<std::shared_ptr<const Picture>> crop(std::size_t index) const = 0;
};

}  // namespace dfa::train
