#include <gtest/gtest.h>

#include <memory>

#include "golden_tiny.hpp"
#include "run_network.hpp"
#include "support/count_allocations.hpp"

namespace dfa {
namespace {

TEST(CountAllocations, SeesOurs) {
  test::begin_counting_allocations();
  auto kept = std::make_unique<std::vector<float>>(100);
  const test::AllocationCount count = test::end_counting_allocations();
  EXPECT_EQ(count.ours, 2);
  EXPECT_EQ(kept->size(), 100u);
}

// oneDNN's interface builds a table of arguments at every call (exec_args_t, a hash map): a few small blocks a
// primitive, which no caller can avoid in 2.6. Everything else must come from the plan: our code allocates nothing, and
// the library no buffer.
TEST(F32Network, ForwardAllocatesNothingAfterTheFirstRunOfABatchSize) {
  constexpr int kImages = 6;
  const NetworkConfig config = test::read_golden_tiny().config;
  const std::vector<float> images = hash_images(config, kImages);
  const auto network = test::build_network(config, hash_weights(config), {.threads = 2, .max_batch = 4});
  std::vector<float> logits(kImages * 2),
      feature(static_cast<std::size_t>(kImages) * static_cast<std::size_t>(config.dim));
  ASSERT_TRUE(network->forward(images, kImages, {logits, feature}));  // plans batches of 4 and 2
  test::begin_counting_allocations();
  const Status status = network->forward(images, kImages, {logits, feature});
  const test::AllocationCount count = test::end_counting_allocations();
  ASSERT_TRUE(status);
  EXPECT_EQ(count.ours, 0);
  EXPECT_GT(count.libraries, 0) << "the counter no longer sees oneDNN: the test above proves less than it says";
  EXPECT_LT(count.library_bytes / static_cast<std::size_t>(count.libraries), 256u) << "a buffer, not an argument table";
}

}  // namespace
}  // namespace dfa
