// DeepfakeBench's JSON list of a data set, for those who use that program beside ours.
#pragma once

#include <string>

#include "base/result.hpp"
#include "dataset/source_list.hpp"

namespace dfa {

// Forward slashes, paths relative to the list's root. Frames of items that are folders of frames are listed; a whole
// video has no frames yet and is named under "video". Items without a role go to "test" where none has one (such sets
// are used whole), else they are left out. Equal lists give equal text.
// Errors: usage, for layouts whose classes have no label there.
Result<std::string> dfb_json_text(const SourceList& list);

}  // namespace dfa
