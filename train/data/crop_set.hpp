// The crops of one role of a manifest or pack, decoded on demand by the same code as everywhere else, with their masks
// and points.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "face/landmarks68.hpp"
#include "media/picture.hpp"
#include "preprocess/crop_recipe.hpp"
#include "train/data/crop_file.hpp"

namespace dfa::train {

struct Sample {
  std::filesystem::path file;  // empty for a crop of a pack
  std::string path;            // as in the manifest
  int label = 0;               // 1 = fake
  std::string method;
  std::string video;                       // video_key()
  std::string source = {};                 // what it was made from
  std::optional<std::int64_t> frame = {};  // of the video
  std::string mask = {};                   // as in the manifest; empty = not known
  std::string landmarks68 = {};            // as in the manifest; empty = not known
};

// Thread-safe.
class CropSet {
 public:
  // The entries of `role` that carry a label. Errors: recipe_mismatch when the manifest's crops were made by another
  // recipe than `recipe`. `cache_bytes`: decoded crops of files that are kept; a pack needs none.
  static Result<std::unique_ptr<CropSet>> open(const CropFile& file, Role role, const CropRecipe& recipe,
                                               std::uint64_t cache_bytes);
  static Result<std::unique_ptr<CropSet>> open(const Manifest& manifest, const std::filesystem::path& manifest_path,
                                               Role role, const CropRecipe& recipe, std::uint64_t cache_bytes);
  virtual ~CropSet() = default;
  virtual const std::vector<Sample>& samples() const = 0;
  virtual std::size_t unlabelled() const = 0;  // entries of the role that were left out
  // The u8 crop, recipe.stored_px squared. Errors: those of read_picture, recipe_mismatch for another size.
  virtual Result<std::shared_ptr<const Picture>> crop(std::size_t index) const = 0;
  // The forgery's mask, of the crop's size, three equal channels; nothing where the manifest names none. Errors: as
  // crop().
  virtual Result<std::optional<Picture>> mask(std::size_t index) const = 0;
  // Pixels of the crop; nothing where the manifest names none. Errors: those of read_landmark_file().
  virtual Result<std::optional<Landmarks68>> landmarks68(std::size_t index) const = 0;
};

}  // namespace dfa::train
