#include "pipeline/byte_budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

namespace dfa {
namespace {

using namespace std::chrono_literals;

TEST(ByteBudget, WaitsUntilTheBytesFit) {
  ByteBudget budget(100);
  auto first = std::make_optional(budget.take(60));
  std::atomic<bool> taken{false};
  std::thread other([&] {
    const auto second = budget.take(50);
    taken = true;
  });
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(taken);
  first.reset();
  other.join();
  EXPECT_TRUE(taken);
  EXPECT_LE(budget.high_water(), 100U);
}

TEST(ByteBudget, WhatIsLargerThanTheBudgetGoesAlone) {
  ByteBudget budget(100);
  { const auto alone = budget.take(1000); }
  auto small = std::make_optional(budget.take(1));
  std::atomic<bool> taken{false};
  std::thread other([&] {
    const auto large = budget.take(1000);
    taken = true;
  });
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(taken);
  small.reset();
  other.join();
}

TEST(ByteBudget, AMovedLeaseGivesBackOnce) {
  ByteBudget budget(100);
  ByteBudget::Lease outer;
  {
    ByteBudget::Lease inner = budget.take(80);
    outer = std::move(inner);
  }
  std::atomic<bool> taken{false};
  std::thread other([&] {
    const auto lease = budget.take(30);
    taken = true;
  });
  std::this_thread::sleep_for(30ms);
  EXPECT_FALSE(taken);
  outer = {};
  other.join();
  EXPECT_TRUE(taken);
}

}  // namespace
}  // namespace dfa
