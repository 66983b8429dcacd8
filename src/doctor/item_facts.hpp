// What opening the files of a data set shows: hashes, damage, looks. Items are looked at in parallel.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "doctor/look_hash.hpp"
#include "media/limits.hpp"

namespace dfa {

struct FileProblem {
  std::string path;  // as in SourceItem; of the frame, where the item is a folder of frames
  Error error;       // media_truncated for files that were cut short but open
};

struct FileHash {
  std::string path;
  std::string sha256;
};

struct ItemFacts {
  std::vector<FileHash> files;  // the item's own, in order; files that could not be read are left out
  std::string sha256;           // of the item: its file's, or that of its frames' hashes; empty where one is missing
  Look look;                    // of up to four frames; empty where damaged
  std::vector<FileProblem> problems;
};

struct LookOptions {
  int threads = 0;  // 0 = every processor that the process may use
  MediaLimits media;
  // Called from any worker, one at a time.
  std::function<void(std::size_t done, std::size_t all)> progress;
};

// Facts of every item of the list, in its order. Memory: a frame a worker, and some hundred bytes a file.
// Errors: cancelled. What is wrong with files is in the facts.
Result<std::vector<ItemFacts>> look_at_items(const SourceList& list, const LookOptions& options,
                                             const CancelFlag& cancel);

// One item; `root` as in its list.
ItemFacts look_at_item(const SourceItem& item, const std::filesystem::path& root, const MediaLimits& limits);

}  // namespace dfa
