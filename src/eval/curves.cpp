#include "eval/curves.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/cells.hpp"

namespace dfa {
namespace {

// Cells of one score each, falling, with the items of each class in them.
struct Counted {
  Cells cells;
  std::vector<double> reals, fakes;
  double all_reals = 0, all_fakes = 0;
};

Counted count(std::span<const double> p_fake, std::span<const int> labels) {
  const std::vector<std::uint32_t> order = falling_order(p_fake);
  CelledSample sample = make_cells(p_fake, labels, order, kDefaultThreshold, 0);
  Counted counted;
  counted.reals.resize(sample.cells.size());
  counted.fakes.resize(sample.cells.size());
  for (std::size_t c = 0; c < sample.cells.size(); ++c)
    for (std::uint32_t i = sample.begins[c]; i < sample.begins[c + 1]; ++i)
      (labels[order[i]] == 1 ? counted.fakes : counted.reals)[c] += 1;
  for (const double reals : counted.reals) counted.all_reals += reals;
  for (const double fakes : counted.fakes) counted.all_fakes += fakes;
  counted.cells = std::move(sample.cells);
  return counted;
}

// Fills bins from low to high p.
class BinFiller {
 public:
  explicit BinFiller(std::vector<ReliabilityBin>& bins) : bins_(bins) {}
  void add(double p, double mass, double fakes) {
    if (bin_.count == 0) bin_.low = p;
    bin_.high = p;
    bin_.mean_p += mass * p;
    bin_.share_fakes += fakes;
    bin_.count += mass;
  }
  void close() {
    if (bin_.count > 0) {
      bin_.mean_p /= bin_.count;
      bin_.share_fakes /= bin_.count;
      bins_.push_back(bin_);
    }
    bin_ = {};
  }

 private:
  std::vector<ReliabilityBin>& bins_;
  ReliabilityBin bin_;
};

std::size_t width_bin_of(double p, std::size_t bins) {
  const auto count = static_cast<double>(bins);
  auto bin = static_cast<std::size_t>(std::clamp(std::ceil(p * count) - 1, 0.0, count - 1));
  // The product is rounded; the edges i/n decide.
  while (bin > 0 && p <= static_cast<double>(bin) / count) --bin;
  while (bin + 1 < bins && p > static_cast<double>(bin + 1) / count) ++bin;
  return bin;
}

void fill_by_width(const Counted& counted, std::size_t bins, std::vector<ReliabilityBin>& out) {
  BinFiller filler(out);
  std::size_t open = 0;
  const auto close = [&] {
    const std::size_t before = out.size();
    filler.close();
    if (out.size() == before) return;
    out.back().low = static_cast<double>(open) / static_cast<double>(bins);
    out.back().high = static_cast<double>(open + 1) / static_cast<double>(bins);
  };
  for (std::size_t c = counted.cells.size(); c-- > 0;) {
    const std::size_t bin = width_bin_of(counted.cells.p[c], bins);
    if (bin != open) close();
    open = bin;
    filler.add(counted.cells.p[c], counted.reals[c] + counted.fakes[c], counted.fakes[c]);
  }
  close();
}

void fill_by_mass(const Counted& counted, std::size_t bins, std::vector<ReliabilityBin>& out) {
  const double size = (counted.all_reals + counted.all_fakes) / static_cast<double>(bins);
  BinFiller filler(out);
  double room = size;
  for (std::size_t c = counted.cells.size(); c-- > 0;) {
    double mass = counted.reals[c] + counted.fakes[c];
    const double share = counted.fakes[c] / mass;
    while (mass >= room && out.size() + 1 < bins) {
      filler.add(counted.cells.p[c], room, room * share);
      mass -= room;
      filler.close();
      room = size;
    }
    if (mass > 0) filler.add(counted.cells.p[c], mass, mass * share);
    room -= mass;
  }
  filler.close();
}

}  // namespace

std::vector<RocPoint> roc_curve(std::span<const double> p_fake, std::span<const int> labels, RocVertices vertices) {
  const Counted counted = count(p_fake, labels);
  if (counted.all_reals == 0 || counted.all_fakes == 0) return {};
  std::vector<RocPoint> points = {{0, 0, std::numeric_limits<double>::infinity()}};
  double reals = 0, fakes = 0;
  const std::size_t cells = counted.cells.size();
  for (std::size_t c = 0; c < cells; ++c) {
    reals += counted.reals[c];
    fakes += counted.fakes[c];
    const bool inside_run =
        c > 0 && c + 1 < cells && counted.reals[c] == counted.reals[c + 1] && counted.fakes[c] == counted.fakes[c + 1];
    if (vertices == RocVertices::corners && inside_run) continue;
    points.push_back({reals / counted.all_reals, fakes / counted.all_fakes, counted.cells.p[c]});
  }
  return points;
}

std::vector<ReliabilityBin> reliability_curve(std::span<const double> p_fake, std::span<const int> labels, BinRule rule,
                                              std::size_t bins) {
  std::vector<ReliabilityBin> out;
  if (p_fake.empty() || bins == 0) return out;
  const Counted counted = count(p_fake, labels);
  rule == BinRule::width ? fill_by_width(counted, bins, out) : fill_by_mass(counted, bins, out);
  return out;
}

std::vector<RiskPoint> risk_coverage_curve(std::span<const double> p_fake, std::span<const int> labels) {
  const Counted counted = count(p_fake, labels);
  const Cells& cells = counted.cells;
  const double all = counted.all_reals + counted.all_fakes;
  std::vector<RiskPoint> points;
  double seen = 0, errors = 0;
  for (std::size_t run = 0; run + 1 < cells.confidence_begins.size(); ++run) {
    for (std::size_t i = cells.confidence_begins[run]; i < cells.confidence_begins[run + 1]; ++i) {
      const std::uint32_t cell = cells.by_confidence[i];
      seen += counted.reals[cell] + counted.fakes[cell];
      errors += cell < cells.above_half ? counted.reals[cell] : counted.fakes[cell];
    }
    points.push_back({seen / all, errors / seen});
  }
  return points;
}

std::vector<HistogramBin> histogram(std::span<const double> p_fake, std::size_t bins) {
  std::vector<HistogramBin> out(bins);
  for (std::size_t i = 0; i < bins; ++i) {
    out[i].low = static_cast<double>(i) / static_cast<double>(bins);
    out[i].high = static_cast<double>(i + 1) / static_cast<double>(bins);
  }
  if (bins > 0)
    for (const double p : p_fake) ++out[width_bin_of(p, bins)].count;
  return out;
}

}  // namespace dfa
