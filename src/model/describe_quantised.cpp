#include <algorithm>

#include "model/describe.hpp"

namespace dfa {
namespace {

constexpr std::size_t kShownHashDigits = 12;

struct Row {
  std::string name;
  double distortion = 0;
  std::string rest;
};

std::string smoothing_text(const std::optional<double>& smoothing) {
  return smoothing ? fmt::format("{:.3g}", *smoothing) : "none";
}

}  // namespace

std::string quantised_text(const ModelQuantisation& quantised) {
  std::string text = fmt::format(
      "{} of {} tensors on 8 bits; calibrated on {} crops (role {}, manifest {}, seed {}) by {}",
      quantised.codes.size(), quantised.codes.size() + quantised.wide.size(), quantised.crops, quantised.role,
      quantised.manifest_sha256.substr(0, kShownHashDigits), quantised.seed, quantised.made_by);
  text += fmt::format("\nmean difference of p_fake from f32 on them: {:.2g} on {}, allowed {:.2g}",
                      quantised.difference, quantised.isa, quantised.budget);
  for (const WideSite& site : quantised.wide)
    text += fmt::format("\nwide: {}, distortion {:.2g}: {}", site.name, site.distortion, site.reason);
  return text;
}

std::string distortion_text(const ModelQuantisation& quantised) {
  std::vector<Row> rows;
  for (const auto& [name, codes] : quantised.codes) {
    const auto found = quantised.figures.find(name);
    const SiteFigures figures = found == quantised.figures.end() ? SiteFigures{} : found->second;
    rows.push_back({name, figures.distortion,
                    fmt::format("{:>9} {:>6.2f} {:>6}  int8", smoothing_text(figures.smoothing), figures.range,
                                codes.zero_point)});
  }
  for (const WideSite& site : quantised.wide)
    rows.push_back({site.name, site.distortion, fmt::format("{:>9} {:>6} {:>6}  wide", "-", "-", "-")});
  std::ranges::stable_sort(rows, std::ranges::greater{}, &Row::distortion);
  std::string text =
      fmt::format("{:<24} {:>10} {:>9} {:>6} {:>6}\n", "tensor", "distortion", "smoothing", "range", "zero");
  for (const Row& row : rows) text += fmt::format("{:<24} {:>10.3g} {}\n", row.name, row.distortion, row.rest);
  return text;
}

}  // namespace dfa
