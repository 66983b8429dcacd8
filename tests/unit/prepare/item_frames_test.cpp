#include "prepare/item_frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "prepare/mask.hpp"
#include "stubs.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

using test::TempDir;
using testing::ElementsAre;
using testing::SizeIs;

std::vector<std::int64_t> read_all(ItemFrames& frames) {
  std::vector<std::int64_t> numbers;
  for (;;) {
    auto frame = frames.next();
    EXPECT_TRUE(frame) << frame.error().message;
    if (!frame || !*frame) return numbers;
    EXPECT_EQ(frames.wanted().at((*frame)->place), (*frame)->number);
    numbers.push_back((*frame)->number);
  }
}

TEST(ItemFrames, OfAVideoAreTheEvenOnes) {
  const auto frames =
      ItemFrames::open(test::item("samples/swap_astronaut.mp4", SourceKind::video, 1), test::source_path(""), 4, {});
  ASSERT_TRUE(frames) << frames.error().message;
  EXPECT_THAT((*frames)->wanted(), ElementsAre(0, 41, 82, 124));
  EXPECT_THAT(read_all(**frames), ElementsAre(0, 41, 82, 124));
}

TEST(ItemFrames, OfAFolderCarryTheNumbersOfTheirNames) {
  TempDir dir;
  SourceItem item = test::item("v", SourceKind::frames, 0);
  for (const int number : {3, 10, 200, 1000, 1001}) {
    item.frames.push_back(std::to_string(number) + ".png");
    test::write_png(dir / ("v/" + item.frames.back()), test::draw(8, 8, {}));
  }
  auto frames = ItemFrames::open(item, dir.path(), 3, {});
  ASSERT_TRUE(frames);
  EXPECT_THAT(read_all(**frames), ElementsAre(3, 200, 1001));
  item.frames[1] = "x.png";
  frames = ItemFrames::open(item, dir.path(), 3, {});
  ASSERT_TRUE(frames);
  EXPECT_THAT((*frames)->wanted(), ElementsAre(0, 2, 4));
}

TEST(ItemFrames, APictureThatCannotBeReadIsNotedAndNotReplaced) {
  TempDir dir;
  const SourceItem item = test::write_frames(dir.path(), "v", {{}, {}, {}}, 0);
  test::write_bytes(dir / "v/001.png", "no picture");
  const auto frames = ItemFrames::open(item, dir.path(), 32, {});
  ASSERT_TRUE(frames);
  EXPECT_THAT(read_all(**frames), ElementsAre(0, 2));
  ASSERT_THAT((*frames)->notes(), SizeIs(1));
}

TEST(MaskFrames, OfAVideoLieAtTheSameNumbers) {
  const auto masks = MaskFrames::open(test::source_path("samples/swap_astronaut.mp4"), {0, 41, 82, 124, 900}, {});
  ASSERT_TRUE(masks) << masks.error().message;
  for (const std::int64_t number : {0, 82, 124}) {
    const auto mask = (*masks)->at(number);
    ASSERT_TRUE(mask);
    EXPECT_TRUE(*mask) << number;
  }
  EXPECT_FALSE(*(*masks)->at(900));
}

TEST(MaskFrames, OfAFolderAreFoundByNumber) {
  TempDir dir;
  test::write_png(dir / "m/7.png", test::draw_mask(8, 8, {{0, 0, 4}}));
  const auto masks = MaskFrames::open(dir / "m", {6, 7}, {});
  ASSERT_TRUE(masks);
  EXPECT_FALSE(*(*masks)->at(6));
  EXPECT_TRUE(*(*masks)->at(7));
  EXPECT_FALSE(MaskFrames::open(dir / "none", {0}, {}));
}

TEST(FrameMask, IsBroughtToTheFramesSizeAndCountsInsideTheBox) {
  const auto mask = frame_mask(test::draw_mask(50, 50, {{10, 10, 20}}), 100, 100);
  ASSERT_TRUE(mask);
  EXPECT_TRUE(mask->is_binary);
  EXPECT_TRUE(has_masked_pixels(*mask));
  EXPECT_EQ(masked_pixels(*mask, {30, 30, 50, 50}), 400);
  EXPECT_EQ(masked_pixels(*mask, {70, 70, 100, 100}), 0);
  EXPECT_EQ(masked_pixels(*mask, {-1e9, -1e9, 1e9, 1e9}), 1600);
}

TEST(FrameMask, BinaryOnesStaySoAndSoftOnesToo) {
  const Face face{{20, 20, 71, 71}, 1, {}};
  CropRecipe recipe = *crop_recipe_by_name("square1.3-inside");
  recipe.stored_px = 37;
  const auto levels = [&](const Picture& picture) {
    const auto mask = frame_mask(picture, 100, 100);
    const Picture crop = *mask_crop(*mask, face, recipe);
    return std::set<int>(crop.rgb.begin(), crop.rgb.end());
  };
  EXPECT_THAT(levels(test::draw_mask(100, 100, {{33, 33, 30}})), ElementsAre(0, 255));
  EXPECT_GT(levels(test::draw(100, 100, {{33, 33, 30, 254}})).size(), 2u);
}

}  // namespace
}  // namespace dfa
