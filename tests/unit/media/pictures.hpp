// Pictures of data/make_pictures.py and what they must decode to.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "media/picture.hpp"

namespace dfa::test {

struct ExpectedPicture {
  std::string name;
  int tolerance = 0;  // levels; 0 where no step is lossy
  Picture picture;
};

// All of pictures.json.
const std::vector<ExpectedPicture>& expected_pictures();
const ExpectedPicture& expected_picture(std::string_view name);

std::filesystem::path picture_path(std::string_view name);
std::string picture_bytes(std::string_view name);
// decode_picture() with the default limits.
Result<Picture> decode(std::string_view bytes);

// "" where equal within the tolerance; else where and by how much they differ most.
std::string difference(const Picture& got, const Picture& want, int tolerance);

}  // namespace dfa::test
