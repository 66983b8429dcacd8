#include "base/nearest_name.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dfa {
namespace {

TEST(NearestName, TakesTheFewestChanges) {
  const std::vector<std::string> known = {"frames", "format", "force-crop", "threads"};
  EXPECT_EQ(nearest_name("frmes", known), "frames");
  EXPECT_EQ(nearest_name("thread", known), "threads");
  EXPECT_EQ(nearest_name("forcecrop", known), "force-crop");
  EXPECT_EQ(nearest_name("format", known), "format");
}

TEST(NearestName, TheFirstOfEqualsAndNoTroubleWithLongOrEmptyNames) {
  const std::vector<std::string> known = {"ab", "ac"};
  EXPECT_EQ(nearest_name("a", known), "ab");
  EXPECT_EQ(nearest_name("", known), "ab");
  EXPECT_EQ(nearest_name(std::string(1'000'000, 'x'), known), "ab");
}

}  // namespace
}  // namespace dfa
