// From the lines of a manifest back to the frames that they were cut from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "face/detector.hpp"
#include "face/judge_face.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa {

// One crop: which frame of its item, and where in it.
struct SourceCrop {
  std::size_t entry = 0;   // place in Manifest::entries
  std::int64_t frame = 0;  // number within the item; a still picture is frame 0
  Face face;               // box and points of the manifest, in pixels of the clean frame
};

// A video, a picture or a folder of pictures with all crops wanted of it.
struct SourceVideo {
  std::string name;               // as the manifest has it; random streams are named by it
  std::filesystem::path path;     // where it lies
  std::vector<SourceCrop> crops;  // in the order of their frames
};

struct SourceVideos {
  CropRecipe recipe;                // by which the manifest's crops were cut
  FaceRules faces;                  // which faces could be used
  std::vector<SourceVideo> videos;  // in byte order of their names
};

struct SourceRequest {
  const Manifest& manifest;
  const std::filesystem::path& manifest_path;
  std::span<const std::size_t> entries;  // places of the wanted lines
  std::filesystem::path root;            // of the data set; empty: as `dfa prepare` recorded it beside the manifest
  const CropRecipe& model_recipe;        // taken where nothing is recorded and its hash is the manifest's
};

// Nothing is opened. Errors: manifest_invalid (lines that name no frame or no face: what to do instead is said),
// recipe_mismatch (the recipe of the crops cannot be told), file_not_found (the root).
Result<SourceVideos> find_sources(const SourceRequest& request);

}  // namespace dfa
