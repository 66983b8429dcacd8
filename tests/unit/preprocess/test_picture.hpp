// A golden picture as pixels.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>

#include "media/read_picture.hpp"

namespace dfa::test {

inline Picture read_test_picture(const std::filesystem::path& path) {
  auto picture = read_picture(path, {});
  EXPECT_TRUE(picture) << path << ": " << picture.error().message;
  return picture ? *std::move(picture) : Picture{};
}

}  // namespace dfa::test
