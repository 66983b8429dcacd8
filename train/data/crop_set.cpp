#include "train/data/crop_set.hpp"

#include <mutex>

#include "media/read_picture.hpp"

namespace dfa::train {

namespace {

class ManifestCrops : public CropSet {
 public:
  ManifestCrops(const CropRecipe& recipe, std::uint64_t cache_bytes) : recipe_(recipe) {
    const std::uint64_t crop_bytes =
        3ull * static_cast<std::uint64_t>(recipe.stored_px) * static_cast<std::uint64_t>(recipe.stored_px);
    places_ = cache_bytes / crop_bytes;
  }

  void add(Sample sample) { samples_.push_back(std::move(sample)); }
  void count_unlabelled() { ++unlabelled_; }
  void seal() { cache_.resize(samples_.size()); }

  const std::vector<Sample>& samples() const override { return samples_; }
  std::size_t unlabelled() const override { return unlabelled_; }

  Result<std::shared_ptr<const Picture>> crop(std::size_t index) const override {
    {
      const std::lock_guard lock(mutex_);
      if (cache_[index]) return cache_[index];
    }
    const Sample& sample = samples_[index];
    auto decoded = read_picture(sample.file, MediaLimits{});
    if (!decoded) return fail_within("training crop " + sample.file.string(), decoded.error());
    if (decoded->width != recipe_.stored_px || decoded->height != recipe_.stored_px)
      return fail(ErrorCode::recipe_mismatch,
                  "training crop {}: {}x{} pixels, the crop recipe stores {}x{}\n  next step: make the crops with this "
                  "recipe, or set crop.stored_px",
                  sample.file.string(), decoded->width, decoded->height, recipe_.stored_px, recipe_.stored_px);
    auto crop = std::make_shared<const Picture>(std::move(*decoded));
    const std::lock_guard lock(mutex_);
    if (used_ < places_ && !cache_[index]) {
      cache_[index] = crop;
      ++used_;
    }
    return crop;
  }

 private:
  CropRecipe recipe_;
  std::vector<Sample> samples_;
  std::size_t unlabelled_ = 0;
  std::uint64_t places_ = 0;
  mutable std::mutex mutex_;
  mutable std::uint64_t used_ = 0;
  mutable std::vector<std::shared_ptr<const Picture>> cache_;
};

// The manifest names recipe and size, and where its writer knew the whole recipe, its hash.
Status check_recipe(const Manifest& manifest, const std::filesystem::path& path, const CropRecipe& recipe) {
  const std::string hash = crop_recipe_hash(recipe);
  const bool hash_fits = manifest.crop_sha256.empty() || manifest.crop_sha256 == hash;
  if (manifest.crop_name == recipe.name && manifest.stored_px == recipe.stored_px && hash_fits) return {};
  return fail(ErrorCode::recipe_mismatch,
              "{}: its crops were made by recipe {} at {} px ({}), the configuration's is {} at {} px ({})\n  next "
              "step: put the recipe of the crops under "
              "\"crop\" in the configuration",
              path.string(), manifest.crop_name, manifest.stored_px,
              manifest.crop_sha256.empty() ? "hash not known" : manifest.crop_sha256, recipe.name, recipe.stored_px,
              hash);
}

}  // namespace

Result<std::unique_ptr<CropSet>> CropSet::open(const Manifest& manifest, const std::filesystem::path& manifest_path,
                                               Role role, const CropRecipe& recipe, std::uint64_t cache_bytes) {
  DFA_TRY(check_recipe(manifest, manifest_path, recipe));
  auto crops = std::make_unique<ManifestCrops>(recipe, cache_bytes);
  const std::filesystem::path root = manifest_root(manifest, manifest_path);
  for (const ManifestEntry& entry : manifest.entries) {
    if (entry.role != role) continue;
    if (entry.label)
      crops->add({root / entry.path, entry.path, *entry.label, entry.method, video_key(entry)});
    else
      crops->count_unlabelled();
  }
  crops->seal();
  return crops;
}

}  // namespace dfa::train
