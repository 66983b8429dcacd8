// The last steps of importing a trunk, the same for every library. Private to the room.
#pragma once

#include <string_view>

#include "base/file.hpp"
#include "exchange/import.hpp"
#include "exchange/name_map.hpp"
#include "exchange/resample_positions.hpp"

namespace dfa {

// What the four lists of a failed import end with.
struct Refusal {
  std::string_view likely_cause;
  std::string_view next_step;
};

// The configuration with another image size: that of the file, where another one is wanted.
NetworkConfig at_image(NetworkConfig config, int image);

// Says what begins, where somebody wants to know.
void tell(const ImportSettings& settings, std::string_view step);

// Renames `theirs` by `map` (made for the file's own image size, `stored_image`), brings learned positions to the size
// of imported.model.config, and looks at every value. Fills imported.model.weights, report (ignored stays) and
// notes. Other tensors that `map` makes (a head) are kept. Errors: model_tensors with the lists, in their names.
// `file`, where it is given, is what `theirs` are views of: its pages leave memory as its tensors are copied.
Status adopt_trunk(const NameMap& map, const TensorMap& theirs, int stored_image, PositionRule rule,
                   const Refusal& refusal, Imported& imported, const MappedFile* file = nullptr);

}  // namespace dfa
