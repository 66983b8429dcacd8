#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/temp_dir.hpp"

namespace dfa {
namespace {

// FIPS 180-2, appendix B.
TEST(Sha256, PublishedVectors) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileInPieces) {
  test::TempDir dir;
  test::write_bytes(dir / "a", std::string(1'000'000, 'a'));
  EXPECT_EQ(sha256_file(dir / "a").value(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(sha256_file(dir / "none").error().code, ErrorCode::file_not_found);
  EXPECT_EQ(sha256_file(dir.path()).error().code, ErrorCode::file_unreadable);
}

}  // namespace
}  // namespace dfa
