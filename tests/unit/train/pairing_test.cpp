// Paired sampling and the plan of an epoch, on made samples.
#include "train/data/pairing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "train/data/epoch_plan.hpp"

namespace dfa::test {
namespace {

using namespace dfa::train;
using testing::ElementsAre;
using testing::HasSubstr;

Sample real(const std::string& video, std::int64_t frame) {
  Sample sample;
  sample.path = video + std::to_string(frame);
  sample.video = video;
  sample.frame = frame;
  return sample;
}

Sample fake(const std::string& method, const std::string& source, std::int64_t frame) {
  Sample sample = real(method + source, frame);
  sample.label = 1;
  sample.method = method;
  sample.source = source;
  return sample;
}

// `frames` frames of two videos, each with `methods` fakes; at the end a real and two fakes without a partner.
std::vector<Sample> made_samples(int frames, int methods) {
  std::vector<Sample> samples;
  for (const std::string video : {"a", "b"})
    for (int frame = 0; frame < frames; ++frame) {
      samples.push_back(real(video, frame));
      for (int m = 0; m < methods; ++m) samples.push_back(fake("m" + std::to_string(m), video, frame));
    }
  samples.push_back(real("lonely", 0));
  samples.push_back(fake("m0", "gone", 0));
  samples.push_back(fake("m0", "a", 99));
  return samples;
}

TEST(Pairing, FindsTheFakesOfAFrameAndCountsTheOthers) {
  const std::vector<Sample> samples = made_samples(2, 2);
  const Pairing pairing = find_pairs(samples);
  ASSERT_EQ(pairing.groups.size(), 4U);
  EXPECT_EQ(pairing.groups[1].real, 3U);
  EXPECT_THAT(pairing.groups[1].fakes, ElementsAre(4, 5));
  EXPECT_THAT(pairing.unpaired, ElementsAre(12, 13, 14));
  EXPECT_EQ(pairing.unpaired_fakes, 2U);
}

TEST(Pairing, AStillIsNamedByItsPathAndFramesMustBeEqual) {
  std::vector<Sample> samples = {real("x", 3), fake("m", "x", 4), fake("m", "x3", 7)};
  const Pairing pairing = find_pairs(samples);
  ASSERT_EQ(pairing.groups.size(), 1U);
  EXPECT_THAT(pairing.groups[0].fakes, ElementsAre(2));
  samples[2].source.clear();
  EXPECT_TRUE(find_pairs(samples).groups.empty());
  EXPECT_THAT(paired_order(samples, 4, RngStream(1, "t")).error().message, HasSubstr("no fake of role train belongs"));
}

// The rule of pairing.hpp, for batches that groups fill, do not fill, and overfill.
TEST(Pairing, EveryPairedFakeIsWithItsReal) {
  const std::vector<Sample> samples = made_samples(5, 3);
  const Pairing pairing = find_pairs(samples);
  std::map<std::uint32_t, std::uint32_t> real_of;
  for (const PairGroup& group : pairing.groups)
    for (const std::uint32_t f : group.fakes) real_of[f] = group.real;
  for (const std::size_t batch : {2U, 3U, 4U, 7U, 16U}) {
    const auto order = paired_order(samples, batch, RngStream(1, "t").child(batch));
    ASSERT_TRUE(order);
    std::map<std::uint32_t, int> shown;
    for (std::size_t begin = 0; begin < order->size(); begin += batch) {
      const std::size_t end = std::min(order->size(), begin + batch);
      const std::set<std::uint32_t> held(order->begin() + static_cast<std::ptrdiff_t>(begin),
                                         order->begin() + static_cast<std::ptrdiff_t>(end));
      for (const std::uint32_t i : held)
        if (real_of.contains(i)) {
          EXPECT_TRUE(held.contains(real_of[i])) << "batch of " << batch;
        }
    }
    for (const std::uint32_t i : *order) ++shown[i];
    EXPECT_EQ(shown.size(), samples.size()) << batch;
    for (const auto& [i, times] : shown)
      if (samples[i].label == 1) {
        EXPECT_EQ(times, 1);
      }
  }
}

PlanOptions plan_options(std::size_t batch, double self_blend, Sampling sampling = Sampling::shuffle) {
  PlanOptions options;
  options.batch = batch;
  options.self_blend = self_blend;
  options.sampling = sampling;
  options.seed = 5;
  return options;
}

std::size_t count(const std::vector<Slot>& slots, SlotKind kind) {
  return static_cast<std::size_t>(
      std::count_if(slots.begin(), slots.end(), [kind](const Slot& slot) { return slot.kind == kind; }));
}

TEST(EpochPlan, WithoutPairsItIsTheOrder) {
  const std::vector<Sample> samples = made_samples(4, 2);
  const auto slots = plan_epoch(samples, {}, plan_options(4, 0));
  ASSERT_TRUE(slots);
  EXPECT_EQ(slots->size(), samples.size());
  std::set<std::uint32_t> shown;
  for (std::size_t i = 0; i < slots->size(); ++i) {
    EXPECT_EQ((*slots)[i].stream, i);
    shown.insert((*slots)[i].sample);
  }
  EXPECT_EQ(shown.size(), samples.size());
  PlanOptions next = plan_options(4, 0);
  next.epoch = 1;
  EXPECT_NE(*plan_epoch(samples, {}, next), *slots);
  EXPECT_EQ(*plan_epoch(samples, {}, plan_options(4, 0)), *slots);
}

TEST(EpochPlan, AShareOfEachBatchIsPairs) {
  const std::vector<Sample> samples = made_samples(10, 3);
  const std::vector<std::uint32_t> blendable = {0, 4, 8};
  for (const Sampling sampling : {Sampling::shuffle, Sampling::balanced, Sampling::paired}) {
    const auto slots = plan_epoch(samples, blendable, plan_options(8, 0.5, sampling));
    ASSERT_TRUE(slots);
    ASSERT_EQ(slots->size() % 8, 0U);
    EXPECT_GE(slots->size() / 8, samples.size() / 8 - 1);
    for (std::size_t begin = 0; begin < slots->size(); begin += 8) {
      const std::vector<Slot> batch(slots->begin() + static_cast<std::ptrdiff_t>(begin),
                                    slots->begin() + static_cast<std::ptrdiff_t>(begin + 8));
      EXPECT_EQ(count(batch, SlotKind::blended_real), 2U);
      EXPECT_EQ(count(batch, SlotKind::blended_fake), 2U);
      for (std::size_t i = 0; i < 4; i += 2) {
        EXPECT_EQ(batch[i].sample, batch[i + 1].sample);
        EXPECT_EQ(batch[i].stream, batch[i + 1].stream);
        EXPECT_TRUE(std::ranges::find(blendable, batch[i].sample) != blendable.end());
      }
    }
    std::set<std::pair<SlotKind, std::uint64_t>> streams;
    for (const Slot& slot : *slots) streams.emplace(slot.kind, slot.stream);
    EXPECT_EQ(streams.size(), slots->size());
  }
}

TEST(EpochPlan, OnlyPairsShowEachRealOnce) {
  const std::vector<Sample> samples = made_samples(4, 2);
  const std::vector<std::uint32_t> blendable = {0, 3, 6, 9, 12, 15};
  const auto slots = plan_epoch(samples, blendable, plan_options(4, 1));
  ASSERT_TRUE(slots);
  EXPECT_EQ(slots->size(), 12U);
  EXPECT_EQ(count(*slots, SlotKind::crop), 0U);
  std::set<std::uint32_t> shown;
  for (const Slot& slot : *slots) shown.insert(slot.sample);
  EXPECT_EQ(shown.size(), 6U);
  PlanOptions longer = plan_options(4, 1);
  longer.samples_per_epoch = 40;
  EXPECT_EQ(plan_epoch(samples, blendable, longer)->size(), 40U);
}

TEST(EpochPlan, RefusesWhatHoldsNoPair) {
  const std::vector<Sample> samples = made_samples(4, 2);
  const std::vector<std::uint32_t> blendable = {0};
  EXPECT_THAT(plan_epoch(samples, blendable, plan_options(8, 0.01)).error().message, HasSubstr("less than one pair"));
  EXPECT_THAT(plan_epoch(samples, blendable, plan_options(5, 1)).error().message, HasSubstr("whole pairs"));
  EXPECT_THAT(plan_epoch(samples, {}, plan_options(8, 0.5)).error().message, HasSubstr("no real crop"));
  EXPECT_THAT(plan_epoch(samples, blendable, plan_options(5, 0.8, Sampling::paired)).error().message,
              HasSubstr("room for 1 crop"));
}

}  // namespace
}  // namespace dfa::test
