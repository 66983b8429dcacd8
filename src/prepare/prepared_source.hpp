// What a folder of crops was made from, for who comes back to the frames: evaluation under perturbations.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.hpp"
#include "face/judge_face.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa {

struct PreparedSource {
  std::filesystem::path root;  // of the data set; "video" of the manifest's lines is relative to it
  CropRecipe recipe;           // by which the crops were cut
  FaceRules faces;             // which faces could be used
};

// From the job record beside the manifest in `folder`; nothing where there is none (the crops are not from `dfa
// prepare`, or the manifest was moved). Errors: file_unreadable (a record that is damaged).
Result<std::optional<PreparedSource>> read_prepared_source(const std::filesystem::path& folder);

}  // namespace dfa
