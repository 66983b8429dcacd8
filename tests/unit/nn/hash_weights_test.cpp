#include <gtest/gtest.h>

#include <cstring>

#include "base/hash.hpp"
#include "golden_tiny.hpp"
#include "nn/network.hpp"
#include "support/shared.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

using test::GoldenTiny;
using test::read_golden_tiny;

TEST(HashWeights, AreThoseOfTheGoldenRun) {
  const GoldenTiny golden = read_golden_tiny();
  Sha256 hash;
  for (const auto& [name, tensor] : hash_weights(golden.config)) hash.update(tensor.bytes);
  EXPECT_EQ(hash.finish(), golden.weights_sha256);
}

TEST(HashWeights, ImagesAreThoseOfTheGoldenRun) {
  const GoldenTiny golden = read_golden_tiny();
  const std::vector<float> images = hash_images(golden.config, golden.images);
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(images))), golden.images_sha256);
}

TEST(HashWeights, EqualTheGoldenFileTensorByTensor) {
  DFA_REQUIRE_SHARED();
  const Result<TensorFile> file = read_safetensors(test::shared_path("oracle/tiny/weights.safetensors"));
  ASSERT_TRUE(file) << file.error().message;
  const TensorMap weights = hash_weights(read_golden_tiny().config);
  ASSERT_EQ(weights.size(), file->tensors.size());
  for (const auto& [name, tensor] : weights) {
    ASSERT_TRUE(file->tensors.contains(name)) << name;
    const Tensor& expected = file->tensors.at(name);
    EXPECT_EQ(tensor.shape, expected.shape) << name;
    EXPECT_EQ(tensor.dtype, expected.dtype) << name;
    ASSERT_EQ(tensor.bytes.size(), expected.bytes.size()) << name;
    EXPECT_EQ(std::memcmp(tensor.bytes.data(), expected.bytes.data(), tensor.bytes.size()), 0) << name;
  }
}

}  // namespace
}  // namespace dfa
