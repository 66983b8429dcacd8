// What a container's own outline says about its length, read without FFmpeg: the one way to tell a file that was cut
// short from one that simply ends. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "media/file_input.hpp"

namespace dfa {

struct Structure {
  // In words, or empty: why a file of this kind cannot be opened at all (an MP4 whose table of contents is not there).
  std::string missing_index;
  // In words, or empty: where the file ends and where it should.
  std::string cut;
  // The part of the file that can be opened where the whole cannot.
  std::optional<std::int64_t> whole_bytes;
};

// `demuxer` is FFmpeg's name. Containers without an outline (raw streams, Ogg) give an empty answer.
Structure read_structure(const FileInput& input, std::string_view demuxer);

}  // namespace dfa
