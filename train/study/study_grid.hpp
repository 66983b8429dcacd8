// The cells of a study: every combination of its axes, with every seed and, where asked for, without every method.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/config/run_config.hpp"
#include "train/study/study.hpp"

namespace dfa::train {

// A choice of one value of each axis: a row of the table.
struct Combination {
  std::string name;                 // "tuning=full, rate=0.1"; "all" without axes
  std::vector<std::string> values;  // by axis
  std::vector<std::string> settings;
  std::int64_t trained_parameters = 0;  // of the first seed's network
};

struct StudyCell {
  std::string name;  // of its run folder below the study's: "tuning=full,seed=1,without=DF"
  std::size_t combination = 0;
  std::uint64_t seed = 0;
  std::string left_out;           // method; empty without leave_out
  RunConfig config;               // out is the cell's folder; threads is set when it starts
  std::string definition_sha256;  // of all that its result follows from: configuration, manifests, tests
};

struct StudyGrid {
  std::vector<Combination> combinations;  // the last axis changes fastest
  std::vector<StudyCell> cells;           // by combination, then seed, then method left out
};

// Resolves every configuration, so that a mistake in any value is found before the first run. Reads the manifests for
// their hashes. Errors: usage (a configuration that is none, or that selects on test), file_*.
Result<StudyGrid> study_grid(const Study& study);

// The manifest of a test for a cell.
std::filesystem::path test_manifest(const StudyTest& test, const StudyCell& cell);

// A name for files and folders: what is not a letter, a digit or one of ._+=,- becomes '_'; where that or the length
// would make two names one, digits of the text's hash follow.
std::string file_name_of(const std::string& text);

}  // namespace dfa::train
