#include "model/calibration_json.hpp"

#include <limits>
#include <set>

#include "model/strict_json.hpp"

namespace dfa {
namespace {

constexpr std::string_view kRecord = "dfa.calibration";
constexpr std::size_t kMostEntries = 10'000;  // of any list
constexpr long kMostCount = std::numeric_limits<long>::max();
// Limits that only a failed fit leaves. A temperature of 0 would divide by zero.
constexpr double kLowestTemperature = 1e-3, kHighestTemperature = 1e3;
constexpr double kMostLogOdds = 1e6;
constexpr double kMostRatio = 1e12;
constexpr double kMostFigure = 1e12;

// A list of `reader`'s object, each entry read by `read`. Errors: model_incompatible.
template <class T, class Read>
Result<std::vector<T>> read_list(RecordReader& reader, const std::string& key, Read read) {
  DFA_ASSIGN_OR_RETURN(const Json* list, reader.list(key));
  if (list->size() > kMostEntries)
    return fail(ErrorCode::model_incompatible, "{}: {} has {} entries, at most {} are read", kRecord, key, list->size(),
                kMostEntries);
  std::vector<T> values;
  values.reserve(list->size());
  for (const Json& entry : *list) {
    DFA_ASSIGN_OR_RETURN(T value, read(entry));
    values.push_back(std::move(value));
  }
  return values;
}

Status require_object(const Json& json, std::string_view what) {
  if (json.is_object()) return {};
  return fail(ErrorCode::model_incompatible, "{}: a {} that is no object", kRecord, what);
}

// [a, b, ...] of `count` numbers within [low, high].
Status require_numbers(const Json& json, std::string_view what, std::size_t count, double low, double high) {
  bool fits = json.is_array() && json.size() == count;
  for (std::size_t i = 0; fits && i < count; ++i)
    fits = json[i].is_number() && json[i].get<double>() >= low && json[i].get<double>() <= high;
  if (fits) return {};
  return fail(ErrorCode::model_incompatible, "{}: {} is {}, expected {} numbers from {} to {}", kRecord, what,
              json_text(json).substr(0, 80), count, low, high);
}

Result<ShareInterval> read_interval(RecordReader& reader, const std::string& key, double share) {
  DFA_ASSIGN_OR_RETURN(const Json* json, reader.any(key));
  DFA_TRY(require_numbers(*json, key, 2, 0, 1));
  const ShareInterval interval = {(*json)[0].get<double>(), (*json)[1].get<double>()};
  if (!(interval.low <= share && share <= interval.high))
    return fail(ErrorCode::model_incompatible, "{}: {} is [{}, {}], without the measured share {}", kRecord, key,
                interval.low, interval.high, share);
  return interval;
}

enum class Intervals { absent, required };

Result<Threshold> read_threshold(const Json& json, Intervals intervals) {
  DFA_TRY(require_object(json, "threshold"));
  RecordReader reader(json, "dfa.calibration threshold");
  Threshold threshold;
  DFA_ASSIGN_OR_RETURN(threshold.name, reader.text("name"));
  DFA_ASSIGN_OR_RETURN(threshold.threshold, reader.number("threshold", 0, 1));
  DFA_ASSIGN_OR_RETURN(threshold.measured_fpr, reader.number("measured_fpr", 0, 1));
  DFA_ASSIGN_OR_RETURN(threshold.measured_tpr, reader.number("measured_tpr", 0, 1));
  if (intervals == Intervals::required) {
    DFA_ASSIGN_OR_RETURN(threshold.fpr_interval, read_interval(reader, "fpr_interval", threshold.measured_fpr));
    DFA_ASSIGN_OR_RETURN(threshold.tpr_interval, read_interval(reader, "tpr_interval", threshold.measured_tpr));
  }
  DFA_TRY(reader.finish());
  return threshold;
}

// A stricter point has the higher threshold.
Status check_order(const std::vector<Threshold>& thresholds) {
  std::set<std::string> names;
  const Threshold *fpr1 = nullptr, *fpr5 = nullptr;
  for (const Threshold& threshold : thresholds) {
    if (!names.insert(threshold.name).second)
      return fail(ErrorCode::model_incompatible, "{}: threshold {} comes twice", kRecord, threshold.name);
    if (threshold.name == "fpr1") fpr1 = &threshold;
    if (threshold.name == "fpr5") fpr5 = &threshold;
  }
  if (fpr1 != nullptr && fpr5 != nullptr && fpr1->threshold < fpr5->threshold)
    return fail(ErrorCode::model_incompatible, "{}: thresholds out of order: fpr1 {} lies below fpr5 {}", kRecord,
                fpr1->threshold, fpr5->threshold);
  return {};
}

Result<std::vector<EvidencePoint>> read_points(RecordReader& reader) {
  DFA_ASSIGN_OR_RETURN(auto points,
                       read_list<EvidencePoint>(reader, "points", [](const Json& json) -> Result<EvidencePoint> {
                         DFA_TRY(require_numbers(json, "a point of the isotonic map", 2, 0, 1));
                         return EvidencePoint{json[0].get<double>(), json[1].get<double>()};
                       }));
  if (points.empty()) return fail(ErrorCode::model_incompatible, "{}: an isotonic map without points", kRecord);
  for (std::size_t i = 1; i < points.size(); ++i)
    if (!(points[i].p_fake > points[i - 1].p_fake) || points[i].posterior < points[i - 1].posterior)
      return fail(ErrorCode::model_incompatible, "{}: the isotonic map does not rise from ({}, {}) to ({}, {})",
                  kRecord, points[i - 1].p_fake, points[i - 1].posterior, points[i].p_fake, points[i].posterior);
  return points;
}

Result<Evidence> read_evidence(const Json& json) {
  RecordReader reader(json, "dfa.calibration evidence");
  Evidence evidence;
  DFA_ASSIGN_OR_RETURN(const std::string map, reader.text("map"));
  if (map == kLogistic) {
    evidence.map = EvidenceMap::logistic;
    DFA_ASSIGN_OR_RETURN(evidence.slope, reader.number("slope", std::numeric_limits<double>::min(), kMostLogOdds));
    DFA_ASSIGN_OR_RETURN(evidence.offset, reader.number("offset", -kMostLogOdds, kMostLogOdds));
  } else if (map == kIsotonic) {
    evidence.map = EvidenceMap::isotonic;
    DFA_ASSIGN_OR_RETURN(evidence.points, read_points(reader));
  } else {
    return reader.refuse("map", "logistic or isotonic");
  }
  DFA_ASSIGN_OR_RETURN(evidence.prior_log_odds, reader.number("prior_log_odds", -kMostLogOdds, kMostLogOdds));
  DFA_ASSIGN_OR_RETURN(evidence.lowest, reader.number("lowest", 1 / kMostRatio, 1));
  DFA_ASSIGN_OR_RETURN(evidence.highest, reader.number("highest", 1, kMostRatio));
  DFA_ASSIGN_OR_RETURN(evidence.cllr, reader.number("cllr", 0, kMostFigure));
  DFA_ASSIGN_OR_RETURN(evidence.cllr_min, reader.number("cllr_min", 0, kMostFigure));
  DFA_TRY(reader.finish());
  return evidence;
}

Result<AbstainBand> read_abstain(const Json& json) {
  constexpr double kMostError = 0.5;
  RecordReader reader(json, "dfa.calibration abstain");
  AbstainBand band;
  DFA_ASSIGN_OR_RETURN(band.error, reader.number("error", 0, kMostError));
  DFA_ASSIGN_OR_RETURN(band.low, reader.number("low", 0, 1));
  DFA_ASSIGN_OR_RETURN(const Json* high, reader.any("high"));
  if (!high->is_null()) {
    DFA_ASSIGN_OR_RETURN(band.high, reader.number("high", band.low, 1));
  }
  DFA_TRY(reader.finish());
  return band;
}

Result<UnsupportedPart> read_left_out(const Json& json) {
  DFA_TRY(require_object(json, "left_out entry"));
  RecordReader reader(json, "dfa.calibration left_out");
  UnsupportedPart left_out;
  DFA_ASSIGN_OR_RETURN(left_out.name, reader.text("name"));
  DFA_ASSIGN_OR_RETURN(left_out.reason, reader.text("reason"));
  DFA_TRY(reader.finish());
  return left_out;
}

Result<CalibrationFigure> read_figure(const Json& json) {
  DFA_TRY(require_object(json, "figure"));
  RecordReader reader(json, "dfa.calibration figure");
  CalibrationFigure figure;
  DFA_ASSIGN_OR_RETURN(figure.level, reader.text("level"));
  if (figure.level != "frame" && figure.level != "video") return reader.refuse("level", "frame or video");
  DFA_ASSIGN_OR_RETURN(figure.metric, reader.text("metric"));
  DFA_ASSIGN_OR_RETURN(figure.before, reader.number("before", 0, kMostFigure));
  DFA_ASSIGN_OR_RETURN(figure.after, reader.number("after", 0, kMostFigure));
  DFA_TRY(reader.finish());
  return figure;
}

Result<std::vector<ReliabilityPoint>> read_reliability(RecordReader& reader, const std::string& key) {
  return read_list<ReliabilityPoint>(reader, key, [&](const Json& json) -> Result<ReliabilityPoint> {
    if (!json.is_array() || json.size() != 3 || !json[2].is_number_integer() || json[2].get<std::int64_t>() < 0)
      return fail(ErrorCode::model_incompatible, "{}: {} holds {}, expected [mean p_fake, share of fakes, count]",
                  kRecord, key, json_text(json).substr(0, 80));
    DFA_TRY(require_numbers(Json::array({json[0], json[1]}), key, 2, 0, 1));
    return ReliabilityPoint{json[0].get<double>(), json[1].get<double>(), json[2].get<long>()};
  });
}

// What version 2 adds.
Status read_additions(RecordReader& reader, Calibration& calibration) {
  DFA_ASSIGN_OR_RETURN(calibration.role, reader.text("role"));
  if (calibration.role.empty()) return reader.refuse("role", "the role of the crops it was measured on");
  DFA_ASSIGN_OR_RETURN(calibration.manifest_sha256, reader.text("manifest_sha256"));
  DFA_ASSIGN_OR_RETURN(calibration.stamps,
                       read_list<std::string>(reader, "stamps", [](const Json& json) -> Result<std::string> {
                         if (!json.is_string())
                           return fail(ErrorCode::model_incompatible, "{}: a stamp that is no text", kRecord);
                         return json.get<std::string>();
                       }));
  DFA_ASSIGN_OR_RETURN(calibration.real_crops, reader.integer("real_crops", 0, kMostCount));
  DFA_ASSIGN_OR_RETURN(calibration.fake_crops, reader.integer("fake_crops", 0, kMostCount));
  DFA_ASSIGN_OR_RETURN(calibration.left_out, read_list<UnsupportedPart>(reader, "left_out", read_left_out));
  if (reader.has("evidence")) {
    DFA_ASSIGN_OR_RETURN(const Json* evidence, reader.object("evidence"));
    DFA_ASSIGN_OR_RETURN(calibration.evidence, read_evidence(*evidence));
  }
  if (reader.has("abstain")) {
    DFA_ASSIGN_OR_RETURN(const Json* abstain, reader.object("abstain"));
    DFA_ASSIGN_OR_RETURN(calibration.abstain, read_abstain(*abstain));
  }
  DFA_ASSIGN_OR_RETURN(calibration.figures, read_list<CalibrationFigure>(reader, "figures", read_figure));
  DFA_ASSIGN_OR_RETURN(calibration.frame_reliability, read_reliability(reader, "frame_reliability"));
  DFA_ASSIGN_OR_RETURN(calibration.video_reliability, read_reliability(reader, "video_reliability"));
  return {};
}

}  // namespace

Result<Calibration> parse_calibration(std::string_view text) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_record(text, kRecord));
  RecordReader reader(json, std::string(kRecord));
  const bool version_1 = !reader.has("version");
  if (!version_1) DFA_TRY(reader.integer("version", kCalibrationVersion, kCalibrationVersion));
  Calibration calibration;
  DFA_ASSIGN_OR_RETURN(calibration.temperature, reader.number("temperature", kLowestTemperature, kHighestTemperature));
  const Intervals intervals = version_1 ? Intervals::absent : Intervals::required;
  DFA_ASSIGN_OR_RETURN(calibration.thresholds,
                       read_list<Threshold>(reader, "thresholds", [intervals](const Json& entry) {
                         return read_threshold(entry, intervals);
                       }));
  DFA_TRY(check_order(calibration.thresholds));
  DFA_ASSIGN_OR_RETURN(calibration.set, reader.text("set"));
  DFA_ASSIGN_OR_RETURN(calibration.reals, reader.integer("reals", 0, kMostCount));
  DFA_ASSIGN_OR_RETURN(calibration.fakes, reader.integer("fakes", 0, kMostCount));
  DFA_ASSIGN_OR_RETURN(calibration.date, reader.text("date"));
  if (!version_1) DFA_TRY(read_additions(reader, calibration));
  DFA_TRY(reader.finish());
  return calibration;
}

}  // namespace dfa
