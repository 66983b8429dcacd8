#include "eval/robustness_source.hpp"

#include <algorithm>
#include <map>

#include "prepare/output_names.hpp"
#include "prepare/prepared_source.hpp"

namespace dfa {
namespace {

constexpr const char* kNextStep =
    "\n  likely cause: the crops were not made by `dfa prepare`\n  next step: --perturb gend, which is meant for "
    "crops, "
    "or --on-crops: the stored crops are perturbed instead of the frames, and the report says so";

// Recipes of one name differ in how many frames were taken of a video, which no crop shows: the header's hash decides.
Result<CropRecipe> recipe_of(const SourceRequest& request, const std::optional<PreparedSource>& prepared) {
  const std::string& hash = request.manifest.crop_sha256;
  if (prepared && (hash.empty() || crop_recipe_hash(prepared->recipe) == hash)) return prepared->recipe;
  const CropRecipe& of_model = request.model_recipe;
  if (!hash.empty() && crop_recipe_hash(of_model) == hash) return of_model;
  return fail(
      ErrorCode::recipe_mismatch,
      "{}: how its crops (recipe {}) were cut cannot be told: the folder holds no record of dfa prepare of that "
      "hash, and the model's recipe is another\n  next step: leave the manifest in the folder where dfa prepare "
      "wrote it, or give --on-crops",
      request.manifest_path.string(), request.manifest.crop_name);
}

Result<std::filesystem::path> root_of(const SourceRequest& request, const std::optional<PreparedSource>& prepared) {
  if (request.root.empty() && !prepared)
    return fail(ErrorCode::manifest_invalid,
                "{}: does not say where its data set lies{}\n  or --sources DIR: the folder that was given to dfa "
                "prepare",
                request.manifest_path.string(), kNextStep);
  std::filesystem::path root = request.root.empty() ? prepared->root : request.root;
  std::error_code error;
  if (std::filesystem::exists(root, error)) return root;
  return fail(ErrorCode::file_not_found,
              "{}: the data set of {} is not there\n  next step: --sources DIR names the folder where it lies now",
              root.string(), request.manifest_path.string());
}

// The name of the item below the root; empty where the line names none.
std::string item_of(const ManifestEntry& entry) {
  if (!entry.video) return {};
  return entry.video->empty() ? item_of_crop(entry.path) : *entry.video;
}

bool is_by_points(const CropRecipe& recipe) {
  return recipe.kind == CropKind::aligned || recipe.kind == CropKind::aligned_refound ||
         recipe.kind == CropKind::aligned_lmeds;
}

// What a line lacks, in words; empty where nothing does.
std::string missing_in(const ManifestEntry& entry, const CropRecipe& recipe) {
  if (item_of(entry).empty()) return "the file that it was cut from";
  if (!entry.frame && !entry.video->empty()) return "the number of its frame";
  if (!entry.box_px) return "the face's box";
  return is_by_points(recipe) && !entry.landmarks_px ? "the face's five points" : "";
}

Status check_entries(const SourceRequest& request, const CropRecipe& recipe) {
  std::size_t lacking = 0;
  std::string first;
  for (const std::size_t place : request.entries) {
    const ManifestEntry& entry = request.manifest.entries[place];
    const std::string missing = missing_in(entry, recipe);
    if (!missing.empty() && lacking++ == 0) first = fmt::format("{} does not name {}", entry.path, missing);
  }
  if (lacking == 0) return {};
  return fail(ErrorCode::manifest_invalid, "{}: {} of {} crops cannot be cut again from their frames: {}{}",
              request.manifest_path.string(), lacking, request.entries.size(), first, kNextStep);
}

SourceCrop source_crop(const ManifestEntry& entry, std::size_t place) {
  SourceCrop crop;
  crop.entry = place;
  crop.frame = entry.video->empty() ? 0 : *entry.frame;
  crop.face.box_px = *entry.box_px;
  if (entry.landmarks_px) crop.face.landmarks_px = *entry.landmarks_px;
  return crop;
}

}  // namespace

Result<SourceVideos> find_sources(const SourceRequest& request) {
  DFA_ASSIGN_OR_RETURN(const std::optional<PreparedSource> prepared,
                       read_prepared_source(request.manifest_path.parent_path()));
  DFA_ASSIGN_OR_RETURN(const std::filesystem::path root, root_of(request, prepared));
  SourceVideos sources;
  DFA_ASSIGN_OR_RETURN(sources.recipe, recipe_of(request, prepared));
  if (prepared) sources.faces = prepared->faces;
  DFA_TRY(check_entries(request, sources.recipe));
  std::map<std::string, std::vector<SourceCrop>> by_name;
  for (const std::size_t place : request.entries) {
    const ManifestEntry& entry = request.manifest.entries[place];
    by_name[item_of(entry)].push_back(source_crop(entry, place));
  }
  for (auto& [name, crops] : by_name) {
    std::stable_sort(crops.begin(), crops.end(), [](const auto& a, const auto& b) { return a.frame < b.frame; });
    sources.videos.push_back({name, root / name, std::move(crops)});
  }
  return sources;
}

}  // namespace dfa
