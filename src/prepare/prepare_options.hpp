// What is asked of a preparation.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "face/crop_points.hpp"
#include "face/detector.hpp"
#include "face/judge_face.hpp"
#include "media/limits.hpp"
#include "preprocess/crop_recipe.hpp"

namespace dfa {

enum class MaskUse {
  crop,   // where a mask exists it chooses the face, and its part under the crop is stored
  ignore  // the largest face; no mask files
};
enum class PackUse { none, write };

struct PrepareOptions {
  CropRecipe recipe;
  int frames = 32;  // even ones of each video or folder; enters the recipe as "even:N"
  FaceRules faces;
  int max_faces = 8;  // looked at per frame, largest first
  MaskUse masks = MaskUse::crop;
  PackUse pack = PackUse::none;
  Role default_role = Role::test;  // of items without a split of their own
  int workers = 0;                 // items in work at once; 0 = one a processor
  MediaLimits limits;
  std::string tool;  // version of the program: crops of two versions are not mixed
};

// What the job works with. Tests put stubs here.
struct PrepareParts {
  // Called once for each worker, on the caller's thread, before any work.
  std::function<Result<std::unique_ptr<Detector>>()> make_detector;
  // Likewise; empty: no 68 points are looked for.
  std::function<Result<std::unique_ptr<CropPointFinder>>()> make_points = {};
  LogSink* log = &null_log();
};

}  // namespace dfa
