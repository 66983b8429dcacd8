// From the options of `dfa detect` to what the job works with. Everything that can be refused is refused here, before
// the first file.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/command.hpp"
#include "nn/network.hpp"
#include "pipeline/detect_job.hpp"
#include "score/result.hpp"

namespace dfa::cli {

enum class ForceCrop { no, yes };

// Whether the network's threads stay on a processor each.
enum class Pin { no, yes };

// throughput: every thread scores faces of its own, by instances of the network that share its weights.
// latency: all threads work on one frame, then on one face.
enum class ScoreMode { throughput, latency };

struct DetectRequest {
  std::vector<std::string> paths;
  Shard shard;
  FrameSelection frames;
  MediaLimits limits;
  int max_faces = 8;
  int min_face_px = 40;
  int search_every = 8;         // frames close together of which one is searched wholly; 1 = each
  std::string detector;         // empty: the one of the model's crop recipe
  std::string operating_point;  // empty: the model's default
  ForceCrop force_crop = ForceCrop::no;
  ScoreMode mode = ScoreMode::throughput;
  Pin pin = Pin::no;
};

struct DetectSetup {
  std::vector<std::unique_ptr<Network>> networks;
  DetectOptions options;
  DetectParts parts;  // points to networks
  RunRecord run;
};

// What the request says about the job, whatever the model.
DetectOptions job_options(const DetectRequest& request, const CommandContext& context);

// Errors: usage; those of loading a model; model_incompatible (not a detector, no such operating point);
// recipe_mismatch when the detector is not the recipe's and nobody forced it.
Result<DetectSetup> prepare_detect(const DetectRequest& request, const CommandContext& context);

// The recipe with which `detector` would make crops for a model of recipe `wanted`: the same when they fit. A recipe
// whose detector is "any" fits every detector; one without a weights hash fits every version.
CropRecipe recipe_in_use(const CropRecipe& wanted, std::string_view detector, std::string_view detector_sha256);

inline constexpr std::string_view kAnyDetector = "any";
inline constexpr std::string_view kDefaultDetector = "mtcnn";

}  // namespace dfa::cli
