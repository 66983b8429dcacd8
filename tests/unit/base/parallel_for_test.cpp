#include "base/parallel_for.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace dfa {
namespace {

TEST(ParallelFor, DoesEachItemOnceWhateverTheThreads) {
  for (const int threads : {0, 1, 3, 64}) {
    std::vector<int> done(50);
    std::atomic<std::size_t> largest_worker = 0;
    parallel_for(done.size(), threads, CancelFlag{}, [&](std::size_t worker, std::size_t i) {
      ++done[i];
      for (std::size_t seen = largest_worker; worker > seen && !largest_worker.compare_exchange_weak(seen, worker);) {
      }
    });
    EXPECT_EQ(done, std::vector<int>(50, 1));
    EXPECT_LT(largest_worker, static_cast<std::size_t>(std::max(threads, 1)));
  }
  parallel_for(0, 4, CancelFlag{}, [](std::size_t, std::size_t) { FAIL() << "there is no item"; });
}

TEST(ParallelFor, BeginsNothingAfterACancel) {
  CancelFlag cancel;
  std::atomic<int> begun = 0;
  parallel_for(1000, 2, cancel, [&](std::size_t, std::size_t) {
    if (++begun == 10) cancel.request(2);
  });
  EXPECT_GE(begun, 10);
  EXPECT_LE(begun, 11);
}

TEST(ParallelFor, ThrowsWhatTheWorkThrows) {
  EXPECT_THROW(parallel_for(100, 3, CancelFlag{},
                            [](std::size_t, std::size_t i) {
                              if (i == 7) throw std::runtime_error("seven");
                            }),
               std::runtime_error);
}

}  // namespace
}  // namespace dfa
