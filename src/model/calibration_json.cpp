#include "model/calibration_json.hpp"

#include "model/strict_json.hpp"

namespace dfa {
namespace {

Json pair_json(double first, double second) {
  return Json::array({first, second});
}

Json threshold_json(const Threshold& threshold) {
  Json json = Json::object({{"name", threshold.name},
                            {"threshold", threshold.threshold},
                            {"measured_fpr", threshold.measured_fpr},
                            {"measured_tpr", threshold.measured_tpr}});
  if (threshold.fpr_interval)
    json["fpr_interval"] = pair_json(threshold.fpr_interval->low, threshold.fpr_interval->high);
  if (threshold.tpr_interval)
    json["tpr_interval"] = pair_json(threshold.tpr_interval->low, threshold.tpr_interval->high);
  return json;
}

Json evidence_json(const Evidence& evidence) {
  Json json = Json::object();
  if (evidence.map == EvidenceMap::logistic) {
    json["map"] = kLogistic;
    json["slope"] = evidence.slope;
    json["offset"] = evidence.offset;
  } else {
    json["map"] = kIsotonic;
    json["points"] = Json::array();
    for (const EvidencePoint& point : evidence.points)
      json["points"].push_back(pair_json(point.p_fake, point.posterior));
  }
  json["prior_log_odds"] = evidence.prior_log_odds;
  json["lowest"] = evidence.lowest;
  json["highest"] = evidence.highest;
  json["cllr"] = evidence.cllr;
  json["cllr_min"] = evidence.cllr_min;
  return json;
}

Json abstain_json(const AbstainBand& band) {
  return Json::object(
      {{"error", band.error}, {"low", band.low}, {"high", band.high ? Json(*band.high) : Json(nullptr)}});
}

Json figure_json(const CalibrationFigure& figure) {
  return Json::object(
      {{"level", figure.level}, {"metric", figure.metric}, {"before", figure.before}, {"after", figure.after}});
}

Json reliability_json(const std::vector<ReliabilityPoint>& points) {
  Json json = Json::array();
  for (const ReliabilityPoint& point : points)
    json.push_back(Json::array({point.mean_p_fake, point.share_fake, point.count}));
  return json;
}

template <class T, class ToJson>
Json list_json(const std::vector<T>& values, ToJson to_json) {
  Json json = Json::array();
  for (const T& value : values) json.push_back(to_json(value));
  return json;
}

// A version 1 calibration stays one when a model is saved again: there is nothing to add to it.
bool is_version_1(const Calibration& calibration) {
  return calibration.role.empty();
}

}  // namespace

std::string calibration_json(const Calibration& calibration) {
  Json json = Json::object();
  if (!is_version_1(calibration)) json["version"] = kCalibrationVersion;
  json["temperature"] = calibration.temperature;
  json["thresholds"] = list_json(calibration.thresholds, threshold_json);
  json["set"] = calibration.set;
  json["reals"] = calibration.reals;
  json["fakes"] = calibration.fakes;
  json["date"] = calibration.date;
  if (is_version_1(calibration)) return json_text(json);
  json["role"] = calibration.role;
  json["manifest_sha256"] = calibration.manifest_sha256;
  json["stamps"] = calibration.stamps;
  json["real_crops"] = calibration.real_crops;
  json["fake_crops"] = calibration.fake_crops;
  json["left_out"] = list_json(calibration.left_out, [](const UnsupportedPart& one) {
    return Json::object({{"name", one.name}, {"reason", one.reason}});
  });
  if (calibration.evidence) json["evidence"] = evidence_json(*calibration.evidence);
  if (calibration.abstain) json["abstain"] = abstain_json(*calibration.abstain);
  json["figures"] = list_json(calibration.figures, figure_json);
  json["frame_reliability"] = reliability_json(calibration.frame_reliability);
  json["video_reliability"] = reliability_json(calibration.video_reliability);
  return json_text(json);
}

}  // namespace dfa
