// The walls of src/eval/walls.hpp for a study: what a cell is tested on must not have made it.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/study/study_grid.hpp"

namespace dfa::train {

// Looks at every manifest that cells train on beside every manifest that they are tested on, before the first run.
// Returns what is to stand on every form of the table: breaches that the study says it knows of ("i_know": true), and
// tests on role val. Errors: manifest_invalid with all breaches, where the study does not say so; those of
// read_manifest().
Result<std::vector<std::string>> study_stamps(const Study& study, const StudyGrid& grid);

}  // namespace dfa::train
