#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory_resource>
#include <mutex>
#include <set>
#include <thread>

#include "media/read_picture.hpp"
#include "preprocess/crop.hpp"
#include "support/made_crops.hpp"
#include "support/temp_dir.hpp"
#include "train/data/batch_loader.hpp"
#include "train/data/sampler.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

class CropsTest : public testing::Test {
 protected:
  std::unique_ptr<CropSet> open(Role role, std::uint64_t cache_bytes = 1 << 20) {
    auto manifest = read_manifest(manifest_path_);
    if (!manifest) throw std::runtime_error(manifest.error().message);
    auto crops = CropSet::open(*manifest, manifest_path_, role, recipe_, cache_bytes);
    if (!crops) throw std::runtime_error(crops.error().message);
    return std::move(*crops);
  }
  LoaderOptions options() const {
    LoaderOptions options;
    options.recipe = recipe_;
    options.side = 32;
    options.batch = 5;
    options.seed = 3;
    options.augment.flip = 0.5;
    options.augment.crop = {0.5, 0.7, 1};
    options.augment.jpeg = {0.5, 50, 90};
    options.augment.erase = {0.5, 0.1, 0.2};
    return options;
  }
  static std::vector<Batch> all(BatchLoader& loader) {
    std::vector<Batch> batches;
    for (;;) {
      auto batch = loader.next();
      if (!batch) throw std::runtime_error(batch.error().message);
      if (!*batch) return batches;
      batches.push_back(std::move(**batch));
    }
  }
  std::vector<std::uint32_t> counting(std::size_t n) {
    std::vector<std::uint32_t> order(n);
    for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
    return order;
  }
  const TempDir dir_;
  const MadeCrops made_{};
  const CropRecipe recipe_ = made_recipe(made_);
  const std::filesystem::path manifest_path_ = write_made_crops(dir_.path(), made_);
};

TEST_F(CropsTest, MethodsChooseTheFakesAndKeepEveryReal) {
  auto file = open_crop_file(manifest_path_);
  ASSERT_TRUE(file) << file.error().message;
  int fakes = 0;
  for (ManifestEntry& entry : file->manifest.entries)
    if (entry.label == 1) entry.method = fakes++ % 3 == 0 ? "rare" : "usual";
  ASSERT_TRUE(choose_methods(*file, {"rare"}));
  const auto crops = CropSet::open(*file, Role::train, recipe_, 1 << 20);
  ASSERT_TRUE(crops) << crops.error().message;
  std::map<std::string, int> count;
  for (const Sample& sample : (*crops)->samples()) ++count[sample.label == 1 ? sample.method : "real"];
  EXPECT_EQ(count, (std::map<std::string, int>{{"real", 12}, {"rare", 4}}));
  EXPECT_EQ((*crops)->samples()[1].path, "train1.bmp");
  const Status unknown = choose_methods(*file, {"rare", "Deepfake"});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("\"Deepfake\"; there are: rare, usual"), std::string::npos)
      << unknown.error().message;
}

// The resampler is part of the model: what training feeds the network must be, byte for byte, what the engine is fed.
TEST_F(CropsTest, TheLoaderFeedsWhatTheEngineIsFed) {
  const auto crops = open(Role::val);
  LoaderOptions plain = options();
  plain.augment = {};
  const auto loader = BatchLoader::start(*crops, counting(crops->samples().size()), plain);
  const std::vector<Batch> batches = all(*loader);
  ASSERT_FALSE(batches.empty());
  const std::size_t values = 3 * 32 * 32;
  for (const Batch& batch : batches)
    for (std::size_t i = 0; i < batch.samples.size(); ++i) {
      const auto picture = read_picture(crops->samples()[batch.samples[i]].file, {});
      ASSERT_TRUE(picture);
      std::vector<float> tensor(values);
      ASSERT_TRUE(crop_to_tensor(picture->view(), recipe_, 32, tensor));
      EXPECT_TRUE(
          std::equal(tensor.begin(), tensor.end(), batch.images.begin() + static_cast<std::ptrdiff_t>(i * values)));
    }
}

TEST_F(CropsTest, BatchesDoNotDependOnWorkersNorCache) {
  const auto cached = open(Role::train), uncached = open(Role::train, 0);
  LoaderOptions one = options(), four = options();
  four.workers = 4;
  const auto first = BatchLoader::start(*cached, counting(24), one);
  const auto second = BatchLoader::start(*uncached, counting(24), four);
  const std::vector<Batch> a = all(*first), b = all(*second);
  ASSERT_EQ(a.size(), 4U);  // 24 crops, the incomplete batch of 4 is dropped
  ASSERT_EQ(b.size(), 4U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].images, b[i].images);
    EXPECT_EQ(a[i].samples, b[i].samples);
  }
  LoaderOptions next_epoch = one;
  next_epoch.epoch = 1;
  const auto third = BatchLoader::start(*cached, counting(24), next_epoch);
  EXPECT_NE(all(*third)[0].images, a[0].images);
}

// Counts what is asked of it, and on which threads.
class CountedMemory : public std::pmr::memory_resource {
 public:
  std::size_t bytes() const { return bytes_; }
  std::size_t most_blocks() const { return most_blocks_; }
  std::size_t blocks() const { return blocks_; }
  bool only_others() const { return only_others_; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    const std::lock_guard lock(mutex_);
    bytes_ += bytes;
    most_blocks_ = std::max(most_blocks_, ++blocks_);
    only_others_ = only_others_ && std::this_thread::get_id() != owner_;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* at, std::size_t bytes, std::size_t alignment) override {
    const std::lock_guard lock(mutex_);
    --blocks_;
    std::pmr::new_delete_resource()->deallocate(at, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::mutex mutex_;
  std::size_t bytes_ = 0, blocks_ = 0, most_blocks_ = 0;
  bool only_others_ = true;
  const std::thread::id owner_ = std::this_thread::get_id();
};

// Pinned memory is slow to come by, so it is the workers that take it, ahead of the step: never more blocks than
// batches are made ahead, and the batches are what they are elsewhere.
TEST_F(CropsTest, WorkersMakeBatchesInTheMemoryTheyAreGiven) {
  const auto crops = open(Role::train);
  const auto plain = BatchLoader::start(*crops, counting(24), options());
  CountedMemory memory;
  LoaderOptions given = options();
  given.memory = &memory;
  {
    const auto loader = BatchLoader::start(*crops, counting(24), given);
    const std::size_t values = static_cast<std::size_t>(given.batch) * 3 * 32 * 32;
    for (const Batch& expected : all(*plain)) {
      const auto batch = loader->next();
      ASSERT_TRUE(batch && *batch);
      EXPECT_EQ((*batch)->images, expected.images);
    }
    EXPECT_EQ(memory.bytes(), 4 * values * sizeof(float));
  }
  EXPECT_TRUE(memory.only_others());
  EXPECT_LE(memory.most_blocks(), static_cast<std::size_t>(given.prefetch) + 1);
  EXPECT_EQ(memory.blocks(), 0U);
}

TEST_F(CropsTest, AnInterruptedEpochGoesOnWhereItStopped) {
  const auto crops = open(Role::train);
  const auto whole = BatchLoader::start(*crops, counting(24), options());
  const std::vector<Batch> all_batches = all(*whole);
  LoaderOptions rest = options();
  rest.first_batch = 2;
  const auto second = BatchLoader::start(*crops, counting(24), rest);
  const std::vector<Batch> last = all(*second);
  ASSERT_EQ(last.size(), 2U);
  EXPECT_EQ(last[0].images, all_batches[2].images);
  EXPECT_EQ(last[1].images, all_batches[3].images);
}

TEST_F(CropsTest, ABadCropIsAnErrorThatNamesIt) {
  write_bytes(dir_ / "crops/train7.bmp", "no picture");
  const auto crops = open(Role::train);
  const auto loader = BatchLoader::start(*crops, counting(24), options());
  ASSERT_TRUE(loader->next());
  const auto second = loader->next();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("train7.bmp"), std::string::npos);
  EXPECT_FALSE(*loader->next());  // the end
}

TEST_F(CropsTest, CropsOfAnotherRecipeAreRefused) {
  const auto manifest = read_manifest(manifest_path_);
  CropRecipe other = recipe_;
  other.scale = 1.4;
  const auto crops = CropSet::open(*manifest, manifest_path_, Role::train, other, 0);
  ASSERT_FALSE(crops);
  EXPECT_EQ(crops.error().code, ErrorCode::recipe_mismatch);
}

TEST_F(CropsTest, ACropOfAnotherSizeIsRefused) {
  write_bytes(dir_ / "crops/val0.bmp", bmp_bytes(40, 48, std::vector<std::uint8_t>(3 * 40 * 48)));
  const auto crop = open(Role::val)->crop(0);
  ASSERT_FALSE(crop);
  EXPECT_NE(crop.error().message.find("40x48"), std::string::npos);
}

std::vector<Sample> some_samples() {
  std::vector<Sample> samples;
  for (int i = 0; i < 30; ++i)
    samples.push_back({"", "", i < 10 ? 0 : 1, i < 10 ? "" : i < 12 ? "rare" : "common", ""});
  return samples;
}

TEST(Sampler, ShuffleShowsEachCropOnceAndEpochsDiffer) {
  const auto first = epoch_order(some_samples(), Sampling::shuffle, 0, 1, 0),
             second = epoch_order(some_samples(), Sampling::shuffle, 0, 1, 1);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(std::set<std::uint32_t>(first->begin(), first->end()).size(), 30U);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(*first, *epoch_order(some_samples(), Sampling::shuffle, 0, 1, 0));
  EXPECT_NE(*first, *epoch_order(some_samples(), Sampling::shuffle, 0, 2, 0));
}

TEST(Sampler, BalancedServesClassesAndMethodsEvenly) {
  const std::vector<Sample> samples = some_samples();
  const auto order = epoch_order(samples, Sampling::balanced, 40, 1, 0);
  ASSERT_TRUE(order);
  std::map<std::string, int> shown;
  std::map<std::uint32_t, int> times;
  for (const std::uint32_t i : *order) {
    ++shown[samples[i].label == 0 ? "real" : samples[i].method];
    ++times[i];
  }
  EXPECT_EQ(shown["real"], 20);
  EXPECT_EQ(shown["rare"], 10);
  EXPECT_EQ(shown["common"], 10);
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(times[i], 2) << "each real is shown twice before any a third time";
  EXPECT_EQ(times[10], 5);
  EXPECT_EQ(epoch_order(samples, Sampling::balanced, 0, 1, 0)->size(), samples.size());
}

TEST(Sampler, BalancedNeedsBothClasses) {
  std::vector<Sample> samples = some_samples();
  std::erase_if(samples, [](const Sample& sample) { return sample.label == 0; });
  const auto order = epoch_order(samples, Sampling::balanced, 0, 1, 0);
  ASSERT_FALSE(order);
  EXPECT_NE(order.error().message.find("no real"), std::string::npos);
}

}  // namespace
}  // namespace dfa::test
