#include "eval/calibrate.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "eval/auc.hpp"
#include "eval/calibrate_evidence.hpp"
#include "eval/calibrate_figures.hpp"
#include "eval/calibrate_temperature.hpp"
#include "eval/calibrate_thresholds.hpp"
#include "score/operating_point.hpp"

namespace dfa {
namespace {

constexpr std::string_view kTemperature = "temperature";

Status check_sample(const CalibrationSample& sample) {
  std::vector<int> label_of;
  for (std::size_t i = 0; i < sample.items.size(); ++i) {
    const std::size_t item = sample.items[i];
    if (item >= label_of.size()) label_of.resize(item + 1, -1);
    if (label_of[item] >= 0 && label_of[item] != sample.labels[i])
      return fail(ErrorCode::manifest_invalid, "an item has real and fake crops, expected one label an item");
    label_of[item] = sample.labels[i];
  }
  const auto fakes = std::count(label_of.begin(), label_of.end(), 1);
  const auto reals = std::count(label_of.begin(), label_of.end(), 0);
  if (fakes > 0 && reals > 0) return {};
  return fail(ErrorCode::manifest_invalid,
              "{} real and {} fake items with a score, expected both kinds\n  next step: add the missing kind to the "
              "calibration set",
              reals, fakes);
}

void add_temperature(const CalibrationSample& sample, Calibration& calibration) {
  const TemperatureFit fit = fit_temperature(sample.margins, sample.labels);
  calibration.temperature = fit.temperature;
  const auto leave_out = [&](std::string_view reason) {
    calibration.left_out.push_back({std::string(kTemperature), fmt::format("{}; it stays 1", reason)});
  };
  switch (fit.finding) {
    case TemperatureFinding::fitted:
      break;
    case TemperatureFinding::separable:
      leave_out("every crop lies on its side of 0.5, so that no temperature above 0 is the best one");
      break;
    case TemperatureFinding::no_information:
      leave_out(
          "no finite temperature makes the crops' scores better than 0.5 for each: they say nothing, or lean to "
          "one class");
      break;
    case TemperatureFinding::out_of_range:
      leave_out(fmt::format("the best one lies outside {:g} to {:g}", kColdest, kHottest));
      break;
  }
}

void add_thresholds(const ItemScores& items, Calibration& calibration) {
  for (const PromisedPoint& promised : kPromisedPoints) {
    auto point = promised_threshold(promised, items.p_fake, items.labels);
    if (auto* threshold = std::get_if<Threshold>(&point))
      calibration.thresholds.push_back(std::move(*threshold));
    else
      calibration.left_out.push_back(std::get<UnsupportedPart>(std::move(point)));
  }
}

void add_evidence(const ItemScores& items, const CalibrateOptions& options, Calibration& calibration) {
  auto evidence = fit_evidence(items.p_fake, items.labels, options.map);
  if (auto* fitted = std::get_if<Evidence>(&evidence)) {
    calibration.evidence = std::move(*fitted);
    if (options.abstain_error) calibration.abstain = abstain_band(*calibration.evidence, *options.abstain_error);
    return;
  }
  calibration.left_out.push_back(std::get<UnsupportedPart>(std::move(evidence)));
  if (options.abstain_error)
    calibration.left_out.push_back({"abstain", "it follows from the likelihood ratio, which was left out"});
}

Result<BandEffect> band_effect(const Threshold& threshold, const Calibration& calibration, const ItemScores& items) {
  DFA_ASSIGN_OR_RETURN(OperatingPoint point, choose_operating_point(threshold.name, calibration));
  OperatingPoint plain = point;
  plain.abstain.reset();
  std::size_t wrong_without = 0, decided = 0, wrong_with = 0;
  for (std::size_t i = 0; i < items.p_fake.size(); ++i) {
    const Verdict truth = items.labels[i] == 1 ? Verdict::fake : Verdict::real;
    wrong_without += verdict_at(plain, items.p_fake[i]) != truth ? 1 : 0;
    const Verdict verdict = verdict_at(point, items.p_fake[i]);
    if (verdict == Verdict::inconclusive) continue;
    ++decided;
    wrong_with += verdict != truth ? 1 : 0;
  }
  const auto count = static_cast<double>(items.p_fake.size());
  BandEffect effect = {threshold.name, static_cast<double>(wrong_without) / count, static_cast<double>(decided) / count,
                       std::nullopt};
  if (decided > 0) effect.error_with = static_cast<double>(wrong_with) / static_cast<double>(decided);
  return effect;
}

void add_counts(const CalibrationSample& sample, const ItemScores& items, Calibration& calibration) {
  const auto count = [](const std::vector<int>& labels, int label) {
    return static_cast<long>(std::count(labels.begin(), labels.end(), label));
  };
  calibration.reals = count(items.labels, 0);
  calibration.fakes = count(items.labels, 1);
  calibration.real_crops = count(sample.labels, 0);
  calibration.fake_crops = count(sample.labels, 1);
}

Status check_anything_fitted(const Calibration& calibration) {
  const bool temperature = calibration.why_left_out(kTemperature) == nullptr;
  if (temperature || !calibration.thresholds.empty() || calibration.evidence) return {};
  std::vector<std::string> reasons;
  for (const UnsupportedPart& one : calibration.left_out)
    reasons.push_back(fmt::format("  {}: {}", one.name, one.reason));
  return fail(ErrorCode::manifest_invalid, "nothing can be calibrated on this set\n{}", fmt::join(reasons, "\n"));
}

}  // namespace

void CalibrationSample::add(double margin, int label, std::uint32_t item) {
  margins.push_back(margin);
  labels.push_back(label);
  items.push_back(item);
}

Result<CalibrationSample> calibration_sample(const ScoreTable& table) {
  constexpr std::uint32_t kUnseen = ~std::uint32_t{0};
  CalibrationSample sample;
  std::vector<std::uint32_t> item_of(table.video_count(), kUnseen);
  std::uint32_t items = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    if (!row.label || !row.p_fake) continue;
    if (!row.margin)
      return fail(
          ErrorCode::manifest_invalid,
          "{}: a score without a margin (l1 - l0 before calibration), which the temperature is fitted on\n  next "
          "step: take the scores that dfa evaluate --scores writes",
          row.path);
    std::uint32_t& item = item_of[table.videos()[i]];
    if (item == kUnseen) item = items++;
    sample.add(*row.margin, *row.label, item);
  }
  return sample;
}

std::vector<double> crop_scores(const CalibrationSample& sample, double temperature) {
  std::vector<double> p_fake;
  p_fake.reserve(sample.margins.size());
  for (const double margin : sample.margins) p_fake.push_back(1 / (1 + std::exp(-margin / temperature)));
  return p_fake;
}

ItemScores item_scores(const CalibrationSample& sample, double temperature) {
  const std::vector<double> crops = crop_scores(sample, temperature);
  ItemScores items;
  std::vector<std::size_t> counts;
  for (std::size_t i = 0; i < crops.size(); ++i) {
    const std::size_t item = sample.items[i];
    if (item >= items.p_fake.size()) {
      items.p_fake.resize(item + 1, 0);
      items.labels.resize(item + 1, 0);
      counts.resize(item + 1, 0);
    }
    items.p_fake[item] += crops[i];
    items.labels[item] = sample.labels[i];
    ++counts[item];
  }
  for (std::size_t item = 0; item < counts.size(); ++item)
    items.p_fake[item] /= static_cast<double>(std::max<std::size_t>(counts[item], 1));
  return items;
}

Result<CalibrationOutcome> calibrate(const CalibrationSample& sample, const CalibrateOptions& options) {
  DFA_TRY(check_sample(sample));
  CalibrationOutcome outcome;
  Calibration& calibration = outcome.calibration;
  const ItemScores before = item_scores(sample, 1);
  outcome.crop_auc = area_under_curve(sample.margins, sample.labels).value_or(0);
  outcome.item_auc_before = area_under_curve(before.p_fake, before.labels).value_or(0);
  constexpr double kGuess = 0.5;
  if (!(outcome.item_auc_before > kGuess))
    return fail(
        ErrorCode::manifest_invalid,
        "fakes do not score higher than reals: AUC {:.4f} over items, expected above {}\n  likely cause: labels "
        "that mean the opposite, or a model that has not learned this\n  next step: check the manifest with "
        "dfa evaluate",
        outcome.item_auc_before, kGuess);
  add_temperature(sample, calibration);
  const ItemScores items = item_scores(sample, calibration.temperature);
  outcome.item_auc_after = area_under_curve(items.p_fake, items.labels).value_or(0);
  add_counts(sample, items, calibration);
  add_thresholds(items, calibration);
  add_evidence(items, options, calibration);
  DFA_TRY(check_anything_fitted(calibration));
  add_figures(sample, calibration);
  if (calibration.abstain)
    for (const Threshold& threshold : calibration.thresholds) {
      DFA_ASSIGN_OR_RETURN(BandEffect effect, band_effect(threshold, calibration, items));
      outcome.band.push_back(std::move(effect));
    }
  return outcome;
}

}  // namespace dfa
