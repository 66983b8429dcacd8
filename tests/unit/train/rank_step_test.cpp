// A step on several ranks, or in several parts, against the same step at once.
#include <cmath>

#include "nn/network.hpp"
#include "support/close.hpp"
#include "train/devices/gradient_pool.hpp"
#include "train/devices/statistics.hpp"
#include "train/optim/optimizer.hpp"
#include "unit/train/rank_threads.hpp"
#include "unit/train/small_network.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;

constexpr std::chrono::seconds kPatient{60};
constexpr int kBatch = 8;

Batch crops_of(const NetworkConfig& config, int begin, int end) {
  const std::vector<float> images = hash_images(config, kBatch);
  const std::vector<std::int64_t> labels = alternating_labels(kBatch);
  const std::size_t values = images.size() / kBatch;
  Batch batch;
  batch.images.assign(images.begin() + static_cast<std::ptrdiff_t>(values * static_cast<std::size_t>(begin)),
                      images.begin() + static_cast<std::ptrdiff_t>(values * static_cast<std::size_t>(end)));
  batch.labels.assign(labels.begin() + begin, labels.begin() + end);
  return batch;
}

struct Step {
  double loss = 0;
  TensorMap gradients, tensors;
};

// The step of one rank that takes `parts`. Throws where there is none.
Step step_of(RankGroup& group, TrainNetwork& network, const std::vector<Batch>& parts, Compute compute) {
  const auto pool = GradientPool::create(network, group);
  const auto values = pool->loss_and_gradients(parts, {.label_smoothing = 0.1, .compute = compute});
  if (!values) throw std::runtime_error(values.error().message);
  return {values->loss, network.gradients(), network.tensors()};
}

Step step_alone(const NetworkConfig& config, const TensorMap& weights, const std::vector<Batch>& parts,
                Compute compute) {
  const auto group = RankGroup::join({}, kPatient);
  const auto network = make_train_network(config, weights, all_groups());
  share_statistics(*network, **group, HeadStatistics::whole);
  return step_of(**group, *network, parts, compute);
}

// The batch on `ranks` ranks; every rank must come to the same.
Step step_on_ranks(const NetworkConfig& config, const TensorMap& weights, int ranks, HeadStatistics head,
                   Compute compute) {
  std::vector<Step> steps(static_cast<std::size_t>(ranks));
  as_ranks(ranks, kPatient, [&](RankGroup& group) {
    const auto network = make_train_network(config, weights, all_groups());
    share_statistics(*network, group, head);
    const int size = kBatch / ranks, begin = group.rank() * size;
    Step& step = steps[static_cast<std::size_t>(group.rank())];
    step = step_of(group, *network, {crops_of(config, begin, begin + size)}, compute);
    if (head == HeadStatistics::rank) {
      ASSERT_TRUE(broadcast_head_statistics(*network, group));
    }
    step.tensors = network->tensors();
  });
  for (const Step& step : steps) {
    EXPECT_EQ(step.loss, steps[0].loss);
    for (const auto& [name, gradient] : steps[0].gradients)
      EXPECT_TRUE(std::ranges::equal(gradient.bytes, step.gradients.at(name).bytes)) << name;
    for (const auto& [name, tensor] : steps[0].tensors)
      EXPECT_TRUE(std::ranges::equal(tensor.bytes, step.tensors.at(name).bytes)) << name;
  }
  return steps[0];
}

constexpr double kCancelled = 1e-3;

void expect_equal_steps(const Step& got, const Step& expected, double tolerance) {
  EXPECT_NEAR(got.loss, expected.loss, tolerance);
  ASSERT_EQ(got.gradients.size(), expected.gradients.size());
  // Where the ranks' gradients cancel in the sum (norm.weight before the head's norm, which takes any scale away) the
  // f32 rounding of the parts stays: a tensor's difference is measured against its own norm or a thousandth of the
  // largest.
  double largest = 0;
  for (const auto& [name, gradient] : expected.gradients) largest = std::max(largest, norm_of(gradient));
  double worst = 0;
  std::string where;
  for (const auto& [name, gradient] : expected.gradients) {
    const double floor = kCancelled * largest / (norm_of(gradient) + 1e-30);
    const double off = relative_difference(got.gradients.at(name), gradient) / std::max(1.0, floor);
    if (off > worst) worst = off, where = fmt::format("{} (norm {:.2e} of {:.2e})", name, norm_of(gradient), largest);
  }
  EXPECT_LE(worst, tolerance) << where;
  for (const auto& [name, tensor] : expected.tensors)
    EXPECT_LE(relative_difference(got.tensors.at(name), tensor), tolerance) << name;
  std::printf("largest difference of a gradient: %.2e, %s\n", worst, where.c_str());
}

// f64 inside; gradients are averaged and kept in f32, so a few units in the last place (2^-24 = 6e-8) remain.
constexpr double kWideTolerance = 1e-6;

TEST(RankStep, SeveralRanksGiveTheGradientsOfOne) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const Step whole = step_alone(config, weights, {crops_of(config, 0, kBatch)}, Compute::f64);
  for (const int ranks : {2, 4})
    expect_equal_steps(step_on_ranks(config, weights, ranks, HeadStatistics::whole, Compute::f64), whole,
                       kWideTolerance);
}

// A head whose statistics are each rank's own is another network in training: the published one.
TEST(RankStep, TheHeadsStatisticsMayBeEachRanksOwn) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const Step whole = step_on_ranks(config, weights, 2, HeadStatistics::whole, Compute::f64);
  const Step own = step_on_ranks(config, weights, 2, HeadStatistics::rank, Compute::f64);
  EXPECT_GT(std::abs(own.loss - whole.loss), 1e-4);
  EXPECT_GT(relative_difference(own.tensors.at("head.0.running_mean"), whole.tensors.at("head.0.running_mean")), 1e-4);
  EXPECT_LE(relative_difference(own.tensors.at("spm.stem.1.running_var"), whole.tensors.at("spm.stem.1.running_var")),
            1e-6);
}

// Central differences of the two ranks' mean loss, through their common statistics.
TEST(RankStep, GradientsOfSharedNormsAreThoseOfTheLoss) {
  constexpr double kStep = 1e-5;
  // The third derivative times kStep^2 / 6, and f32 gradients: measured below 2e-5 of the largest.
  constexpr double kTolerance = 2e-4;
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const Step at = step_on_ranks(config, weights, 2, HeadStatistics::whole, Compute::f64);
  for (const char* name :
       {"spm.stem.0.weight", "spm.stem.1.weight", "spm.conv3.1.bias", "spm.conv4.0.weight", "spm.conv4.1.weight"}) {
    const std::vector<float> values = *weights.at(name).to_f32(), gradient = *at.gradients.at(name).to_f32();
    const auto largest =
        std::max_element(gradient.begin(), gradient.end(), [](float a, float b) { return std::abs(a) < std::abs(b); });
    const std::size_t place = static_cast<std::size_t>(largest - gradient.begin());
    double losses[2] = {};
    double moved[2] = {};
    for (const int side : {0, 1}) {
      std::vector<float> shifted = values;
      shifted[place] += static_cast<float>(side == 0 ? -kStep : kStep);
      moved[side] = shifted[place];
      TensorMap there = weights;
      there[name] = Tensor::from_f32(weights.at(name).shape, shifted);
      losses[side] = step_on_ranks(config, there, 2, HeadStatistics::whole, Compute::f64).loss;
    }
    const double numeric = (losses[1] - losses[0]) / (moved[1] - moved[0]);
    EXPECT_NEAR(numeric / static_cast<double>(*largest), 1.0, kTolerance) << name;
  }
}

// The same crops in both parts, with other labels: the statistics of a part are those of the whole then, and the sum
// over parts is exact in real arithmetic.
TEST(RankStep, PartsAddUpToTheBatch) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  Batch first = crops_of(config, 0, kBatch / 2), second = first;
  for (std::int64_t& label : second.labels) label = 1;
  Batch whole = first;
  whole.images.insert(whole.images.end(), second.images.begin(), second.images.end());
  whole.labels.insert(whole.labels.end(), second.labels.begin(), second.labels.end());
  Step parts = step_alone(config, weights, {first, second}, Compute::f64);
  Step at_once = step_alone(config, weights, {whole}, Compute::f64);
  parts.tensors.clear();  // the running statistics were updated twice
  at_once.tensors.clear();
  expect_equal_steps(parts, at_once, kWideTolerance);
}

TEST(RankStep, OneProcessTakesThePlainWay) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const Batch batch = crops_of(config, 0, kBatch);
  const Step step = step_alone(config, weights, {batch}, Compute::f32);
  const auto plain = make_train_network(config, weights, all_groups());
  const auto values = plain->loss_and_gradients(batch.images, batch.labels, {.label_smoothing = 0.1});
  ASSERT_TRUE(values);
  EXPECT_EQ(values->loss, step.loss);
  for (const auto& [name, gradient] : plain->gradients())
    EXPECT_TRUE(std::ranges::equal(gradient.bytes, step.gradients.at(name).bytes)) << name;
}

// Gradients, weights and the point uphill are f32, a few units in the last place (2^-24 = 6e-8): measured 1.1e-7.
constexpr double kSharpTolerance = 2e-6;

// The whole step, uphill and back: |g| and g of the perturbation are those of all ranks, so every rank climbs to the
// same point, and the second gradient is averaged there.
struct SharpStep {
  double norm = 0;
  TensorMap tensors;
};

SharpStep sharp_step(RankGroup& group, const NetworkConfig& config, const TensorMap& weights, const Batch& batch) {
  constexpr double kRho = 0.05, kRate = 0.05;
  const auto network = make_train_network(config, weights, all_groups());
  share_statistics(*network, group, HeadStatistics::whole);
  const auto pool = GradientPool::create(*network, group);
  const std::vector<Batch> parts = {batch};
  const auto gradients = [&](Statistics statistics) -> Status {
    const auto values = pool->loss_and_gradients(parts, {.compute = Compute::f64, .statistics = statistics});
    return values ? Status{} : tl::unexpected<Error>(values.error());
  };
  const auto optimizer = Optimizer::create(*network, {.momentum = 0.9, .weight_decay = 0.01, .sam_rho = kRho});
  if (const Status first = gradients(Statistics::update); !first) throw std::runtime_error(first.error().message);
  const auto norm = (*optimizer)->step(kRate, [&] { return gradients(Statistics::keep); });
  if (!norm) throw std::runtime_error(norm.error().message);
  return {*norm, network->tensors()};
}

TEST(RankStep, SharpnessIsThatOfTheWholeBatch) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const SharpStep whole = sharp_step(*RankGroup::alone(), config, weights, crops_of(config, 0, kBatch));
  std::vector<SharpStep> ranks(2);
  as_ranks(2, kPatient, [&](RankGroup& group) {
    const int begin = group.rank() * kBatch / 2;
    ranks[static_cast<std::size_t>(group.rank())] =
        sharp_step(group, config, weights, crops_of(config, begin, begin + kBatch / 2));
  });
  EXPECT_EQ(ranks[0].norm, ranks[1].norm);
  EXPECT_NEAR(ranks[0].norm, whole.norm, kSharpTolerance * whole.norm);
  double way = 0, apart = 0;
  for (const auto& [name, tensor] : whole.tensors) {
    EXPECT_TRUE(std::ranges::equal(ranks[0].tensors.at(name).bytes, ranks[1].tensors.at(name).bytes)) << name;
    if (tensor.dtype == Dtype::i64) continue;
    way += std::pow(relative_difference(weights.at(name), tensor) * norm_of(tensor), 2);
    apart += std::pow(relative_difference(ranks[0].tensors.at(name), tensor) * norm_of(tensor), 2);
  }
  std::printf("two ranks and one: %.2e of the step of %.2e\n", std::sqrt(apart / way), std::sqrt(way));
  EXPECT_LE(std::sqrt(apart / way), kSharpTolerance);
}

// A group whose "devices" are processors: what would go between GPUs is counted, and goes where everything goes here.
class OnDevice : public RankGroup {
 public:
  explicit OnDevice(RankGroup& host) : host_(host) {}
  int rank() const override { return host_.rank(); }
  int size() const override { return host_.size(); }
  Status sum(std::span<float> values) override { return host_.sum(values); }
  Status sum(std::span<double> values) override { return host_.sum(values); }
  Status broadcast(std::span<float> values) override { return host_.broadcast(values); }
  Result<std::vector<std::string>> gather(std::string_view bytes) override { return host_.gather(bytes); }
  Error leave(Error error) override { return host_.leave(std::move(error)); }
  bool meets_on_device() const override { return true; }
  Status sum_on_device(std::span<float> values) override { return ++gradients, host_.sum(values); }
  Status sum_on_device(std::span<double> values) override { return ++statistics, host_.sum(values); }
  int gradients = 0, statistics = 0;

 private:
  RankGroup& host_;
};

TEST(RankStep, GradientsAndStatisticsMeetOnDevicesWhereRanksDo) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const Step host = step_on_ranks(config, weights, 2, HeadStatistics::whole, Compute::f32);
  as_ranks(2, kPatient, [&](RankGroup& group) {
    OnDevice devices(group);
    const auto network = make_train_network(config, weights, all_groups());
    share_statistics(*network, devices, HeadStatistics::whole);
    const int begin = group.rank() * kBatch / 2;
    const Step step = step_of(devices, *network, {crops_of(config, begin, begin + kBatch / 2)}, Compute::f32);
    EXPECT_EQ(devices.gradients, 1);
    EXPECT_GT(devices.statistics, 2);  // forward and backward of every batch norm
    for (const auto& [name, gradient] : host.gradients)
      EXPECT_TRUE(std::ranges::equal(gradient.bytes, step.gradients.at(name).bytes)) << name;
  });
}

// What one rank's gradients hold every rank sees in their sum: all leave the step out.
TEST(RankStep, RanksSkipAStepTogether) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  as_ranks(2, kPatient, [&](RankGroup& group) {
    const auto network = make_train_network(config, weights, all_groups());
    share_statistics(*network, group, HeadStatistics::whole);
    const auto pool = GradientPool::create(*network, group);
    const auto optimizer = Optimizer::create(*network, {});
    const int begin = group.rank() * kBatch / 2;
    const std::vector<Batch> parts = {crops_of(config, begin, begin + kBatch / 2)};
    const double too_great = 1e39, fitting = 1024;
    ASSERT_TRUE(pool->loss_and_gradients(parts, {.scale = group.rank() == 1 ? too_great : fitting}));
    const auto norm = (*optimizer)->step(0.1, {}, NotFinite::skip);
    ASSERT_TRUE(norm);
    EXPECT_FALSE(std::isfinite(*norm)) << "rank " << group.rank();
    for (const std::string& name : network->trained_names())
      EXPECT_TRUE(std::ranges::equal(network->tensors().at(name).bytes, weights.at(name).bytes)) << name;
  });
}

// bf16 maps go through the shared norm too.
TEST(RankStep, NarrowMapsAreShared) {
  const NetworkConfig config = small_config();
  const TensorMap weights = hash_weights(config);
  const Step narrow = step_on_ranks(config, weights, 2, HeadStatistics::whole, Compute::bf16);
  const Step wide = step_on_ranks(config, weights, 2, HeadStatistics::whole, Compute::f32);
  // bf16 keeps 8 bits; a dozen layers deep that is a few hundredths.
  EXPECT_NEAR(narrow.loss, wide.loss, 0.05);
  EXPECT_LE(relative_difference(narrow.gradients.at("spm.conv4.1.weight"), wide.gradients.at("spm.conv4.1.weight")),
            0.2);
}

}  // namespace
}  // namespace dfa::test
