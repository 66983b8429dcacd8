// crop_to_tensor against the authors' preprocessing of GenD (transformers 4.56.2, shared golden): every bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "preprocess/crop.hpp"
#include "support/shared.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

constexpr int kSide = 56;

CropRecipe clip_recipe() {
  CropRecipe recipe;
  recipe.interpolation = "bicubic";
  recipe.mean = {.48145466, .4578275, .40821073};
  recipe.std = {.26862954, .26130258, .27577711};
  return recipe;
}

Picture as_picture(const Tensor& tensor) {
  Picture picture{static_cast<int>(tensor.shape[1]), static_cast<int>(tensor.shape[0]), {}};
  picture.rgb.resize(tensor.bytes.size());
  std::memcpy(picture.rgb.data(), tensor.bytes.data(), tensor.bytes.size());
  return picture;
}

// That preprocessing brings the shorter side to 56 and keeps the middle.
Picture shorter_side_resized(const Picture& picture) {
  const int shorter = std::min(picture.width, picture.height);
  return resize_antialiased(picture.view(), picture.width * kSide / shorter, picture.height * kSide / shorter,
                            "bicubic")
      .value();
}

PictureView middle(const Picture& picture) {
  const int x = (picture.width - kSide) / 2, y = (picture.height - kSide) / 2;
  return {kSide, kSide, picture.view().stride, picture.view().row(y) + 3 * x};
}

TEST(CropToTensor, EqualsTheGoldenBits) {
  DFA_REQUIRE_SHARED();
  const auto golden = read_safetensors(test::shared_path("oracle/gend_tiny/preprocess.safetensors"));
  ASSERT_TRUE(golden) << golden.error().message;
  for (int i = 0; i < 4; ++i) {
    Picture picture = as_picture(golden->tensors.at(fmt::format("picture.{}", i)));
    std::vector<float> got(3 * kSide * kSide);
    if (picture.width == picture.height) {
      ASSERT_TRUE(crop_to_tensor(picture.view(), clip_recipe(), kSide, got));
    } else {
      picture = shorter_side_resized(picture);
      ASSERT_TRUE(crop_to_tensor(middle(picture), clip_recipe(), kSide, got));
    }
    EXPECT_EQ(got, golden->tensors.at(fmt::format("pixel_values.{}", i)).to_f32().value()) << i;
  }
}

}  // namespace
}  // namespace dfa
