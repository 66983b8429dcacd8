#include "prepare/shared_crops.hpp"

#include <gtest/gtest.h>

namespace dfa {
namespace {

ManifestEntry entry(const std::string& path, Role role, const std::string& sha256) {
  ManifestEntry made;
  made.path = path;
  made.role = role;
  made.crop_sha256 = sha256;
  return made;
}

TEST(SharedCrops, TheStrongerRoleKeepsThem) {
  Manifest manifest;
  manifest.entries = {entry("a", Role::train, "1"), entry("b", Role::test, "1"),  entry("c", Role::val, "1"),
                      entry("d", Role::train, "2"), entry("e", Role::train, "2"), entry("f", Role::calibration, "3"),
                      entry("g", Role::train, "3")};
  const auto shared = leave_out_shared_crops(manifest);
  ASSERT_EQ(manifest.entries.size(), 4U);
  EXPECT_EQ(manifest.entries[0].path, "b");
  EXPECT_EQ(manifest.entries[1].path, "d");  // equal crops of one role are no leak
  EXPECT_EQ(manifest.entries[2].path, "e");
  EXPECT_EQ(manifest.entries[3].path, "f");
  ASSERT_EQ(shared.size(), 3U);
  EXPECT_EQ(shared[0].path, "a");
  EXPECT_EQ(shared[0].kept_role, Role::test);
  EXPECT_EQ(shared[1].path, "c");
  EXPECT_EQ(shared[2].path, "g");
  EXPECT_EQ(shared[2].kept_role, Role::calibration);
}

TEST(SharedCrops, NothingSharedNothingChanged) {
  Manifest manifest;
  manifest.entries = {entry("a", Role::train, "1"), entry("b", Role::test, "2")};
  EXPECT_TRUE(leave_out_shared_crops(manifest).empty());
  EXPECT_EQ(manifest.entries.size(), 2U);
}

}  // namespace
}  // namespace dfa
