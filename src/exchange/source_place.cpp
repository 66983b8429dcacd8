#include "exchange/source_place.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

namespace dfa {
namespace {

namespace fs = std::filesystem;

// As transformers names them, in its order of preference.
constexpr std::array<std::string_view, 2> kWeights = {"model.safetensors", "pytorch_model.bin"};
constexpr std::string_view kIndex = "model.safetensors.index.json";
constexpr std::string_view kConfig = "config.json";

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

Result<fs::path> weights_in(const fs::path& folder) {
  for (const std::string_view name : kWeights)
    if (is_file(folder / name)) return folder / name;
  if (is_file(folder / kIndex))
    return fail(ErrorCode::model_incompatible,
                "{}: the weights are spread over several files ({}), which are not read\n"
                "  next step: save the model as one file (save_pretrained with a larger max_shard_size)",
                folder.string(), kIndex);
  return fail(ErrorCode::file_not_found,
              "{}: no {} or {} in this folder\n  next step: give the folder that holds them, or the file itself",
              folder.string(), kWeights[0], kWeights[1]);
}

// Of "a/b" and "a/b/" alike.
std::string folder_name(const fs::path& folder) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(folder, error);
  return (error ? folder : whole).filename().string();
}

}  // namespace

Result<SourcePlace> find_source(const fs::path& path) {
  SourcePlace place{.weights = path, .folder = {}, .config = {}, .name = path.stem().string()};
  std::error_code error;
  if (fs::is_directory(path, error)) {
    DFA_ASSIGN_OR_RETURN(place.weights, weights_in(path));
  }
  place.folder = place.weights.has_parent_path() ? place.weights.parent_path() : fs::path(".");
  if (std::ranges::find(kWeights, place.weights.filename().string()) != kWeights.end())
    place.name = folder_name(place.folder);
  if (is_file(place.folder / kConfig)) place.config = place.folder / kConfig;
  return place;
}

}  // namespace dfa
