#include "eval/score_crops.hpp"

#include <gtest/gtest.h>

#include "media/read_picture.hpp"
#include "preprocess/crop.hpp"
#include "score/operating_point.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "unit/model/small_model.hpp"

namespace dfa::test {
namespace {

Model model_for(const CropRecipe& recipe) {
  Model model = small_model();
  model.crop = recipe;
  return model;
}

class ScoreCrops : public testing::Test {
 protected:
  Result<std::vector<CropScore>> score(Role role, int batch = 4, RecipeCheck recipe = RecipeCheck::enforce) {
    ScoreCropsOptions options;
    options.network.max_batch = batch;
    options.network.threads = 1;
    options.recipe = recipe;
    return score_crops(model_, manifest_, role, options, cancel_);
  }
  const TempDir dir_;
  const MadeCrops made_{};
  const std::filesystem::path manifest_ = write_made_crops(dir_.path(), made_);
  Model model_ = model_for(made_recipe(made_));
  CancelFlag cancel_;
};

TEST_F(ScoreCrops, EachCropGetsWhatTheEngineSaysOfItAlone) {
  const auto scores = score(Role::val, 3);  // 8 crops: two full batches and one of two
  ASSERT_TRUE(scores) << scores.error().message;
  ASSERT_EQ(scores->size(), 8U);
  const auto network = make_network(model_.config, model_.weights, {.precision = Precision::f32, .threads = 1});
  std::vector<float> image(3 * 32 * 32), logits(2);
  for (std::size_t i = 0; i < scores->size(); ++i) {
    const auto crop = read_picture(dir_.path() / "crops" / (*scores)[i].path, {});
    ASSERT_TRUE(crop_to_tensor(crop->view(), model_.crop, 32, image));
    ASSERT_TRUE((*network)->forward(image, 1, {logits, {}}));
    ASSERT_TRUE((*scores)[i].p_fake) << (*scores)[i].problem;
    EXPECT_NEAR(*(*scores)[i].p_fake, *p_fake_from_logits(logits, 1.0), 1e-5);
    EXPECT_EQ((*scores)[i].label, static_cast<int>(i % 2));
  }
  EXPECT_EQ((*scores)[0].video, (dir_.path() / "crops/val0.bmp").string());
}

TEST_F(ScoreCrops, TemperatureOfTheCalibrationIsUsed) {
  const auto plain = score(Role::test);
  model_.calibration = Calibration{};
  model_.calibration->temperature = 4;
  const auto flat = score(Role::test);
  ASSERT_TRUE(plain && flat);
  for (std::size_t i = 0; i < plain->size(); ++i)
    EXPECT_LT(std::abs(*(*flat)[i].p_fake - 0.5), std::abs(*(*plain)[i].p_fake - 0.5));
}

TEST_F(ScoreCrops, AnUnreadableCropIsAProblemAndNoNumber) {
  write_bytes(dir_ / "crops/test1.bmp", "no picture");
  write_bytes(dir_ / "crops/test2.bmp", bmp_bytes(20, 20, std::vector<std::uint8_t>(1200)));
  std::filesystem::remove(dir_ / "crops/test3.bmp");
  const auto scores = score(Role::test);
  ASSERT_TRUE(scores) << scores.error().message;
  ASSERT_EQ(scores->size(), 4U);
  EXPECT_TRUE((*scores)[0].p_fake);
  for (const std::size_t i : {1U, 2U, 3U}) {
    EXPECT_FALSE((*scores)[i].p_fake);
    EXPECT_FALSE((*scores)[i].problem.empty());
  }
  EXPECT_NE((*scores)[2].problem.find("20x20"), std::string::npos);
}

TEST_F(ScoreCrops, CropsOfAnotherRecipeNeedForce) {
  model_.crop.scale = 1.5;
  const auto refused = score(Role::test);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::recipe_mismatch);
  EXPECT_NE(refused.error().message.find("--force-crop"), std::string::npos);
  EXPECT_TRUE(score(Role::test, 4, RecipeCheck::skip));
}

TEST_F(ScoreCrops, StopsWhenAsked) {
  cancel_.request(2);
  EXPECT_EQ(score(Role::test).error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace dfa::test
