#include "eval/cells.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dfa {
namespace {

constexpr double kHalf = 0.5;
constexpr double kSmallestP = 1e-12;  // clamp of the log loss (method.md section 8)

double log_loss(double p_true) {
  return -std::log(std::max(p_true, kSmallestP));
}

// Right-closed: (i/n, (i+1)/n], 0 in the first.
std::uint8_t width_bin(double p) {
  constexpr auto kBins = static_cast<double>(kCalibrationBins);
  auto bin = static_cast<int>(std::clamp(std::ceil(p * kBins) - 1, 0.0, kBins - 1));
  // The product is rounded; the edges i/n decide.
  while (bin > 0 && p <= bin / kBins) --bin;
  while (bin + 1 < static_cast<int>(kCalibrationBins) && p > (bin + 1) / kBins) ++bin;
  return static_cast<std::uint8_t>(bin);
}

// Where scores may not share a cell: on two sides of the threshold, of one half, or of a bin's edge.
struct Region {
  bool above_threshold, above_half;
  std::uint8_t bin;
  bool operator==(const Region&) const = default;
};
Region region_of(double p, double threshold) {
  return {p > threshold, p > kHalf, width_bin(p)};
}

// Begins of the runs of equal score in `order`, and the end.
std::vector<std::uint32_t> exact_begins(std::span<const double> p, std::span<const std::uint32_t> order) {
  std::vector<std::uint32_t> begins;
  for (std::size_t i = 0; i < order.size(); ++i)
    if (i == 0 || p[order[i]] != p[order[i - 1]]) begins.push_back(static_cast<std::uint32_t>(i));
  begins.push_back(static_cast<std::uint32_t>(order.size()));
  return begins;
}

// Joins neighbouring runs while no class gets more than 1/most of its items into a cell.
std::vector<std::uint32_t> coarse_begins(std::span<const double> p, std::span<const int> labels,
                                         std::span<const std::uint32_t> order, std::span<const std::uint32_t> exact,
                                         double threshold, std::size_t most) {
  std::array<std::size_t, 2> total{}, held{}, limit{};
  for (const int label : labels) ++total[label == 1 ? 1 : 0];
  for (std::size_t k = 0; k < 2; ++k) limit[k] = std::max<std::size_t>(1, total[k] / most);
  std::vector<std::uint32_t> begins;
  for (std::size_t run = 0; run + 1 < exact.size(); ++run) {
    std::array<std::size_t, 2> here{};
    for (std::uint32_t i = exact[run]; i < exact[run + 1]; ++i) ++here[labels[order[i]] == 1 ? 1 : 0];
    const bool joins = run > 0 && held[0] + here[0] <= limit[0] && held[1] + here[1] <= limit[1] &&
                       region_of(p[order[exact[run]]], threshold) == region_of(p[order[exact[run] - 1]], threshold);
    if (!joins) {
      begins.push_back(exact[run]);
      held = {};
    }
    for (std::size_t k = 0; k < 2; ++k) held[k] += here[k];
  }
  begins.push_back(exact.back());
  return begins;
}

// Mean of `of(p)` over the items of one class in a cell, of all of them where the class has none there.
struct ClassMean {
  std::array<double, 2> sum{};
  std::array<double, 2> count{};
  void add(int label, double value) {
    sum[label == 1 ? 1 : 0] += value;
    count[label == 1 ? 1 : 0] += 1;
  }
  double of(std::size_t label) const { return count[label] > 0 ? sum[label] / count[label] : 0; }
};

void add_cell(Cells& cells, std::span<const double> p_fake, std::span<const int> labels,
              std::span<const std::uint32_t> items) {
  const double first = p_fake[items.front()];
  if (p_fake[items.back()] == first) {  // no rounding by a mean
    cells.p.push_back(first);
    cells.loss_real.push_back(log_loss(1 - first));
    cells.loss_fake.push_back(log_loss(first));
    cells.square_real.push_back(first * first);
    cells.square_fake.push_back((first - 1) * (first - 1));
    return;
  }
  ClassMean loss, square;
  double sum = 0;
  for (const std::uint32_t item : items) {
    const double p = p_fake[item], y = labels[item] == 1 ? 1 : 0;
    sum += p;
    loss.add(labels[item], log_loss(y == 1 ? p : 1 - p));
    square.add(labels[item], (p - y) * (p - y));
  }
  cells.p.push_back(sum / static_cast<double>(items.size()));
  cells.loss_real.push_back(loss.of(0));
  cells.loss_fake.push_back(loss.of(1));
  cells.square_real.push_back(square.of(0));
  cells.square_fake.push_back(square.of(1));
}

void order_by_confidence(Cells& cells) {
  const auto confidence = [&](std::uint32_t cell) { return std::abs(cells.p[cell] - kHalf); };
  cells.by_confidence.resize(cells.size());
  std::iota(cells.by_confidence.begin(), cells.by_confidence.end(), 0U);
  std::stable_sort(cells.by_confidence.begin(), cells.by_confidence.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return confidence(a) > confidence(b); });
  for (std::size_t i = 0; i < cells.size(); ++i)
    if (i == 0 || confidence(cells.by_confidence[i]) != confidence(cells.by_confidence[i - 1]))
      cells.confidence_begins.push_back(static_cast<std::uint32_t>(i));
  cells.confidence_begins.push_back(static_cast<std::uint32_t>(cells.size()));
}

}  // namespace

std::vector<std::uint32_t> falling_order(std::span<const double> p_fake) {
  std::vector<std::uint32_t> order(p_fake.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return p_fake[a] != p_fake[b] ? p_fake[a] > p_fake[b] : a < b; });
  return order;
}

CelledSample make_cells(std::span<const double> p_fake, std::span<const int> labels,
                        std::span<const std::uint32_t> order, double threshold, std::size_t most_cells) {
  CelledSample sample;
  sample.begins = exact_begins(p_fake, order);
  sample.coarse = most_cells > 0 && sample.begins.size() - 1 > most_cells;
  if (sample.coarse) sample.begins = coarse_begins(p_fake, labels, order, sample.begins, threshold, most_cells);
  Cells& cells = sample.cells;
  for (std::size_t c = 0; c + 1 < sample.begins.size(); ++c) {
    const std::uint32_t begin = sample.begins[c], end = sample.begins[c + 1];
    add_cell(cells, p_fake, labels, order.subspan(begin, end - begin));
    const Region region = region_of(p_fake[order[begin]], threshold);
    cells.width_bin.push_back(region.bin);
    cells.above_threshold += region.above_threshold ? 1 : 0;
    cells.above_half += region.above_half ? 1 : 0;
  }
  order_by_confidence(cells);
  return sample;
}

std::array<std::vector<std::uint32_t>, 2> count_by_class(const CelledSample& sample, std::span<const int> labels,
                                                         std::span<const std::uint32_t> order) {
  std::array<std::vector<std::uint32_t>, 2> counts;
  for (auto& one : counts) one.resize(sample.cells.size());
  for (std::size_t c = 0; c < sample.cells.size(); ++c)
    for (std::uint32_t i = sample.begins[c]; i < sample.begins[c + 1]; ++i) ++counts[labels[order[i]] == 1 ? 1 : 0][c];
  return counts;
}

}  // namespace dfa
