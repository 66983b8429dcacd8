// What dfa perturb does, apart from its options: which files come of which inputs, and writing those of one input.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
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

// <folder>/<name>_<code>_<level>.png of pictures, .mp4 of videos; <name> is the file's name without its suffix. Errors:
// usage where two inputs would write one file, or a file would be written over an input.
Result<std::vector<PerturbItem>> plan_outputs(const InputList& inputs, const std::vector<Perturbation>& perturbations,
                                              const std::filesystem::path& folder);

struct PerturbReport {
  std::function<void(const PerturbOutput&)> on_written;
  std::function<void(const std::string& warning)> on_warning;
  std::function<void(double share)> on_progress;  // of this item, 0 to 1
};

// Writes the item's files. What concerns one file alone goes to `failures` and the rest is written. Errors, which end
// the run: cancelled, file_unwritable, out_of_memory.
Status write_outputs(const PerturbItem& item, std::uint64_t seed, const PerturbReport& report, const CancelFlag& cancel,
                     std::vector<Error>& failures);

}  // namespace dfa::cli
