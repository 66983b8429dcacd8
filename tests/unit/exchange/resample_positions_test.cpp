#include "exchange/resample_positions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/close.hpp"
#include "support/shared.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

// torch computes in f32 what we sum in double: some 30 roundings of values below 4, each at most 2^-24 of them.
constexpr test::Tolerance kTolerance{.absolute = 30 * 4 * 0x1p-24, .relative = 0};

struct NamedRule {
  std::string_view name;
  PositionRule rule;
};
constexpr NamedRule kRules[] = {{"bilinear", PositionRule::bilinear},
                                {"bicubic", PositionRule::bicubic},
                                {"bicubic-antialias", PositionRule::bicubic_antialias},
                                {"bicubic-offset", PositionRule::bicubic_offset}};

TensorMap golden() {
  auto file = read_safetensors(test::source_path("tests/golden/backbones/positions.safetensors"));
  EXPECT_TRUE(file) << file.error().message;
  return file ? std::move(file->tensors) : TensorMap{};
}

Tensor with_rows_in_front(const Tensor& grid, int rows, float value) {
  const std::vector<float> values = *grid.to_f32();
  std::vector<float> all(static_cast<std::size_t>(rows * grid.shape[1]), value);
  all.insert(all.end(), values.begin(), values.end());
  return Tensor::from_f32({1, rows + grid.shape[0], grid.shape[1]}, all);
}

// Names are RULE.G.to.H.
TEST(ResamplePositions, EveryRuleIsItsLibrarys) {
  const TensorMap tensors = golden();
  std::size_t compared = 0;
  for (const auto& [name, want] : tensors) {
    for (const auto& [rule_name, rule] : kRules) {
      if (!name.starts_with(std::string(rule_name) + ".")) continue;
      const std::string sizes = name.substr(rule_name.size() + 1);
      const std::string stored = sizes.substr(0, sizes.find('.'));
      const int side = std::stoi(sizes.substr(sizes.rfind('.') + 1));
      const auto got = resample_positions(with_rows_in_front(tensors.at("stored." + stored), 2, 7), 2, side, rule);
      ASSERT_TRUE(got) << got.error().message;
      std::vector<float> values = *got->to_f32();
      EXPECT_THAT(std::vector<float>(values.begin(), values.begin() + 4), testing::Each(7.0F)) << "prefix rows stay";
      values.erase(values.begin(), values.begin() + 4);
      EXPECT_TRUE(test::expect_close(values, *want.to_f32(), kTolerance)) << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 4u * 6u);
}

TEST(ResamplePositions, TheSameSideIsTheSameTable) {
  const Tensor table = with_rows_in_front(golden().at("stored.7"), 1, 3);
  const auto same = resample_positions(table, 1, 7, PositionRule::bicubic_offset);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->bytes.data(), table.bytes.data());
}

TEST(ResamplePositions, RowsThatAreNoSquareAreRefused) {
  const Tensor table = with_rows_in_front(golden().at("stored.7"), 1, 3);
  const auto refused = resample_positions(table, 2, 4, PositionRule::bicubic);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("1x50x2"));
}

}  // namespace
}  // namespace dfa
