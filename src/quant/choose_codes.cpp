#include "quant/choose_codes.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/site_error.hpp"

namespace dfa {
namespace {

constexpr float kAlphas[] = {0.0F, 0.25F, 0.5F, 0.75F, 1.0F};
constexpr float kRanges[] = {0.9F, 0.8F, 0.7F, 0.6F, 0.5F, 0.4F};
// Channels that were nearly silent get multipliers as if they had this share of the mean range: a value that they take
// later shall not be clipped, and their weights shall not vanish beside the others'.
constexpr float kLeastShare = 1e-3F;
constexpr float kLargestCodeStep = 255.0F;
// Steps over a range. One fewer than there are: pixels of 8 bits would else lie halfway between the codes, where all of
// them round by half a step, and the spatial prior hears it.
constexpr float kRangeSteps = 254.0F;
constexpr int kMiddleCode = 128;
constexpr float kNaiveSteps = 127.0F;

// Every value at least kLeastShare of the mean; ones where all are zero.
void lift(std::vector<float>& values) {
  const float mean = std::accumulate(values.begin(), values.end(), 0.0F) / static_cast<float>(values.size());
  const float least = mean > 0 ? mean * kLeastShare : 1.0F;
  for (float& value : values) value = std::max(value, least);
}

std::vector<float> magnitudes(const SiteSample& sample) {
  std::vector<float> values(sample.lowest.size());
  for (std::size_t c = 0; c < values.size(); ++c)
    values[c] = std::max(std::fabs(sample.lowest[c]), std::fabs(sample.highest[c]));
  return values;
}

// max_o |W[o][c]| over all readers.
std::vector<float> column_magnitudes(std::span<const FoldedLayer> readers, std::size_t channels) {
  std::vector<float> values(channels);
  for (const FoldedLayer& reader : readers)
    for (std::size_t i = 0; i < reader.weights.weight.size(); ++i)
      values[i % channels] = std::max(values[i % channels], std::fabs(reader.weights.weight[i]));
  return values;
}

// s_c of Note [Smoothing].
std::vector<float> divisors(std::span<const float> activations, std::span<const float> weights,
                            std::optional<float> alpha) {
  std::vector<float> values(activations.size(), 1.0F);
  if (!alpha) return values;
  for (std::size_t c = 0; c < values.size(); ++c)
    values[c] = std::pow(activations[c], *alpha) / std::pow(weights[c], 1.0F - *alpha);
  return values;
}

// Codes over the range of x_c / s_c, which always holds 0. Where a range is cut, its longer side gives way first.
Codes codes_over(const SiteSample& sample, std::span<const float> divisors, float range) {
  float low = 0, high = 0;
  for (std::size_t c = 0; c < divisors.size(); ++c) {
    low = std::min(low, sample.lowest[c] / divisors[c]);
    high = std::max(high, sample.highest[c] / divisors[c]);
  }
  const float limit = range * std::max(-low, high);
  low = std::max(low, -limit);
  high = std::min(high, limit);
  const float step = high > low ? (high - low) / kRangeSteps : 1.0F;
  Codes codes;
  codes.zero_point = std::clamp(static_cast<int>(std::lround(-low / step)), 0, static_cast<int>(kLargestCodeStep));
  for (const float divisor : divisors) codes.multipliers.push_back(1.0F / (divisor * step));
  return codes;
}

// Rows of the even (0) or odd (1) crops; those of the even ones again where there is no odd one.
std::vector<float> rows_of(const SiteSample& sample, std::size_t odd) {
  const std::size_t crop = kRowsPerCrop * static_cast<std::size_t>(sample.channels);
  const std::size_t crops = sample.rows.size() / crop;
  std::vector<float> rows;
  for (std::size_t i = crops > 1 ? odd : 0; i < crops; i += 2) {
    const auto own = std::span(sample.rows).subspan(i * crop, crop);
    rows.insert(rows.end(), own.begin(), own.end());
  }
  return rows;
}

}  // namespace

SiteChoice choose_codes(const SiteSample& sample, std::span<const FoldedLayer> readers) {
  std::vector<float> activations = magnitudes(sample);
  std::vector<float> weights = column_magnitudes(readers, activations.size());
  lift(activations);
  lift(weights);
  const std::vector<float> choosing_rows = rows_of(sample, 0), judging_rows = rows_of(sample, 1);
  const SiteError choosing(readers, choosing_rows, sample.channels), judging(readers, judging_rows, sample.channels);

  std::vector<float> chosen = divisors(activations, weights, {});
  SiteChoice choice{codes_over(sample, chosen, 1), {}, 1, 0};
  double cost = choosing.of(choice.codes);
  for (const float alpha : kAlphas) {
    std::vector<float> tried = divisors(activations, weights, alpha);
    Codes codes = codes_over(sample, tried, 1);
    const double tried_cost = choosing.of(codes);
    if (!(tried_cost < cost)) continue;
    cost = tried_cost;
    chosen = std::move(tried);
    choice = {std::move(codes), static_cast<double>(alpha), 1, 0};
  }
  choice.distortion = judging.of(choice.codes);
  for (const float range : kRanges) {
    Codes codes = codes_over(sample, chosen, range);
    const double tried_cost = choosing.of(codes), tried_distortion = judging.of(codes);
    if (!(tried_cost < cost && tried_distortion < choice.distortion)) break;
    cost = tried_cost;
    choice = {std::move(codes), choice.smoothing, static_cast<double>(range), tried_distortion};
  }
  return choice;
}

Codes naive_codes(const SiteSample& sample) {
  const std::vector<float> values = magnitudes(sample);
  const float largest = std::ranges::max(values);
  Codes codes;
  const bool negative = std::ranges::min(sample.lowest) < 0;
  codes.zero_point = negative ? kMiddleCode : 0;
  codes.multipliers.assign(values.size(), largest > 0 ? (negative ? kNaiveSteps : kLargestCodeStep) / largest : 1.0F);
  return codes;
}

}  // namespace dfa
