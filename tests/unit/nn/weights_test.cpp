#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "golden_tiny.hpp"
#include "nn/network.hpp"

namespace dfa {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CheckWeights : public testing::Test {
 protected:
  std::string problem() const {
    const Status status = check_weights(config_, weights_);
    if (status) return "accepted";
    EXPECT_EQ(status.error().code, ErrorCode::model_tensors);
    return status.error().message;
  }

  NetworkConfig config_ = test::read_golden_tiny().config;
  TensorMap weights_ = hash_weights(config_);
};

TEST_F(CheckWeights, AcceptsTheExactSet) {
  EXPECT_EQ(problem(), "accepted");
}

TEST_F(CheckWeights, AcceptsHalfPrecision) {
  weights_["norm.weight"] = convert_floats(weights_["norm.weight"], Dtype::f16);
  weights_["norm.bias"] = convert_floats(weights_["norm.bias"], Dtype::bf16);
  EXPECT_EQ(problem(), "accepted");
}

TEST_F(CheckWeights, ListsEveryKindOfMisfit) {
  weights_.erase("norm.bias");
  weights_.erase("blocks.3.attn.qkv.weight");
  weights_["head.2.weight"] = Tensor::from_f32({1}, std::vector<float>{1});
  weights_["cls_token"] = Tensor::from_f32({1, 48}, std::vector<float>(48, 0));
  weights_["head.0.num_batches_tracked"] = Tensor::from_f32({}, std::vector<float>{0});
  EXPECT_THAT(problem(),
              AllOf(HasSubstr("203 tensors fit, 2 missing, 1 unexpected, 2 of the wrong shape or type"),
                    HasSubstr("norm.bias"), HasSubstr("blocks.3.attn.qkv.weight"), HasSubstr("head.2.weight (F32 1)"),
                    HasSubstr("cls_token is F32 1x48, expected F32, F16 or BF16 1x1x48"),
                    HasSubstr("head.0.num_batches_tracked is F32 scalar, expected I64 scalar"),
                    HasSubstr("likely cause"), HasSubstr("next step")));
}

TEST_F(CheckWeights, LeavesOutListsThatAreEmpty) {
  weights_.erase("norm.bias");
  EXPECT_THAT(problem(), AllOf(HasSubstr("missing (1)"), Not(HasSubstr("unexpected ("))));
}

TEST_F(CheckWeights, AnImpossibleConfigurationIsNamedFirst) {
  config_.heads = 5;
  const Status status = check_weights(config_, weights_);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::model_incompatible);
}

}  // namespace
}  // namespace dfa
