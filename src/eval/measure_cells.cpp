// The metrics themselves, on counts by cell. Each accumulator sees the cells in falling order of score and knows the
// totals; numbers of items are exact in double (products below 2^53).
#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/cells.hpp"

namespace dfa {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

struct Totals {
  double reals = 0, fakes = 0;
  double all() const { return reals + fakes; }
};

// The ROC, vertex by vertex from (0, 0): counts of items called fake.
class RocMetrics {
 public:
  explicit RocMetrics(const Totals& totals) : totals_(totals), nearest_gap_(totals.reals * totals.fakes) {}

  void add(double reals, double fakes) {  // of one distinct score; not both 0
    wins_ += fakes * (totals_.reals - false_alarms_ - 0.5 * reals);
    settle_nearest(reals, fakes);
    const double hits = hits_ + fakes, false_alarms = false_alarms_ + reals;
    cross(hits, false_alarms, reals, fakes);
    hits_ = hits;
    false_alarms_ = false_alarms;
    ap_ += fakes * (hits / (hits + false_alarms));
    const double fpr = false_alarms / totals_.reals, tpr = hits / totals_.fakes;
    if (fpr <= kFpr1) tpr_at_fpr1_ = tpr;
    if (fpr <= kFpr5) tpr_at_fpr5_ = tpr;
    if (tpr < kTpr95) return;
    if (std::isnan(fpr_at_tpr95_)) fpr_at_tpr95_ = fpr;
  }

  void write(MetricArray& out) {
    consider_nearest();
    const auto put = [&](Metric metric, double value) { out[static_cast<std::size_t>(metric)] = value; };
    put(Metric::auc, wins_ / (totals_.reals * totals_.fakes));
    put(Metric::ap, ap_ / totals_.fakes);
    put(Metric::eer, eer_);
    put(Metric::eer_nearest, nearest_ / totals_.reals);
    put(Metric::tpr_at_fpr1, tpr_at_fpr1_);
    put(Metric::tpr_at_fpr5, tpr_at_fpr5_);
    put(Metric::fpr_at_tpr95, fpr_at_tpr95_);
  }

 private:
  static constexpr double kFpr1 = 0.01, kFpr5 = 0.05, kTpr95 = 0.95;

  // FNR = FPR on the segment to the new vertex: 1 - (h0 + s dh)/F = (a0 + s da)/R, in whole numbers.
  void cross(double hits, double false_alarms, double reals, double fakes) {
    const double product = totals_.reals * totals_.fakes;
    const double before = hits_ * totals_.reals + false_alarms_ * totals_.fakes;
    const double after = hits * totals_.reals + false_alarms * totals_.fakes;
    if (before >= product || after < product) return;
    const double share = (product - before) / (fakes * totals_.reals + reals * totals_.fakes);
    eer_ = (false_alarms_ + share * reals) / totals_.reals;
  }

  // A vertex counts once it is known that the step out of it differs from the step into it: scikit-learn drops the
  // vertices inside a run of equal steps, but for the first and the last.
  void settle_nearest(double reals, double fakes) {
    if (vertices_ >= 1 && (vertices_ == 1 || reals != step_reals_ || fakes != step_fakes_)) consider_nearest();
    step_reals_ = reals;
    step_fakes_ = fakes;
    ++vertices_;
  }
  void consider_nearest() {
    const double gap = std::abs((totals_.fakes - hits_) * totals_.reals - false_alarms_ * totals_.fakes);
    if (gap >= nearest_gap_) return;
    nearest_gap_ = gap;
    nearest_ = false_alarms_;
  }

  Totals totals_;
  double hits_ = 0, false_alarms_ = 0;  // fakes and reals called fake
  double wins_ = 0, ap_ = 0, eer_ = kNone;
  double tpr_at_fpr1_ = 0, tpr_at_fpr5_ = 0, fpr_at_tpr95_ = kNone;
  double nearest_gap_, nearest_ = 0;  // |FNR - FPR| R F, at (0, 0) to begin with
  double step_reals_ = 0, step_fakes_ = 0;
  std::size_t vertices_ = 0;
};

// Bins of equal mass: each holds N/15 of the items; equal scores at a border are shared out, labels in proportion.
class MassBins {
 public:
  explicit MassBins(double all) : size_(all / static_cast<double>(kCalibrationBins)), room_(size_) {}

  void add(double p, double count, double fakes) {
    const double share = fakes / count;
    while (count >= room_ && closed_ + 1 < kCalibrationBins) {
      surplus_ += room_ * (p - share);
      count -= room_;
      close();
    }
    surplus_ += count * (p - share);
    room_ -= count;
  }
  double ece(double all) {
    close();
    return gaps_ / all;
  }

 private:
  void close() {
    gaps_ += std::abs(surplus_);
    surplus_ = 0;
    room_ = size_;
    ++closed_;
  }
  double size_, room_;
  double surplus_ = 0;  // sum of p - y in the open bin
  double gaps_ = 0;
  std::size_t closed_ = 0;
};

// Moments of (uncertainty, error). Uncertainty is -abs(p - 0.5), shifted by a constant near its mean against
// cancellation.
class ErrorCorrelation {
 public:
  explicit ErrorCorrelation(double shift) : shift_(shift) {}
  void add(double p, double count, double errors) {
    const double u = shift_ - std::abs(p - 0.5);
    least_ = std::min(least_, u);
    most_ = std::max(most_, u);
    u_ += count * u;
    uu_ += count * u * u;
    ue_ += errors * u;
    errors_ += errors;
  }
  double value(double all) const {
    if (least_ == most_ || errors_ == 0 || errors_ == all) return kNone;
    const double mean = u_ / all, rate = errors_ / all;
    const double variance = uu_ / all - mean * mean;
    return variance > 0 ? (ue_ / all - mean * rate) / std::sqrt(variance * rate * (1 - rate)) : kNone;
  }

 private:
  double shift_;
  double least_ = std::numeric_limits<double>::infinity(), most_ = -least_;
  double u_ = 0, uu_ = 0, ue_ = 0, errors_ = 0;
};

// 1/(from+1) + ... + 1/(from+count).
double harmonic_stretch(double from, double count) {
  constexpr double kFew = 24;
  // Euler-Maclaurin of the harmonic number: ln n + gamma + 1/2n - 1/12n^2 + 1/120n^4 - ...; from 24 on the next
  // term is below 2e-16.
  const auto above = [](double n) {
    const double r = 1 / n, r2 = r * r;
    return r * (0.5 - r * (1.0 / 12 - r2 * (1.0 / 120 - r2 * (1.0 / 252 - r2 / 240))));
  };
  double sum = 0;
  while (count > 0 && (from < kFew || count <= kFew)) {
    ++from;
    --count;
    sum += 1 / from;
  }
  return count > 0 ? sum + std::log1p(count / from) + above(from + count) - above(from) : sum;
}

// Sum over k of the expected error rate among the k most confident, tied items in random order: within a tie of `count`
// items with `errors` after k0 items with e0, item j adds (e0 + j e/t)/(k0 + j).
double area_under_risk_coverage(const Cells& cells, std::span<const std::uint32_t> reals,
                                std::span<const std::uint32_t> fakes, double all) {
  double seen = 0, errors_seen = 0, area = 0;
  for (std::size_t run = 0; run + 1 < cells.confidence_begins.size(); ++run) {
    double count = 0, errors = 0;
    for (std::size_t i = cells.confidence_begins[run]; i < cells.confidence_begins[run + 1]; ++i) {
      const std::uint32_t cell = cells.by_confidence[i];
      count += static_cast<double>(reals[cell]) + static_cast<double>(fakes[cell]);
      errors += static_cast<double>(cell < cells.above_half ? reals[cell] : fakes[cell]);
    }
    if (count == 0) continue;
    const double rate = errors / count;
    area += errors + (errors_seen - seen * rate) * harmonic_stretch(seen, count);
    seen += count;
    errors_seen += errors;
  }
  return area / all;
}

// Figures that add up over items.
struct Sums {
  double loss_reals = 0, loss_fakes = 0;  // nats
  double squares = 0;
  double right_reals = 0, right_fakes = 0;
  std::array<double, kCalibrationBins> surplus{};  // sum of p - y by equal-width bin
};

void write_sums(const Sums& sums, const Totals& totals, MetricArray& out) {
  const auto put = [&](Metric metric, double value) { out[static_cast<std::size_t>(metric)] = value; };
  const double all = totals.all();
  put(Metric::accuracy, (sums.right_reals + sums.right_fakes) / all);
  put(Metric::nll, (sums.loss_reals + sums.loss_fakes) / all);
  put(Metric::brier, sums.squares / all);
  double gaps = 0;
  for (const double surplus : sums.surplus) gaps += std::abs(surplus);
  put(Metric::ece_width, gaps / all);
  const double real = sums.right_reals / totals.reals, fake = sums.right_fakes / totals.fakes;
  if (totals.reals > 0) put(Metric::accuracy_real, real);
  if (totals.fakes > 0) put(Metric::accuracy_fake, fake);
  if (totals.reals == 0 || totals.fakes == 0) return;
  put(Metric::balanced_accuracy, (real + fake) / 2);
  put(Metric::cllr, (sums.loss_reals / totals.reals + sums.loss_fakes / totals.fakes) / (2 * std::log(2.0)));
}

}  // namespace

MetricArray measure_cells(const Cells& cells, std::span<const std::uint32_t> reals,
                          std::span<const std::uint32_t> fakes) {
  MetricArray out;
  out.fill(kNone);
  Totals totals;
  double distance = 0;  // sum of abs(p - 0.5)
  for (std::size_t c = 0; c < cells.size(); ++c) {
    totals.reals += static_cast<double>(reals[c]);
    totals.fakes += static_cast<double>(fakes[c]);
    distance += static_cast<double>(reals[c] + fakes[c]) * std::abs(cells.p[c] - 0.5);
  }
  if (totals.all() == 0) return out;
  Sums sums;
  RocMetrics roc(totals);
  MassBins mass(totals.all());
  ErrorCorrelation correlation(distance / totals.all());
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const double r = reals[c], f = fakes[c], count = r + f, p = cells.p[c];
    if (count == 0) continue;
    sums.loss_reals += r * cells.loss_real[c];
    sums.loss_fakes += f * cells.loss_fake[c];
    sums.squares += r * cells.square_real[c] + f * cells.square_fake[c];
    (c < cells.above_threshold ? sums.right_fakes : sums.right_reals) += c < cells.above_threshold ? f : r;
    sums.surplus[cells.width_bin[c]] += count * p - f;
    roc.add(r, f);
    mass.add(p, count, f);
    correlation.add(p, count, c < cells.above_half ? r : f);
  }
  write_sums(sums, totals, out);
  out[static_cast<std::size_t>(Metric::ece_mass)] = mass.ece(totals.all());
  out[static_cast<std::size_t>(Metric::error_correlation)] = correlation.value(totals.all());
  out[static_cast<std::size_t>(Metric::aurc)] = area_under_risk_coverage(cells, reals, fakes, totals.all());
  if (totals.reals > 0 && totals.fakes > 0) roc.write(out);
  return out;
}

}  // namespace dfa
