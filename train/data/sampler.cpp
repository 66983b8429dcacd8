#include "train/data/sampler.hpp"

#include <map>
#include <numeric>

#include "base/rng.hpp"
#include "train/data/deck.hpp"

namespace dfa::train {

namespace {

Result<std::vector<std::uint32_t>> balanced_order(const std::vector<Sample>& samples, std::size_t count,
                                                  const RngStream& epoch_stream) {
  std::vector<std::uint32_t> reals;
  std::map<std::string, std::vector<std::uint32_t>> fakes;  // by method, ordered
  for (std::uint32_t i = 0; i < samples.size(); ++i)
    (samples[i].label == 1 ? fakes[samples[i].method] : reals).push_back(i);
  if (reals.empty() || fakes.empty())
    return fail(ErrorCode::usage, "data.sampling is balanced, but role train has no {} crop",
                reals.empty() ? "real" : "fake");

  Deck real_deck(std::move(reals), epoch_stream.child(0));
  std::vector<Deck> fake_decks;
  for (auto& [method, indices] : fakes)
    fake_decks.emplace_back(std::move(indices), epoch_stream.child(1 + fake_decks.size()));
  RngStream turn_stream = epoch_stream.child(1 + fake_decks.size());
  const std::size_t first_method =
      turn_stream.below(fake_decks.size());  // the method that is served once more changes by epoch

  std::vector<std::uint32_t> order;
  for (std::size_t i = 0; i < count; ++i)
    order.push_back(i % 2 == 0 ? real_deck.next() : fake_decks[(first_method + i / 2) % fake_decks.size()].next());
  return order;
}

}  // namespace

Result<std::vector<std::uint32_t>> epoch_order(const std::vector<Sample>& samples, Sampling sampling, std::size_t count,
                                               std::uint64_t seed, std::uint64_t epoch) {
  RngStream stream = RngStream(seed, "sampler").child(epoch);
  if (sampling == Sampling::paired)
    return fail(ErrorCode::internal, "paired sampling needs the batch size: plan_epoch() orders it");
  if (sampling == Sampling::balanced) return balanced_order(samples, count == 0 ? samples.size() : count, stream);
  std::vector<std::uint32_t> order(samples.size());
  std::iota(order.begin(), order.end(), 0U);
  stream.shuffle(std::span(order));
  return order;
}

}  // namespace dfa::train
