#include "score/result_json.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "score/likelihood.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kPixelSteps = 100;       // a hundredth of a pixel
constexpr double kSecondSteps = 1000000;  // a microsecond

double rounded(double value, double steps) {
  return std::round(value * steps) / steps;
}
double px(double value) {
  return rounded(value, kPixelSteps);
}
double seconds(double value) {
  return rounded(value, kSecondSteps);
}

// What was not measured is null; so is a number that is not finite (the library's own rule).
Json number(std::optional<double> value) {
  return value ? Json(*value) : Json(nullptr);
}
Json text(const std::optional<std::string>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool is_utf8(const std::string& value) {
  try {
    (void)Json(value).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

std::string hex(const std::string& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

Json face_json(const FaceRecord& face) {
  Json landmarks = Json::array();
  for (const Point& point : face.landmarks_px) landmarks.push_back({px(point.x), px(point.y)});
  const Box& box = face.box_px;
  return {
      {"frame", face.frame},
      {"pts_seconds", seconds(face.pts_seconds)},
      {"box_px", {px(box.x1), px(box.y1), px(box.width()), px(box.height())}},
      {"landmarks_px", std::move(landmarks)},
      {"detector_score", number(face.detector_score)},
      {"quality", {{"shorter_side_px", px(face.quality.shorter_side_px)}, {"fate", face_fate_name(face.quality.fate)}}},
      {"p_fake", number(face.p_fake)}};
}

// Every face of a long video as one JSON tree would take kilobytes a face: the text is joined from small pieces
// instead.
template <class Values, class ToJson>
std::string dump_array(const Values& values, ToJson to_json) {
  std::string text = "[";
  for (const auto& value : values) {
    if (text.size() > 1) text += ',';
    text += dump(to_json(value));
  }
  return text + ']';
}

Json interval_json(const IntervalRecord& interval) {
  return {{"from_seconds", seconds(interval.from_seconds)},
          {"to_seconds", seconds(interval.to_seconds)},
          {"p_fake_mean", number(interval.p_fake_mean)},
          {"p_fake_max", number(interval.p_fake_max)}};
}

std::string person_text(const PersonRecord& person) {
  std::string text = dump(Json{{"id", person.id}, {"p_fake", number(person.p_fake)}});
  text.back() = ',';  // instead of the closing brace
  text += "\"faces\":" + dump_array(person.faces, face_json);
  return text + ",\"intervals\":" + dump_array(person.intervals, interval_json) + '}';
}

Json work_json(const WorkRecord& work) {
  return {{"frames_declared", work.frames_declared},
          {"frames_counted", work.frames_counted},
          {"frames_decoded", work.frames_decoded},
          {"frames_searched", work.frames_searched},
          {"frames_failed", work.frames_failed},
          {"faces_found", work.faces_found},
          {"faces_used", work.faces_used},
          {"faces_over_limit", work.faces_over_limit},
          {"seconds",
           {{"decode", seconds(work.seconds.decode)},
            {"detect", seconds(work.seconds.detect)},
            {"score", seconds(work.seconds.score)}}}};
}

Json likelihood_json(const LikelihoodRatio& ratio) {
  return {{"value", number(ratio.value)},
          {"log10", number(ratio.log10)},
          {"bound", likelihood_bound_name(ratio.bound)},
          {"words", ratio.words}};
}

Json interval_pair(const std::optional<ShareInterval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

Json abstain_json(const std::optional<AbstainBand>& band) {
  if (!band) return nullptr;
  return {{"error", band->error}, {"low", band->low}, {"high", number(band->high)}};
}

Json operating_point_json(const OperatingPoint& point) {
  return {{"name", point.name},
          {"threshold", number(point.threshold)},
          {"expected_fpr", number(point.expected_fpr)},
          {"expected_tpr", number(point.expected_tpr)},
          {"calibrated_on", text(point.calibrated_on)},
          {"expected_fpr_interval", interval_pair(point.expected_fpr_interval)},
          {"expected_tpr_interval", interval_pair(point.expected_tpr_interval)},
          {"abstain", abstain_json(point.abstain)},
          {"stamps", Json(point.stamps)}};
}

// The keys of an item with the closing brace, and without the opening one.
std::string item_tail(const ItemRecord& item) {
  Json head;
  head["input"] = item.input;
  if (!is_utf8(item.input)) head["input_hex"] = hex(item.input);
  head["sha256"] = text(item.sha256);
  head["kind"] = media_kind_name(item.kind);
  head["outcome"] = outcome_name(item.outcome);
  head["reason"] = item.reason;
  head["p_fake"] = number(item.p_fake);
  head["verdict"] = item.verdict ? Json(verdict_name(*item.verdict)) : Json(nullptr);
  if (item.likelihood_ratio) head["likelihood_ratio"] = likelihood_json(*item.likelihood_ratio);
  std::string tail = dump(head).substr(1);
  tail.back() = ',';  // instead of the closing brace
  tail += "\"persons\":[";
  for (const PersonRecord& person : item.persons) {
    if (&person != item.persons.data()) tail += ',';
    tail += person_text(person);
  }
  return tail + "],\"work\":" + dump(work_json(item.work)) + '}';
}

enum class Card { leave_out, write };

Json run_json(const RunRecord& run, Card card) {
  Json model = {{"name", run.model.name}, {"sha256", run.model.sha256}};
  if (card == Card::write) model["card"] = run.model.card;
  if (!run.model.substituted.empty()) model["substituted"] = run.model.substituted;
  return {{"schema", kResultSchema},
          {"tool", {{"version", run.tool.version}, {"build", run.tool.build}}},
          {"model", std::move(model)},
          {"engine", {{"precision", run.engine.precision}, {"isa", run.engine.isa}, {"threads", run.engine.threads}}},
          {"crop",
           {{"recipe", run.crop.recipe},
            {"recipe_sha256", run.crop.recipe_sha256},
            {"detector", run.crop.detector},
            {"detector_sha256", run.crop.detector_sha256},
            {"forced", run.crop.forced == CropForced::yes},
            {"difference", run.crop.difference}}},
          {"score_semantics", kScoreSemantics},
          {"rule", item_rule_words(run.model.item_rule)},
          {"operating_point", operating_point_json(run.operating_point)}};
}

}  // namespace

std::string result_json_begin(const RunRecord& run) {
  std::string head = dump(run_json(run, Card::write));
  head.pop_back();  // the closing brace: items and summary follow
  return head + ",\n\"items\":[";
}

std::string result_json_item(const ItemRecord& item) {
  return '{' + item_tail(item);
}

std::string result_json_end(const SummaryRecord& summary) {
  const Json json = {
      {"inputs", summary.inputs},
      {"scored", summary.scored},
      {"no_face", summary.no_face},
      {"low_quality", summary.low_quality},
      {"decode_error", summary.decode_error},
      {"abstained", summary.abstained},
      {"not_analysed", summary.not_analysed},
      {"fakes", summary.fakes},
      {"skipped",
       {{"hidden", summary.skipped.hidden}, {"links", summary.skipped.links}, {"other", summary.skipped.other}}},
      {"seconds", seconds(summary.seconds)}};
  return "],\n\"summary\":" + dump(json) + "}\n";
}

std::string result_json_line(const RunRecord& run, const ItemRecord& item) {
  std::string line = dump(run_json(run, Card::leave_out));
  line.back() = ',';  // instead of the closing brace
  return line + item_tail(item) + '\n';
}

}  // namespace dfa
