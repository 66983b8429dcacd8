// Which files come of which inputs: the plan of dfa perturb, made and checked before anything is written.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/sniff.hpp"
#include "perturb/perturbation.hpp"
#include "pipeline/inputs.hpp"

namespace dfa::cli {

struct PerturbOutput {
  Perturbation perturbation;
  std::filesystem::path path;
};

struct PerturbItem {
  std::string input;
  MediaKind kind = MediaKind::unknown;
  std::optional<Error> problem;  // set: nothing comes of this input
  std::vector<PerturbOutput> outputs;
};

// Every code at every level, in the order given. Empty `codes`: all of the kind; empty `levels`: all of each code.
// Errors: usage.
Result<std::vector<Perturbation>> chosen_perturbations(PerturbKind kind, const std::vector<std::string>& codes,
                                                       const std::vector<int>& levels);

// "1-3,5" as {1, 2, 3, 5}. Errors: usage.
Result<std::vector<int>> parse_levels(const std::string& text);

// <name> in file names, and of the item's random stream: the file's name without its suffix.
std::string item_name(const std::string& input);

// <folder>/<name>_<code>_<level>.png of pictures, .mp4 of videos. Errors:
// usage where two inputs would write one file, or a file would be written over an input.
Result<std::vector<PerturbItem>> plan_outputs(const InputList& inputs, const std::vector<Perturbation>& perturbations,
                                              const std::filesystem::path& folder);

}  // namespace dfa::cli
