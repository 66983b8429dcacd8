// What a batch holds beside pixels: masks, second views, self-blended pairs; from files and from packs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>

#include "augment/augment_sets.hpp"
#include "dataset/landmark_file.hpp"
#include "face/dlib_part.hpp"
#include "preprocess/crop.hpp"
#include "support/temp_dir.hpp"
#include "train/data/batch_loader.hpp"
#include "train/data/mask_pool.hpp"
#include "train/data/self_blender.hpp"
#include "unit/train/made_faces.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::Each;
using testing::HasSubstr;

constexpr std::size_t kSide = 32, kValues = 3 * kSide * kSide, kMaskSide = 4, kCells = kMaskSide * kMaskSide;

std::vector<Batch> all(BatchLoader& loader) {
  std::vector<Batch> batches;
  for (;;) {
    auto batch = loader.next();
    if (!batch) throw std::runtime_error(batch.error().message);
    if (!*batch) return batches;
    batches.push_back(std::move(**batch));
  }
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].images, b[i].images);
    EXPECT_EQ(a[i].labels, b[i].labels);
    EXPECT_EQ(a[i].samples, b[i].samples);
    EXPECT_EQ(a[i].masks, b[i].masks);
    EXPECT_EQ(a[i].mask_known, b[i].mask_known);
    EXPECT_EQ(a[i].strong, b[i].strong);
    EXPECT_EQ(a[i].self_blend_misses, b[i].self_blend_misses);
  }
}

class SampleTest : public testing::Test {
 protected:
  std::unique_ptr<CropSet> open(const std::filesystem::path& path, std::uint64_t cache_bytes = 0) const {
    const CropFile file = open_crop_file(path).value();
    auto crops = CropSet::open(file, Role::train, recipe_, cache_bytes);
    if (!crops) throw std::runtime_error(crops.error().message);
    return std::move(*crops);
  }
  LoaderOptions options(const SelfBlender* blender) const {
    LoaderOptions options;
    options.recipe = recipe_;
    options.side = static_cast<int>(kSide);
    options.batch = 6;
    options.seed = 3;
    options.augment = augment_options_of(AugmentSet::gend);
    options.strong = augment_options_of(AugmentSet::strong);
    options.mask_side = static_cast<int>(kMaskSide);
    options.blender = blender;
    return options;
  }
  static std::vector<Slot> plan(const CropSet& crops, const SelfBlender& blender, double share = 0.4) {
    PlanOptions options;
    options.self_blend = share;
    options.batch = 6;
    return plan_epoch(crops.samples(), blender.candidates(), options).value();
  }
  std::unique_ptr<SelfBlender> blender_of(const CropSet& crops) const {
    auto blender = SelfBlender::create(crops, recipe_);
    if (!blender) throw std::runtime_error(blender.error().message);
    return std::move(*blender);
  }

  const TempDir dir_;
  const MadeCrops made_{};
  const CropRecipe recipe_ = made_recipe(made_);
  const std::filesystem::path manifest_ = write_made_faces(dir_.path(), made_);
};

TEST_F(SampleTest, BatchesDoNotDependOnWorkersNorPrefetch) {
  const auto crops = open(manifest_, 1 << 20);
  const auto blender = blender_of(*crops);
  const std::vector<Slot> slots = plan(*crops, *blender);
  std::vector<Batch> first;
  for (const int workers : {1, 2, 5}) {
    LoaderOptions asked = options(blender.get());
    asked.workers = workers;
    asked.prefetch = workers;
    const auto loader = BatchLoader::start(*crops, slots, asked);
    std::vector<Batch> batches = all(*loader);
    ASSERT_EQ(batches.size(), 4U);
    if (first.empty())
      first = std::move(batches);
    else
      expect_equal(first, batches);
  }
  LoaderOptions rest = options(blender.get());
  rest.workers = 3;
  rest.first_batch = 2;
  const auto loader = BatchLoader::start(*crops, slots, rest);
  expect_equal({first[2], first[3]}, all(*loader));
}

TEST_F(SampleTest, APackGivesTheSameBatches) {
  const auto files = open(manifest_), pack = open(write_made_pack(manifest_));
  ASSERT_EQ(files->samples().size(), pack->samples().size());
  const auto file_blender = blender_of(*files), pack_blender = blender_of(*pack);
  EXPECT_EQ(file_blender->candidates(), pack_blender->candidates());
  const std::vector<Slot> slots = plan(*files, *file_blender);
  EXPECT_EQ(plan(*pack, *pack_blender), slots);
  const auto one = BatchLoader::start(*files, slots, options(file_blender.get()));
  const auto two = BatchLoader::start(*pack, slots, options(pack_blender.get()));
  expect_equal(all(*one), all(*two));
  for (std::size_t i = 0; i < files->samples().size(); ++i) {
    EXPECT_EQ(files->samples()[i].path, pack->samples()[i].path);
    EXPECT_EQ(files->samples()[i].video, pack->samples()[i].video);
    EXPECT_EQ(files->samples()[i].source, pack->samples()[i].source);
    EXPECT_EQ(files->samples()[i].frame, pack->samples()[i].frame);
    EXPECT_EQ(files->samples()[i].method, pack->samples()[i].method);
  }
  EXPECT_EQ(open_crop_file(dir_ / "crops.dfapack")->sha256.size(), 64U);
}

TEST_F(SampleTest, MasksAreTheManifestsAndAreKnownWhereTheyAre) {
  const auto crops = open(manifest_);
  LoaderOptions plain = options(nullptr);
  plain.augment = {};
  plain.strong.reset();
  plain.batch = 4;
  std::vector<std::uint32_t> order(4);
  std::iota(order.begin(), order.end(), 0U);
  const auto loader = BatchLoader::start(*crops, order, plain);
  const Batch batch = std::move(all(*loader)[0]);
  EXPECT_TRUE(batch.strong.empty());
  EXPECT_EQ(batch.mask_known, (std::vector<std::uint8_t>{1, 1, 1, 0}));  // fake 3 has no mask
  ASSERT_EQ(batch.masks.size(), 4 * kCells);
  // The mask covers pixels 6 to 23 of 48 both ways; cells are 12 pixels wide.
  const double share[kMaskSide] = {0.5, 1, 0, 0};
  for (std::size_t v = 0; v < kMaskSide; ++v)
    for (std::size_t u = 0; u < kMaskSide; ++u) {
      EXPECT_FLOAT_EQ(batch.masks[kCells + v * kMaskSide + u], static_cast<float>(share[u] * share[v]));
      EXPECT_EQ(batch.masks[v * kMaskSide + u], 0);
    }
  // Mirrored with the crop.
  plain.augment.flip = 1;
  const auto flipped = BatchLoader::start(*crops, order, plain);
  const Batch mirrored = std::move(all(*flipped)[0]);
  EXPECT_EQ(mirrored.masks[kCells + kMaskSide + 2], 1);
  EXPECT_EQ(mirrored.masks[kCells + kMaskSide + 1], 0);
  // Not asked for: not there.
  plain.mask_side = 0;
  const auto without = BatchLoader::start(*crops, order, plain);
  const Batch bare = std::move(all(*without)[0]);
  EXPECT_TRUE(bare.masks.empty() && bare.mask_known.empty());
}

TEST_F(SampleTest, ADamagedMaskStopsWithItsName) {
  write_bytes(dir_ / "crops/train1.bmp.mask.png", "no picture");
  const auto crops = open(manifest_);
  const auto loader = BatchLoader::start(*crops, std::vector<std::uint32_t>{0, 1}, [&] {
    LoaderOptions asked = options(nullptr);
    asked.batch = 2;
    return asked;
  }());
  const auto batch = loader->next();
  ASSERT_FALSE(batch);
  EXPECT_THAT(batch.error().message, HasSubstr("train1.bmp.mask.png"));
}

TEST_F(SampleTest, TheStrongViewIsTheFirstViewChangedOnceMore) {
  const auto crops = open(manifest_);
  LoaderOptions asked = options(nullptr);
  asked.strong = AugmentOptions{};  // changes nothing: both views are equal
  const std::vector<std::uint32_t> order = {0, 1, 2, 3, 4, 5};
  const auto same = BatchLoader::start(*crops, order, asked);
  const Batch equal = std::move(all(*same)[0]);
  EXPECT_EQ(equal.strong, equal.images);
  asked.strong = augment_options_of(AugmentSet::strong);
  const auto other = BatchLoader::start(*crops, order, asked);
  const Batch changed = std::move(all(*other)[0]);
  EXPECT_EQ(changed.images, equal.images) << "the second view's numbers come from a stream of its own";
  EXPECT_NE(changed.strong, changed.images);
}

// One pair without augmentation: equal surroundings, another face, and a mask where they differ.
TEST_F(SampleTest, APairDiffersUnderItsMaskAlone) {
  const auto crops = open(manifest_);
  const auto blender = blender_of(*crops);
  int forged = 0;
  for (std::uint64_t number = 0; number < 12; ++number) {
    const auto pair = blender->make(0, RngStream(1, "t").child(number));
    ASSERT_TRUE(pair) << pair.error().message;
    EXPECT_EQ(pair->real.width, made_.side);
    EXPECT_EQ(pair->sample, 0U);
    EXPECT_EQ(pair->misses, 0U);
    int inside = 0;
    for (std::size_t i = 0; i < pair->mask.value.size(); ++i)
      inside += pair->mask.value[i] > 0 && pair->real.rgb[3 * i] != pair->fake.rgb[3 * i] ? 1 : 0;
    forged += inside > 50 ? 1 : 0;
  }
  EXPECT_GE(forged, 9);  // some are blended from a copy that hardly differs
}

TEST_F(SampleTest, PairsAreLabelledKnownAndChangedAlike) {
  const auto crops = open(manifest_);
  const auto blender = blender_of(*crops);
  // Step 8's JPEG reaches 32 pixels beyond a mask, more than these crops have: compare where it was not drawn.
  const auto loader = BatchLoader::start(*crops, plan(*crops, *blender, 1), options(blender.get()));
  int alike = 0, pairs = 0;
  for (const Batch& batch : all(*loader)) {
    EXPECT_EQ(batch.labels, (std::vector<std::int64_t>{0, 1, 0, 1, 0, 1}));
    EXPECT_THAT(batch.mask_known, Each(1));
    for (std::size_t i = 0; i < 6; i += 2) {
      EXPECT_EQ(batch.samples[i], batch.samples[i + 1]);
      const auto real = batch.images.begin() + static_cast<std::ptrdiff_t>(i * kValues), fake = real + kValues;
      EXPECT_FALSE(std::equal(real, fake, fake));
      // The augmentation's affine step turns, moves and mirrors both alike, so the pictures stay near each other.
      const double distance =
          std::transform_reduce(real, fake, fake, 0.0, std::plus<>(), [](float a, float b) { return std::abs(a - b); });
      alike += distance / static_cast<double>(kValues) < 0.12 ? 1 : 0;
      ++pairs;
      const auto mask = batch.masks.begin() + static_cast<std::ptrdiff_t>(i * kCells);
      EXPECT_TRUE(std::all_of(mask, mask + kCells, [](float v) { return v == 0; }));
      EXPECT_GT(*std::max_element(mask + kCells, mask + 2 * kCells), 0);
    }
  }
  EXPECT_EQ(pairs, 12);
  EXPECT_GE(alike, 10);
}

// What a step measures on a picture is measured on the real side for both: where the two were equal before, contrast
// around the mean and the colour of an erased rectangle keep them so.
TEST_F(SampleTest, WhatWasEqualInAPairStaysEqual) {
  const auto crops = open(manifest_);
  const auto blender = blender_of(*crops);
  const std::vector<Slot> slots = plan(*crops, *blender, 1);
  LoaderOptions asked = options(blender.get());
  asked.recipe.stored_px = asked.side = made_.side;  // nothing is resampled
  asked.strong.reset();
  asked.augment = {};
  const auto before = BatchLoader::start(*crops, slots, asked);
  asked.augment.contrast = {1, 0.3, 0.5};
  asked.augment.erase = {1, 0.05, 0.1};
  asked.strong = asked.augment;
  const auto after = BatchLoader::start(*crops, slots, asked);
  const std::size_t values = 3 * static_cast<std::size_t>(made_.side * made_.side);
  const std::vector<Batch> plain = all(*before), changed = all(*after);
  int equal = 0, kept = 0, kept_strong = 0;
  for (std::size_t b = 0; b < plain.size(); ++b)
    for (std::size_t i = 0; i < 6 * values; i += 2 * values)
      for (std::size_t k = i; k < i + values; ++k) {
        if (plain[b].images[k] != plain[b].images[k + values]) continue;
        ++equal;
        kept += changed[b].images[k] == changed[b].images[k + values] ? 1 : 0;
        kept_strong += changed[b].strong[k] == changed[b].strong[k + values] ? 1 : 0;
      }
  EXPECT_GT(equal, 10000);
  EXPECT_EQ(kept, equal);
  EXPECT_EQ(kept_strong, equal);
}

// Each side of a pair made alone, as where a pair is cut in two between devices, is what it is in the pair.
TEST_F(SampleTest, TheSidesOfAPairMayBeMadeApart) {
  const auto crops = open(manifest_);
  const auto blender = blender_of(*crops);
  const std::vector<Slot> slots = plan(*crops, *blender, 1);
  LoaderOptions asked = options(blender.get());
  const auto together = BatchLoader::start(*crops, slots, asked);
  const Batch whole = std::move(all(*together)[0]);
  asked.batch = 1;
  const auto apart = BatchLoader::start(*crops, slots, asked);
  const std::vector<Batch> singles = all(*apart);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(std::equal(singles[i].images.begin(), singles[i].images.end(),
                           whole.images.begin() + static_cast<std::ptrdiff_t>(i * kValues)));
    EXPECT_TRUE(std::equal(singles[i].masks.begin(), singles[i].masks.end(),
                           whole.masks.begin() + static_cast<std::ptrdiff_t>(i * kCells)));
    EXPECT_TRUE(std::equal(singles[i].strong.begin(), singles[i].strong.end(),
                           whole.strong.begin() + static_cast<std::ptrdiff_t>(i * kValues)));
  }
}

// Points that all lie outside the crop: its hull has no pixels. Another crop takes its place, always the same one.
TEST_F(SampleTest, WhatCannotBeBlendedIsReplacedAndCounted) {
  Landmarks68 outside = made_landmarks(made_.side);
  for (Point& point : outside.points) point.x += 1.5 * made_.side;
  const auto bytes = landmark_file_bytes(outside);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const char* name : {"train0", "train2", "train4"})
    write_bytes(dir_ / "crops" / (std::string(name) + ".bmp.npy"), text);
  const auto crops = open(manifest_);
  const auto blender = blender_of(*crops);
  std::uint32_t misses = 0;
  for (const Slot& slot : plan(*crops, *blender, 1)) {
    if (slot.kind != SlotKind::blended_real) continue;
    const auto pair = blender->make(slot.sample, RngStream(1, "t").child(slot.stream));
    ASSERT_TRUE(pair) << pair.error().message;
    EXPECT_GT(pair->sample, 4U);
    EXPECT_EQ(pair->misses > 0, slot.sample <= 4);
    misses += pair->misses;
    const auto again = blender->make(slot.sample, RngStream(1, "t").child(slot.stream));
    EXPECT_EQ(again->sample, pair->sample);
    EXPECT_EQ(again->fake.rgb, pair->fake.rgb);
  }
  EXPECT_GE(misses, 3U);
  const auto loader = BatchLoader::start(*crops, plan(*crops, *blender, 1), options(blender.get()));
  std::uint32_t counted = 0;
  for (const Batch& batch : all(*loader)) counted += batch.self_blend_misses;
  EXPECT_GE(counted, 3U);
}

// A crop without points in the manifest is a candidate only where dlib can look for them.
TEST_F(SampleTest, WithoutPointsTheNextStepIsNamed) {
  const bool dlib = dlib_part() == DlibPart::present;
  Manifest manifest = read_manifest(manifest_).value();
  manifest.entries[2].landmarks68.clear();
  ASSERT_TRUE(write_manifest(manifest, manifest_));
  const auto crops = open(manifest_);
  EXPECT_EQ(blender_of(*crops)->candidates().size(), dlib ? 12U : 11U);
  for (ManifestEntry& entry : manifest.entries) entry.landmarks68.clear();
  ASSERT_TRUE(write_manifest(manifest, manifest_));
  const auto none = open(manifest_);
  const auto blender = SelfBlender::create(*none, recipe_);
  if (!dlib) {
    ASSERT_FALSE(blender);
    EXPECT_THAT(blender.error().message, HasSubstr("next step"));
    return;
  }
  ASSERT_TRUE(blender);
  // Noise has no face: every try is a miss, and that is said, not looped for ever.
  const auto pair = (*blender)->make(0, RngStream(1, "t"));
  ASSERT_FALSE(pair);
  EXPECT_THAT(pair.error().message, HasSubstr("could be self-blended"));
}

// Counts the crops that are asked for.
class CountingCrops : public CropSet {
 public:
  explicit CountingCrops(const CropSet& inner) : inner_(inner) {}
  const std::vector<Sample>& samples() const override { return inner_.samples(); }
  std::size_t unlabelled() const override { return 0; }
  Result<std::shared_ptr<const Picture>> crop(std::size_t index) const override {
    ++asked;
    return inner_.crop(index);
  }
  Result<std::optional<Picture>> mask(std::size_t index) const override { return inner_.mask(index); }
  Result<std::optional<Landmarks68>> landmarks68(std::size_t index) const override { return inner_.landmarks68(index); }
  mutable std::atomic<int> asked = 0;

 private:
  const CropSet& inner_;
};

TEST_F(SampleTest, NoMoreThanTheWindowIsMadeAhead) {
  const auto inner = open(manifest_);
  for (const int prefetch : {1, 2}) {
    const CountingCrops crops(*inner);
    LoaderOptions asked = options(nullptr);
    asked.batch = 4;
    asked.workers = 5;
    asked.prefetch = prefetch;
    std::vector<std::uint32_t> order(24);
    std::iota(order.begin(), order.end(), 0U);
    const auto loader = BatchLoader::start(crops, order, asked);
    ASSERT_TRUE(loader->next());
    while (crops.asked < 4 * (prefetch + 1)) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(crops.asked, 4 * (prefetch + 1));
  }
}

TEST(MaskPool, CellsAreMeansOverTheirArea) {
  Picture mask{5, 5, std::vector<std::uint8_t>(75)};
  for (int x = 0; x < 5; ++x) mask.rgb[static_cast<std::size_t>(3 * (5 + x))] = 255;  // row 1, first channel
  std::vector<float> cells(4);
  pool_mask(mask.view(), 2, cells);  // cells of 2.5 pixels
  EXPECT_FLOAT_EQ(cells[0], 0.4F);
  EXPECT_FLOAT_EQ(cells[1], 0.4F);
  EXPECT_FLOAT_EQ(cells[2], 0);
  for (int x = 0; x < 5; ++x)
    std::swap(mask.rgb[static_cast<std::size_t>(3 * (5 + x))], mask.rgb[static_cast<std::size_t>(3 * (10 + x))]);
  pool_mask(mask.view(), 2, cells);  // row 2 lies half in each
  EXPECT_FLOAT_EQ(cells[0], 0.2F);
  EXPECT_FLOAT_EQ(cells[2], 0.2F);
  std::vector<float> fine(49);
  pool_mask(mask.view(), 7, fine);  // smaller than a pixel
  EXPECT_FLOAT_EQ(fine[3 * 7], 1);
  EXPECT_NEAR(std::accumulate(fine.begin(), fine.end(), 0.0) / 49, 0.2, 1e-6);
}

}  // namespace
}  // namespace dfa::test
