// Which files a run looks at: paths as given, folders opened up (decisions 13).
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "score/result.hpp"

namespace dfa {

// One record to come. `problem` is set where the file system already refused: the input is recorded, not opened.
struct Input {
  std::string path;
  std::optional<Error> problem;
};

struct InputList {
  std::vector<Input> inputs;
  SkippedFiles skipped;
  std::size_t folders = 0;  // that were searched, those below included
};

// The part of a batch that one of several machines takes: inputs index - 1, index - 1 + count, ... of the whole list.
struct Shard {
  int index = 1;  // from 1
  int count = 1;
};

// Every path that is no folder becomes an input, whatever it is or is not; so does a folder that cannot be read.
// Folders are searched with everything below, in byte order of the whole path: files with the suffix of a picture or
// video become inputs (also of kinds that we only refuse, such as .heic); hidden names and symbolic links below are
// skipped and counted, as are other files. A link given explicitly is followed.
InputList list_inputs(std::span<const std::string> paths, Shard shard = {});

// One path a line, as in `find ... | dfa detect -`; empty lines are left out, a carriage return at the end of a line
// too.
std::vector<std::string> read_path_list(std::istream& in);

// By name alone, any case.
bool has_media_suffix(const std::string& path);

}  // namespace dfa
