#include "eval/bootstrap.hpp"

#include <algorithm>
#include <unordered_map>

#include "base/cancel.hpp"
#include "base/parallel_for.hpp"
#include "base/rng.hpp"

namespace dfa {
namespace {

// Resamples that go through the items together: one cache line of the items' groups serves them all, and 32 counts of a
// byte are two vector registers.
constexpr std::size_t kLanes = 32;
constexpr std::size_t kMostDrawn = 255;  // times one group in one resample; more is less likely than 1e-500

// The items as a resample needs them: group and class in falling order of score.
struct Walk {
  std::vector<std::uint32_t> group_and_class;         // group * 2 + (1 = fake), by place in the order
  std::span<const std::uint32_t> begins;              // of the cells
  std::array<std::vector<std::uint32_t>, 2> members;  // groups of each class
  std::size_t groups = 0;
};

// How often each group counts in each of kLanes samples: (groups, kLanes) bytes.
using Multiplicities = std::vector<std::uint8_t>;

Walk make_walk(const GroupedItems& items, std::span<const std::uint32_t> order, const CelledSample& sample) {
  std::unordered_map<std::uint32_t, std::uint32_t> numbers;
  std::vector<std::uint32_t> group_of(items.groups.size());
  Walk walk;
  for (std::size_t i = 0; i < items.groups.size(); ++i) {
    const auto [found, fresh] = numbers.emplace(items.groups[i], static_cast<std::uint32_t>(numbers.size()));
    if (fresh) walk.members[items.labels[i] == 1 ? 1 : 0].push_back(found->second);
    group_of[i] = found->second;
  }
  walk.groups = numbers.size();
  walk.begins = sample.begins;
  walk.group_and_class.reserve(order.size());
  for (const std::uint32_t item : order)
    walk.group_and_class.push_back(group_of[item] * 2 + (items.labels[item] == 1 ? 1 : 0));
  return walk;
}

// Counts by class and cell of kLanes samples, and the metrics on them.
class LaneCounter {
 public:
  LaneCounter(const Walk& walk, const Cells& cells) : walk_(walk), cells_(cells) {
    for (auto& one : counts_) one.resize(cells.size() * kLanes);
    for (auto& one : lane_) one.resize(cells.size());
  }

  void measure(const Multiplicities& times, std::span<MetricArray> out) {
    count(times);
    for (std::size_t lane = 0; lane < out.size(); ++lane) {
      for (std::size_t k = 0; k < 2; ++k)
        for (std::size_t c = 0; c < cells_.size(); ++c) lane_[k][c] = counts_[k][c * kLanes + lane];
      out[lane] = measure_cells(cells_, lane_[0], lane_[1]);
    }
  }

 private:
  void count(const Multiplicities& times) {
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      std::array<std::array<std::uint32_t, kLanes>, 2> sum{};
      for (std::uint32_t i = walk_.begins[c]; i < walk_.begins[c + 1]; ++i) {
        const std::uint32_t item = walk_.group_and_class[i];
        const std::uint8_t* drawn = times.data() + std::size_t{item >> 1} * kLanes;
        auto& sums = sum[item & 1];
        for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += drawn[lane];
      }
      for (std::size_t k = 0; k < 2; ++k)
        std::copy(sum[k].begin(), sum[k].end(), counts_[k].begin() + static_cast<std::ptrdiff_t>(c * kLanes));
    }
  }

  const Walk& walk_;
  const Cells& cells_;
  std::array<std::vector<std::uint32_t>, 2> counts_;  // (cells, kLanes)
  std::array<std::vector<std::uint32_t>, 2> lane_;    // (cells) of one sample
};

MetricArray exact_point(const GroupedItems& items, std::span<const std::uint32_t> order, double threshold) {
  const CelledSample exact = make_cells(items.p_fake, items.labels, order, threshold, 0);
  const auto counts = count_by_class(exact, items.labels, order);
  return measure_cells(exact.cells, counts[0], counts[1]);
}

void draw(Multiplicities& times, std::size_t lane, const std::vector<std::uint32_t>& members, RngStream stream) {
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::uint8_t& drawn = times[members[stream.below(members.size())] * kLanes + lane];
    if (drawn < kMostDrawn) ++drawn;
  }
}

// Runs work(counter, first, count) over `count` samples in blocks of kLanes.
template <class Prepare>
std::vector<MetricArray> measure_samples(const Walk& walk, const Cells& cells, std::size_t count, int threads,
                                         Prepare prepare) {
  std::vector<MetricArray> out(count);
  const std::size_t blocks = (count + kLanes - 1) / kLanes;
  const auto workers = static_cast<std::size_t>(std::max(threads, 1));
  std::vector<std::unique_ptr<LaneCounter>> counters(workers);
  std::vector<Multiplicities> times(workers);
  parallel_for(blocks, threads, CancelFlag{}, [&](std::size_t worker, std::size_t block) {
    if (!counters[worker]) counters[worker] = std::make_unique<LaneCounter>(walk, cells);
    const std::size_t first = block * kLanes, here = std::min(kLanes, count - first);
    times[worker].assign(walk.groups * kLanes, 0);
    for (std::size_t lane = 0; lane < here; ++lane) prepare(times[worker], lane, first + lane);
    counters[worker]->measure(times[worker], std::span(out).subspan(first, here));
  });
  return out;
}

}  // namespace

Replicates bootstrap(const GroupedItems& items, double threshold, const BootstrapOptions& options,
                     std::size_t most_cells) {
  const std::vector<std::uint32_t> order = falling_order(items.p_fake);
  const CelledSample sample = make_cells(items.p_fake, items.labels, order, threshold, most_cells);
  const Walk walk = make_walk(items, order, sample);
  Replicates replicates;
  const auto once = [&](Multiplicities& times, std::size_t lane, std::size_t) {
    for (std::size_t group = 0; group < walk.groups; ++group) times[group * kLanes + lane] = 1;
  };
  replicates.cell_point = measure_samples(walk, sample.cells, 1, 1, once).front();
  replicates.point = sample.coarse ? exact_point(items, order, threshold) : replicates.cell_point;
  for (std::size_t k = 0; k < 2; ++k) {
    const auto& members = walk.members[k];
    const std::size_t parts = std::min(members.size(), kJackknifeParts);
    replicates.groups[k] = members.size();
    replicates.left_out[k] = measure_samples(walk, sample.cells, parts, options.threads,
                                             [&](Multiplicities& times, std::size_t lane, std::size_t part) {
                                               once(times, lane, part);
                                               for (std::size_t i = part; i < members.size(); i += parts)
                                                 times[members[i] * kLanes + lane] = 0;
                                             });
  }
  const RngStream root(options.seed, "bootstrap");
  const std::array<RngStream, 2> of_class = {root.child(fnv1a32(items.streams[0])),
                                             root.child(fnv1a32(items.streams[1]))};
  replicates.rounds = measure_samples(walk, sample.cells, static_cast<std::size_t>(options.rounds), options.threads,
                                      [&](Multiplicities& times, std::size_t lane, std::size_t round) {
                                        for (std::size_t k = 0; k < 2; ++k)
                                          draw(times, lane, walk.members[k], of_class[k].child(round));
                                      });
  return replicates;
}

}  // namespace dfa
