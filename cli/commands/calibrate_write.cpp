#include "cli/commands/calibrate_write.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/describe.hpp"
#include "model/model_save.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string band_text(const BandEffect& effect) {
  const std::string with =
      effect.error_with ? fmt::format("{:.1f} % of these are wrong", 100 * *effect.error_with) : "no item is left";
  return fmt::format("at {}: {:.1f} % of the verdicts are wrong; with the band {:.1f} % of items get a verdict, {}\n",
                     effect.point, 100 * effect.error_without, 100 * effect.coverage, with);
}

Json band_json(const BandEffect& effect) {
  return {{"point", effect.point},
          {"error_without", effect.error_without},
          {"coverage", effect.coverage},
          {"error_with", effect.error_with ? Json(*effect.error_with) : Json(nullptr)}};
}

}  // namespace

Result<std::string> write_calibrated(const Model& model, const std::filesystem::path& path) {
  DFA_TRY(save_model(model, path, held_dtype(model)));
  // The proof that the file can be read is that it was.
  DFA_ASSIGN_OR_RETURN(const Model written, load_model(path));
  return written.sha256;
}

std::string calibrate_text(const CalibrateReport& report) {
  const CalibrationOutcome& outcome = report.outcome;
  std::string text = fmt::format("{}, role {}: {} crops, {} without a label, {} not scored\n", report.source,
                                 outcome.calibration.role, report.crops, report.unlabelled, report.unscored);
  text += calibration_text(outcome.calibration) + '\n';
  text += fmt::format("AUC of crops {:.4f}, which no temperature changes; of items {:.4f} before, {:.4f} after\n",
                      outcome.crop_auc, outcome.item_auc_before, outcome.item_auc_after);
  for (const BandEffect& effect : outcome.band) text += band_text(effect);
  text += "all of this is measured on the set that it was fitted on: elsewhere, expect worse\n";
  return text + fmt::format("written: {}, sha256 {}\n", report.written, report.written_sha256);
}

std::string calibrate_json(const CalibrateReport& report, const Model& model) {
  const CalibrationOutcome& outcome = report.outcome;
  Json json = {{"schema", "dfa.calibrate/1"},
               {"tool", {{"version", kVersion}, {"build", kBuildId}}},
               {"model", {{"name", report.model_name}, {"sha256", report.model_sha256}}},
               {"data",
                {{"source", report.source},
                 {"crops", report.crops},
                 {"unlabelled", report.unlabelled},
                 {"unscored", report.unscored}}},
               {"calibration", Json::parse(model_json(model))["calibration"]},
               {"auc",
                {{"crops", outcome.crop_auc},
                 {"items_before", outcome.item_auc_before},
                 {"items_after", outcome.item_auc_after}}},
               {"band", Json::array()},
               {"written", {{"path", report.written}, {"sha256", report.written_sha256}}}};
  for (const BandEffect& effect : outcome.band) json["band"].push_back(band_json(effect));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace dfa::cli
