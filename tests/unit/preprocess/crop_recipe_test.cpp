#include "preprocess/crop_recipe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dfa {
namespace {

using testing::HasSubstr;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(CropRecipe, ByName) {
  const auto aligned = crop_recipe_by_name("aligned1.3");
  ASSERT_TRUE(aligned);
  EXPECT_EQ(*aligned, CropRecipe{});
  const auto square = crop_recipe_by_name("square1.3-inside");
  ASSERT_TRUE(square);
  EXPECT_EQ(square->kind, CropKind::square_inside);
  EXPECT_EQ(square->scale, 1.3);
  const auto unknown = crop_recipe_by_name("aligned1.4");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::usage);
  EXPECT_THAT(unknown.error().message, HasSubstr("aligned1.3, square1.3-inside, dfb, gend, sbi, ffpp, dfdc-large"));
}

TEST(CropRecipe, ThoseOfTheFieldAreKnownByName) {
  for (const std::string_view name : crop_recipe_names()) {
    const auto recipe = crop_recipe_by_name(name);
    ASSERT_TRUE(recipe) << name;
    EXPECT_EQ(recipe->name, name);
    const auto parsed = parse_crop_recipe(crop_recipe_json(*recipe));
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(*parsed, *recipe);
  }
  EXPECT_EQ(crop_recipe_by_name("dfb")->detector, "dlib");
  EXPECT_EQ(crop_recipe_by_name("sbi")->stored_px, 380);
  EXPECT_EQ(crop_recipe_by_name("gend")->interpolation, "bicubic");
}

// The text is part of every model file: its bytes and its hash must not move by accident.
TEST(CropRecipe, TextAndHashAreFixed) {
  EXPECT_EQ(
      crop_recipe_json(CropRecipe{}),
      R"({"name":"aligned1.3","kind":"aligned","scale":1.3,"stored_px":256,"detector":"mtcnn","detector_sha256":"",)"
      R"("interpolation":"bilinear","colour":"rgb","yuv":"tags-or-bt601-limited; swscale bicubic accurate_rnd full_chroma_int bitexact",)"
      R"("mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5],"frames":"even:32"})");
  EXPECT_EQ(crop_recipe_hash(CropRecipe{}), "2b5659a5b1d8b66d09bbfbf7b3eae81eb62980615e5d81b5b4db7351307e7556");
  EXPECT_EQ(crop_recipe_hash(*crop_recipe_by_name("square1.3-inside")),
            "83bdb4df36623e7612b59e1a5944d88f5dc9e54ff8094a6a6d212b63f22556fe");
}

TEST(CropRecipe, SurvivesItsOwnText) {
  CropRecipe recipe = *crop_recipe_by_name("square1.3-inside");
  recipe.stored_px = 192;
  recipe.detector_sha256 = std::string(64, 'a');
  recipe.interpolation = "bicubic";
  recipe.mean = {0.48145466, 0.4578275, 0.40821073};
  recipe.std = {0.26862954, 0.26130258, 0.27577711};
  const auto parsed = parse_crop_recipe(crop_recipe_json(recipe));
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(*parsed, recipe);
}

TEST(CropRecipe, ParsingIsStrict) {
  const std::string good = crop_recipe_json(CropRecipe{});
  const struct {
    std::string text;
    std::string_view says;
  } cases[] = {
      {"", "not a JSON object"},
      {"[1]", "not a JSON object"},
      {good + "x", "not a JSON object"},
      {std::string(100'000, ' '), "bytes of JSON"},
      {replaced(good, R"("frames":"even:32")", R"("frames":"even:32","extra":1)"), "unknown key 'extra'"},
      {replaced(good, R"(,"frames":"even:32")", ""), "'frames' is missing"},
      {replaced(good, R"("frames":)", R"("name":"b","frames":)"), "'name' is given twice"},
      {replaced(good, R"("name":"aligned1.3")", R"("name":"")"), "'name' is empty"},
      {replaced(good, R"("kind":"aligned")", R"("kind":"round")"), "kind 'round'"},
      {replaced(good, R"("kind":"aligned")", R"("kind":3)"), "'kind' must be text"},
      {replaced(good, "1.3,\"stored", "0.1,\"stored"), "scale 0.1"},
      {replaced(good, "1.3,\"stored", "\"1\",\"stored"), "'scale' must be a number"},
      {replaced(good, "256", "0"), "whole number in 1..4096"},
      {replaced(good, "256", "1e9"), "whole number"},
      {replaced(good, "256", "18446744073709551615"), "whole number"},
      {replaced(good, "256", "256.5"), "whole number"},
      {replaced(good, R"("interpolation":"bilinear")", R"("interpolation":"lanczos")"), "interpolation 'lanczos'"},
      {replaced(good, R"("colour":"rgb")", R"("colour":"bgr")"), "colour 'bgr'"},
      {replaced(good, R"("mean":[0.5,0.5,0.5])", R"("mean":[0.5,0.5])"), "'mean' must be three numbers"},
      {replaced(good, R"("std":[0.5,0.5,0.5])", R"("std":[0.5,0,0.5])"), "above 0"},
  };
  for (const auto& c : cases) {
    const auto parsed = parse_crop_recipe(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error().code, ErrorCode::model_incompatible);
    EXPECT_THAT(parsed.error().message, HasSubstr(std::string(c.says))) << c.text;
  }
}

TEST(CropRecipe, DifferenceNamesTheFields) {
  CropRecipe a, b;
  EXPECT_EQ(crop_recipe_difference(a, b), "");
  b.stored_px = 192;
  b.interpolation = "bicubic";
  b.mean[1] = 0.25;
  EXPECT_EQ(crop_recipe_difference(a, b),
            "stored_px: 256 against 192; interpolation: bilinear against bicubic; mean: [0.5,0.5,0.5] against "
            "[0.5,0.25,0.5]");
  EXPECT_NE(crop_recipe_hash(a), crop_recipe_hash(b));
}

}  // namespace
}  // namespace dfa
