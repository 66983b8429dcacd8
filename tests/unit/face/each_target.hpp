// Runs a test body under every instruction set that the machine and the build have.
#pragma once

#include <gtest/gtest.h>
#include <hwy/targets.h>

namespace dfa::test {

template <class Body>
void on_each_target(Body body) {
  int targets = 0;
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body();
    ++targets;
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
  EXPECT_GT(targets, 0);
}

}  // namespace dfa::test
