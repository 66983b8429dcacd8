#include "prepare/item_result.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

struct CountField {
  const char* name;
  std::int64_t FrameCounts::*field;
};
constexpr CountField kCounts[] = {
    {"wanted", &FrameCounts::wanted},           {"used", &FrameCounts::used},
    {"no_face", &FrameCounts::no_face},         {"other_face", &FrameCounts::other_face},
    {"too_small", &FrameCounts::too_small},     {"low_probability", &FrameCounts::low_probability},
    {"not_cropped", &FrameCounts::not_cropped}, {"failed", &FrameCounts::failed}};

Json crop_json(const CropResult& crop) {
  Json points = Json::array();
  for (const Point& p : crop.landmarks_px) points.push_back({p.x, p.y});
  return {{"frame", crop.frame},
          {"pts_seconds", crop.pts_seconds ? Json(*crop.pts_seconds) : Json(nullptr)},
          {"box_px", {crop.box_px.x1, crop.box_px.y1, crop.box_px.x2, crop.box_px.y2}},
          {"landmarks_px", std::move(points)},
          {"probability", crop.probability},
          {"sha256", crop.sha256},
          {"bytes", crop.bytes},
          {"mask_bytes", crop.mask_bytes},
          {"landmark_bytes", crop.landmark_bytes}};
}

// Json::at and get throw on what is missing or of another type; parse_item_result() catches it.
CropResult read_crop(const Json& json) {
  CropResult crop;
  crop.frame = json.at("frame").get<std::int64_t>();
  if (!json.at("pts_seconds").is_null()) crop.pts_seconds = json.at("pts_seconds").get<double>();
  const auto box = json.at("box_px").get<std::array<double, 4>>();
  crop.box_px = {box[0], box[1], box[2], box[3]};
  const auto points = json.at("landmarks_px").get<std::array<std::array<double, 2>, 5>>();
  for (std::size_t i = 0; i < points.size(); ++i) crop.landmarks_px[i] = {points[i][0], points[i][1]};
  crop.probability = json.at("probability").get<double>();
  crop.sha256 = json.at("sha256").get<std::string>();
  crop.bytes = json.at("bytes").get<std::uint64_t>();
  crop.mask_bytes = json.at("mask_bytes").get<std::uint64_t>();
  crop.landmark_bytes = json.at("landmark_bytes").get<std::uint64_t>();
  return crop;
}

ItemOutcome outcome_by_name(const std::string& name) {
  const auto found = std::find_if(kItemOutcomes.begin(), kItemOutcomes.end(),
                                  [&](ItemOutcome outcome) { return item_outcome_name(outcome) == name; });
  if (found == kItemOutcomes.end()) throw std::invalid_argument("outcome " + name);
  return *found;
}

ItemResult read_item(const Json& json) {
  ItemResult result;
  result.path = json.at("path").get<std::string>();
  result.source_bytes = json.at("source_bytes").get<std::uint64_t>();
  result.mask = json.at("mask").get<std::string>();
  result.outcome = outcome_by_name(json.at("outcome").get<std::string>());
  result.reason = json.at("reason").get<std::string>();
  result.rule =
      json.at("rule").get<std::string>() == track_rule_name(TrackRule::mask) ? TrackRule::mask : TrackRule::largest;
  result.tracks = json.at("tracks").get<std::int64_t>();
  for (const CountField& count : kCounts)
    result.frames.*count.field = json.at("frames").at(count.name).get<std::int64_t>();
  result.notes = json.at("notes").get<std::vector<std::string>>();
  for (const Json& crop : json.at("crops")) result.crops.push_back(read_crop(crop));
  return result;
}

}  // namespace

std::string_view item_outcome_name(ItemOutcome outcome) {
  switch (outcome) {
    case ItemOutcome::used:
      return "used";
    case ItemOutcome::no_face:
      return "no_face";
    case ItemOutcome::too_small:
      return "too_small";
    case ItemOutcome::low_probability:
      return "low_probability";
    case ItemOutcome::unreadable:
      return "unreadable";
  }
  return "unknown";
}

void FrameCounts::add(const FrameCounts& other) {
  for (const CountField& count : kCounts) this->*count.field += other.*count.field;
}

std::string item_result_json(const ItemResult& result) {
  Json counts, crops = Json::array();
  for (const CountField& count : kCounts) counts[count.name] = result.frames.*count.field;
  for (const CropResult& crop : result.crops) crops.push_back(crop_json(crop));
  const Json json = {{"path", result.path},     {"source_bytes", result.source_bytes},
                     {"mask", result.mask},     {"outcome", item_outcome_name(result.outcome)},
                     {"reason", result.reason}, {"rule", track_rule_name(result.rule)},
                     {"tracks", result.tracks}, {"frames", std::move(counts)},
                     {"notes", result.notes},   {"crops", std::move(crops)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ItemResult> parse_item_result(std::string_view line) {
  try {
    return read_item(Json::parse(line));
  } catch (const std::exception& error) {
    return fail(ErrorCode::manifest_invalid, "got no record of a prepared item ({})", error.what());
  }
}

}  // namespace dfa
