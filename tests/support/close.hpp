// The one comparer of floating-point values. Written so that NaN fails, an empty or all-zero expectation is no pass,
// and the share of the tolerance that was used is shown.
#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>

namespace dfa::test {

struct Tolerance {
  double absolute = 0;  // |got - want| <= absolute + relative * |want|
  double relative = 0;
};

enum class Expectation {
  varied,  // the wanted values must not be constant: a test on constants proves little
  may_be_constant
};

struct Comparison {
  bool ok = false;
  double worst_share = 0;  // largest |got - want| / tolerance; above 1 is a failure
  std::size_t worst_index = 0;
  std::string message;  // why it failed, or "31 % of tolerance at [17]"
};

Comparison compare(std::span<const float> got, std::span<const float> want, Tolerance tolerance,
                   Expectation expectation = Expectation::varied);
Comparison compare(std::span<const double> got, std::span<const double> want, Tolerance tolerance,
                   Expectation expectation = Expectation::varied);

// For EXPECT_TRUE(expect_close(...)).
template <class Values>
testing::AssertionResult expect_close(const Values& got, const Values& want, Tolerance tolerance,
                                      Expectation expectation = Expectation::varied) {
  const Comparison result = compare(std::span<const typename Values::value_type>(got),
                                    std::span<const typename Values::value_type>(want), tolerance, expectation);
  if (result.ok) return testing::AssertionSuccess() << result.message;
  return testing::AssertionFailure() << result.message;
}

}  // namespace dfa::test
