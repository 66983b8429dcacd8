#include "train/data/crop_set.hpp"

#include <algorithm>
#include <mutex>

#include "dataset/landmark_file.hpp"
#include "media/read_picture.hpp"

namespace dfa::train {

namespace {

// The list of samples, however their pixels are had.
class ListedCrops : public CropSet {
 public:
  void add(Sample sample, std::size_t row) {
    samples_.push_back(std::move(sample));
    rows_.push_back(row);
  }
  void count_unlabelled() { ++unlabelled_; }
  const std::vector<Sample>& samples() const override { return samples_; }
  std::size_t unlabelled() const override { return unlabelled_; }

 protected:
  std::vector<Sample> samples_;
  std::vector<std::size_t> rows_;  // in the manifest or pack
  std::size_t unlabelled_ = 0;
};

class FileCrops final : public ListedCrops {
 public:
  FileCrops(std::filesystem::path root, const CropRecipe& recipe, std::uint64_t cache_bytes)
      : root_(std::move(root)), side_(recipe.stored_px) {
    places_ = cache_bytes / (3ull * static_cast<std::uint64_t>(side_) * static_cast<std::uint64_t>(side_));
  }
  void seal() { cache_.resize(samples_.size()); }

  Result<std::shared_ptr<const Picture>> crop(std::size_t index) const override {
    {
      const std::lock_guard lock(mutex_);
      if (cache_[index]) return cache_[index];
    }
    DFA_ASSIGN_OR_RETURN(Picture decoded, read("training crop ", samples_[index].file));
    auto crop = std::make_shared<const Picture>(std::move(decoded));
    const std::lock_guard lock(mutex_);
    if (used_ < places_ && !cache_[index]) {
      cache_[index] = crop;
      ++used_;
    }
    return crop;
  }
  Result<std::optional<Picture>> mask(std::size_t index) const override {
    if (samples_[index].mask.empty()) return std::optional<Picture>();
    DFA_ASSIGN_OR_RETURN(Picture mask, read("forgery mask ", root_ / samples_[index].mask));
    return std::optional(std::move(mask));
  }
  Result<std::optional<Landmarks68>> landmarks68(std::size_t index) const override {
    if (samples_[index].landmarks68.empty()) return std::optional<Landmarks68>();
    DFA_ASSIGN_OR_RETURN(const Landmarks68 points, read_landmark_file(root_ / samples_[index].landmarks68));
    return std::optional(points);
  }

 private:
  Result<Picture> read(const char* what, const std::filesystem::path& file) const {
    auto decoded = read_picture(file, MediaLimits{});
    if (!decoded) return fail_within(what + file.string(), decoded.error());
    if (decoded->width != side_ || decoded->height != side_)
      return fail(ErrorCode::recipe_mismatch,
                  "{}{}: {}x{} pixels, the crop recipe stores {}x{}\n  next step: make the crops with this recipe, or "
                  "set crop.stored_px",
                  what, file.string(), decoded->width, decoded->height, side_, side_);
    return decoded;
  }

  std::filesystem::path root_;
  int side_;
  std::uint64_t places_ = 0;
  mutable std::mutex mutex_;
  mutable std::uint64_t used_ = 0;
  mutable std::vector<std::shared_ptr<const Picture>> cache_;
};

// Nothing is decoded: pixels are copied out of the mapped file.
class PackCrops final : public ListedCrops {
 public:
  explicit PackCrops(std::shared_ptr<const Pack> pack) : pack_(std::move(pack)) {}

  Result<std::shared_ptr<const Picture>> crop(std::size_t index) const override {
    const PictureView view = pack_->crop(rows_[index]);
    auto crop = std::make_shared<Picture>(Picture{view.width, view.height, {}});
    const std::size_t row = 3 * static_cast<std::size_t>(view.width);
    crop->rgb.reserve(row * static_cast<std::size_t>(view.height));
    for (int y = 0; y < view.height; ++y) crop->rgb.insert(crop->rgb.end(), view.row(y), view.row(y) + row);
    return crop;
  }
  Result<std::optional<Picture>> mask(std::size_t index) const override {
    const std::optional<GreyView> view = pack_->mask(rows_[index]);
    if (!view) return std::optional<Picture>();
    Picture mask{view->width, view->height, {}};
    mask.rgb.reserve(3 * static_cast<std::size_t>(view->width) * static_cast<std::size_t>(view->height));
    for (int y = 0; y < view->height; ++y)
      for (int x = 0; x < view->width; ++x) mask.rgb.insert(mask.rgb.end(), 3, view->grey[y * view->stride + x]);
    return std::optional(std::move(mask));
  }
  Result<std::optional<Landmarks68>> landmarks68(std::size_t index) const override {
    return pack_->landmarks68(rows_[index]);
  }

 private:
  std::shared_ptr<const Pack> pack_;
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

bool is_chosen(const CropFile& file, const ManifestEntry& entry) {
  return file.methods.empty() || entry.label == 0 ||
         std::ranges::find(file.methods, entry.method) != file.methods.end();
}

void add_entries(const CropFile& file, const std::filesystem::path& root, Role role, ListedCrops& to) {
  for (std::size_t row = 0; row < file.manifest.entries.size(); ++row) {
    const ManifestEntry& entry = file.manifest.entries[row];
    if (entry.role != role || !is_chosen(file, entry)) continue;
    if (!entry.label) {
      to.count_unlabelled();
      continue;
    }
    const std::filesystem::path crop = root.empty() ? root : root / entry.path;
    to.add({crop, entry.path, *entry.label, entry.method, video_key(entry), entry.source, entry.frame, entry.mask,
            entry.landmarks68},
           row);
  }
}

}  // namespace

Result<std::unique_ptr<CropSet>> CropSet::open(const CropFile& file, Role role, const CropRecipe& recipe,
                                               std::uint64_t cache_bytes) {
  DFA_TRY(check_recipe(file.manifest, file.path, recipe));
  if (file.pack) {
    auto crops = std::make_unique<PackCrops>(file.pack);
    add_entries(file, {}, role, *crops);
    return crops;
  }
  const std::filesystem::path root = manifest_root(file.manifest, file.path);
  auto crops = std::make_unique<FileCrops>(root, recipe, cache_bytes);
  add_entries(file, root, role, *crops);
  crops->seal();
  return crops;
}

Result<std::unique_ptr<CropSet>> CropSet::open(const Manifest& manifest, const std::filesystem::path& manifest_path,
                                               Role role, const CropRecipe& recipe, std::uint64_t cache_bytes) {
  return open(CropFile{manifest_path, manifest, nullptr, {}, {}}, role, recipe, cache_bytes);
}

}  // namespace dfa::train
