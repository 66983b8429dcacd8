#include "base/result.hpp"

#include <gtest/gtest.h>

namespace dfa {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return fail(ErrorCode::usage, "got {}, expected an even number", n);
  return n / 2;
}

Result<int> quarter(int n) {
  DFA_ASSIGN_OR_RETURN(const int h, half(n));
  return half(h);
}

Status check_half(int n) {
  DFA_TRY(half(n));
  return {};
}

TEST(Result, MacrosPassErrorsOnAndValuesThrough) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_EQ(quarter(6).error().message, "got 3, expected an even number");
  EXPECT_TRUE(check_half(2));
  EXPECT_EQ(check_half(3).error().code, ErrorCode::usage);
}

TEST(Result, ContextIsPutInFrontAndTheCodeKept) {
  const Result<int> failed = fail_within("a.png", quarter(1).error());
  EXPECT_EQ(failed.error().message, "a.png: got 1, expected an even number");
  EXPECT_EQ(failed.error().code, ErrorCode::usage);
}

TEST(ErrorCode, NamesAreStable) {
  EXPECT_EQ(error_code_name(ErrorCode::media_truncated), "media_truncated");
  EXPECT_EQ(error_code_name(ErrorCode::model_tensors), "model_tensors");
}

}  // namespace
}  // namespace dfa
