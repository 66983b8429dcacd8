// The prepare job: a data set on disk -> crops, masks, 68 points, manifest, coverage and, if asked, a pack.
//
//   workers: item -> frames -> faces -> crops on disk --results--> caller's thread: journal, progress; at the end the
//   manifest
//
// A run that was killed at any moment goes on with the same call: finished items are kept, the rest is done, and every
// file comes out with the bytes of an undisturbed run, whatever the number of workers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "pipeline/detect_job.hpp"
#include "prepare/coverage.hpp"
#include "prepare/prepare_options.hpp"

namespace dfa {

struct PrepareReport {
  Coverage coverage;
  std::size_t items_kept = 0;  // that an earlier run had finished
  std::size_t crops = 0;
};

// Writes below `out`: crops/, masks/, landmarks/, manifest.jsonl, coverage.json, coverage.txt, crops.dfapack
// (PackUse::write) and .prepare/. Items that could not be read are tried again by the next run. Memory: a frame and a
// detector a worker, and about 400 bytes a crop. Raising `cancel` stops between two frames. Errors: recipe_mismatch
// (`out` was begun with other settings, which are named), usage (a list that names an item twice), file_unwritable,
// manifest_invalid (an item or a crop in two roles: a leak), out_of_memory, cancelled, those of make_detector. Trouble
// with an item is no error of the job: it is in the coverage.
Result<PrepareReport> run_prepare(const SourceList& list, const std::filesystem::path& out,
                                  const PrepareOptions& options, const PrepareParts& parts,
                                  const std::function<void(const Progress&)>& on_progress, const CancelFlag& cancel);

}  // namespace dfa
