#include "cli/commands/stress_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/record_format.hpp"
#include "score/result_json.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::ordered_json;

bool is_decided(const std::optional<Verdict>& verdict) {
  return verdict == Verdict::fake || verdict == Verdict::real;
}

std::string_view fate_name(VerdictFate fate) {
  switch (fate) {
    case VerdictFate::stands:
      return "stands";
    case VerdictFate::flips:
      return "flips";
    case VerdictFate::none:
      return "none";
  }
  return "none";
}

std::string row(const std::string& name, std::size_t width, const ItemRecord& record, const ItemRecord& original) {
  const std::string verdict = record.verdict ? std::string(verdict_name(*record.verdict)) : "-";
  const bool flips = is_decided(original.verdict) && record.verdict && record.verdict != original.verdict;
  const std::string change = record.p_fake && original.p_fake && &record != &original
                                 ? fmt::format("{:+.3f}", *record.p_fake - *original.p_fake)
                                 : "";
  return fmt::format("  {:<{}}  {:<13}{:>8}{:>9}  {}{}\n", name, width, outcome_name(record.outcome),
                     p_fake_text(record.p_fake), change, verdict, flips ? "  <- flips" : "");
}

std::string conclusion(const StressReport& report) {
  const auto band = report.band();
  if (!band)
    return fmt::format("no score of the original ({}): nothing to compare\n", printable(report.original.reason));
  std::string text = fmt::format("p_fake from {:.3f} to {:.3f} over the original and {} of {} copies\n", band->first,
                                 band->second, report.scored(), report.copies.size());
  switch (report.verdict()) {
    case VerdictFate::stands:
      return text +
             fmt::format("the verdict \"{}\" stands in every scored copy\n", verdict_name(*report.original.verdict));
    case VerdictFate::flips:
      return text + fmt::format("the verdict \"{}\" does not stand: do not quote it without saying so\n",
                                verdict_name(*report.original.verdict));
    case VerdictFate::none:
      return text +
             "there is no verdict to keep: the model's threshold is not validated, or the score is inconclusive\n";
  }
  return text;
}

}  // namespace

std::optional<std::pair<double, double>> StressReport::band() const {
  if (!original.p_fake) return std::nullopt;
  std::pair<double, double> band{*original.p_fake, *original.p_fake};
  for (const TreatedCopy& copy : copies) {
    if (!copy.record.p_fake) continue;
    band.first = std::min(band.first, *copy.record.p_fake);
    band.second = std::max(band.second, *copy.record.p_fake);
  }
  return band;
}

VerdictFate StressReport::verdict() const {
  if (!is_decided(original.verdict)) return VerdictFate::none;
  const bool flips = std::any_of(copies.begin(), copies.end(), [&](const TreatedCopy& copy) {
    return copy.record.verdict && copy.record.verdict != original.verdict;
  });
  return flips ? VerdictFate::flips : VerdictFate::stands;
}

std::size_t StressReport::scored() const {
  return static_cast<std::size_t>(std::count_if(
      copies.begin(), copies.end(), [](const TreatedCopy& copy) { return copy.record.p_fake.has_value(); }));
}

std::string treatment_text(const Perturbation& treatment) {
  const auto info = find_code(treatment.kind, treatment.code);
  if (!info) return treatment.code;
  return fmt::format("{}, {}", (*info)->name, (*info)->levels[static_cast<std::size_t>(treatment.level - 1)]);
}

std::string stress_text(const StressReport& report) {
  std::size_t width = 0;
  for (const TreatedCopy& copy : report.copies) width = std::max(width, treatment_text(copy.treatment).size());
  std::string text = printable(report.original.input) + "\n";
  text += row("original", width, report.original, report.original);
  for (const TreatedCopy& copy : report.copies)
    text += row(treatment_text(copy.treatment), width, copy.record, report.original);
  return text + conclusion(report);
}

std::string stress_json(const StressReport& report) {
  Json json = {{"schema", "dfa.stress/1"},
               {"original", Json::parse(result_json_line(report.run, report.original))},
               {"copies", Json::array()}};
  for (const TreatedCopy& copy : report.copies) {
    const ItemRecord& record = copy.record;
    json["copies"].push_back({{"kind", perturb_kind_name(copy.treatment.kind)},
                              {"code", copy.treatment.code},
                              {"level", copy.treatment.level},
                              {"treatment", treatment_text(copy.treatment)},
                              {"outcome", outcome_name(record.outcome)},
                              {"reason", record.reason},
                              {"p_fake", record.p_fake ? Json(*record.p_fake) : Json(nullptr)},
                              {"verdict", record.verdict ? Json(verdict_name(*record.verdict)) : Json(nullptr)}});
  }
  const auto band = report.band();
  json["band"] = band ? Json{{"low", band->first}, {"high", band->second}} : Json(nullptr);
  json["scored"] = report.scored();
  json["verdict"] = fate_name(report.verdict());
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace dfa::cli
