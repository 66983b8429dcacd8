#include "train/data/epoch_plan.hpp"

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"
#include "train/data/deck.hpp"
#include "train/data/pairing.hpp"
#include "train/data/sampler.hpp"

namespace dfa::train {

namespace {

Result<std::vector<std::uint32_t>> ordinary_order(const std::vector<Sample>& samples, const PlanOptions& options,
                                                  std::size_t batch, std::size_t count) {
  if (options.sampling == Sampling::paired)
    return paired_order(samples, batch, RngStream(options.seed, "sampler").child(options.epoch));
  return epoch_order(samples, options.sampling, count, options.seed, options.epoch);
}

struct BatchShape {
  std::size_t pairs = 0;
  std::size_t crops = 0;
};

Result<BatchShape> batch_shape(const PlanOptions& options) {
  BatchShape shape;
  const double half = options.self_blend * static_cast<double>(options.batch) / 2;
  shape.pairs = std::min(static_cast<std::size_t>(std::lround(half)), options.batch / 2);
  shape.crops = options.batch - 2 * shape.pairs;
  if (shape.pairs == 0)
    return fail(ErrorCode::usage, "data.self_blend {} of a batch of {} is less than one pair", options.self_blend,
                options.batch);
  if (options.self_blend == 1 && shape.crops > 0)
    return fail(ErrorCode::usage, "data.self_blend is 1, but a batch of {} does not hold whole pairs", options.batch);
  return shape;
}

std::size_t batches_of(const std::vector<Sample>& samples, std::span<const std::uint32_t> blendable,
                       const PlanOptions& options) {
  const std::size_t all = options.self_blend == 1 ? 2 * blendable.size() : samples.size();
  return (options.samples_per_epoch > 0 ? options.samples_per_epoch : all) / options.batch;
}

Result<std::vector<Slot>> plan_with_pairs(const std::vector<Sample>& samples, std::span<const std::uint32_t> blendable,
                                          const PlanOptions& options) {
  if (blendable.empty()) return fail(ErrorCode::usage, "data.self_blend has no real crop to blend");
  DFA_ASSIGN_OR_RETURN(const BatchShape shape, batch_shape(options));
  std::size_t batches = batches_of(samples, blendable, options);
  std::vector<std::uint32_t> crops;
  if (shape.crops > 0 && batches > 0) {
    DFA_ASSIGN_OR_RETURN(crops, ordinary_order(samples, options, shape.crops, batches * shape.crops));
    batches = std::min(batches, crops.size() / shape.crops);
  }
  Deck reals({blendable.begin(), blendable.end()}, RngStream(options.seed, "self-blend crops").child(options.epoch));
  std::vector<Slot> slots;
  slots.reserve(batches * options.batch);
  for (std::size_t b = 0; b < batches; ++b) {
    for (std::size_t i = 0; i < shape.pairs; ++i) {
      const std::uint32_t sample = reals.next();
      const std::uint64_t stream = slots.size();
      slots.push_back({sample, SlotKind::blended_real, stream});
      slots.push_back({sample, SlotKind::blended_fake, stream});
    }
    for (std::size_t i = 0; i < shape.crops; ++i)
      slots.push_back({crops[b * shape.crops + i], SlotKind::crop, slots.size()});
  }
  return slots;
}

}  // namespace

std::vector<Slot> crop_slots(const std::vector<std::uint32_t>& order) {
  std::vector<Slot> slots;
  slots.reserve(order.size());
  for (const std::uint32_t sample : order) slots.push_back({sample, SlotKind::crop, slots.size()});
  return slots;
}

Result<std::vector<Slot>> plan_epoch(const std::vector<Sample>& samples, std::span<const std::uint32_t> blendable,
                                     const PlanOptions& options) {
  if (options.self_blend > 0) return plan_with_pairs(samples, blendable, options);
  DFA_ASSIGN_OR_RETURN(const std::vector<std::uint32_t> order,
                       ordinary_order(samples, options, options.batch, options.samples_per_epoch));
  return crop_slots(order);
}

}  // namespace dfa::train
