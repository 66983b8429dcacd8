// Writing the files that come of one input of dfa perturb.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "cli/commands/perturb_plan.hpp"

namespace dfa::cli {

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
