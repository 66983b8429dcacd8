#include "preprocess/crop_recipe.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "base/hash.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

// Far above any crop that a network here reads; keeps a hostile model file from asking for a picture of terabytes.
constexpr int kLargestStoredPx = 4096;
constexpr double kLargestScale = 100.0;
// A recipe has a dozen short fields.
constexpr std::size_t kLongestText = 16 * 1024;

struct KindName {
  CropKind kind;
  std::string_view name;
};
constexpr KindName kKinds[] = {{CropKind::aligned, "aligned"},
                               {CropKind::square_inside, "square_inside"},
                               {CropKind::aligned_refound, "aligned_refound"},
                               {CropKind::aligned_lmeds, "aligned_lmeds"},
                               {CropKind::box_stretched, "box_stretched"},
                               {CropKind::box_letterboxed, "box_letterboxed"}};

std::string_view kind_name(CropKind kind) {
  for (const KindName& known : kKinds)
    if (known.kind == kind) return known.name;
  return "unknown";
}

// The one list of fields: JSON order, hash and difference follow it.
Json to_json(const CropRecipe& recipe) {
  Json json;
  json["name"] = recipe.name;
  json["kind"] = kind_name(recipe.kind);
  json["scale"] = recipe.scale;
  json["stored_px"] = recipe.stored_px;
  json["detector"] = recipe.detector;
  json["detector_sha256"] = recipe.detector_sha256;
  json["interpolation"] = recipe.interpolation;
  json["colour"] = recipe.colour;
  json["yuv"] = recipe.yuv;
  json["mean"] = recipe.mean;
  json["std"] = recipe.std;
  json["frames"] = recipe.frames;
  return json;
}

tl::unexpected<Error> invalid(std::string_view what) {
  return fail(
      ErrorCode::model_incompatible,
      "crop recipe: {}; likely cause: written by another version or edited by hand; next step: export the model "
      "again with this version",
      what);
}

// Errors: model_incompatible for broken JSON, a key given twice, missing or unknown keys.
Result<Json> parse_object(std::string_view text) {
  if (text.size() > kLongestText)
    return invalid(fmt::format("{} bytes of JSON, expected at most {}", text.size(), kLongestText));
  std::set<std::string> seen;
  std::string repeated;
  const auto note_keys = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second)
      repeated = parsed.get<std::string>();
    return true;
  };
  Json json = Json::parse(text, note_keys, false);
  if (!json.is_object()) return invalid("not a JSON object");
  if (!repeated.empty()) return invalid(fmt::format("key '{}' is given twice", repeated));
  const Json expected = to_json(CropRecipe{});
  for (const auto& [key, value] : expected.items())
    if (!json.contains(key)) return invalid(fmt::format("key '{}' is missing", key));
  for (const auto& [key, value] : json.items())
    if (!expected.contains(key)) return invalid(fmt::format("unknown key '{}'", key));
  return json;
}

Result<std::string> text_field(const Json& json, std::string_view key) {
  const Json& value = json.at(std::string(key));
  if (!value.is_string()) return invalid(fmt::format("'{}' must be text, got {}", key, value.dump()));
  return value.get<std::string>();
}

Result<double> number_field(const Json& json, std::string_view key) {
  const Json& value = json.at(std::string(key));
  if (!value.is_number()) return invalid(fmt::format("'{}' must be a number, got {}", key, value.dump()));
  return value.get<double>();
}

Result<int> whole_field(const Json& json, std::string_view key, int lowest, int highest) {
  const Json& value = json.at(std::string(key));
  if (!value.is_number_integer() || value < lowest || value > highest)
    return invalid(fmt::format("'{}' must be a whole number in {}..{}, got {}", key, lowest, highest, value.dump()));
  return value.get<int>();
}

Result<std::array<double, 3>> triple_field(const Json& json, std::string_view key) {
  const Json& value = json.at(std::string(key));
  const bool numbers =
      value.is_array() && std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_number(); });
  if (!numbers || value.size() != 3)
    return invalid(fmt::format("'{}' must be three numbers, got {}", key, value.dump()));
  return value.get<std::array<double, 3>>();
}

Result<CropKind> kind_field(const Json& json) {
  DFA_ASSIGN_OR_RETURN(const std::string name, text_field(json, "kind"));
  for (const KindName& known : kKinds)
    if (known.name == name) return known.kind;
  std::string known;
  for (const KindName& kind : kKinds) known += fmt::format("{}{}", known.empty() ? "" : ", ", kind.name);
  return invalid(fmt::format("kind '{}' is not known, expected one of {}", name, known));
}

// What no field's type can say.
Status check_values(const CropRecipe& recipe) {
  if (recipe.name.empty()) return invalid("'name' is empty");
  // Shrinking the margin below half the face is no face crop; the comparison is written so that NaN fails.
  if (!(recipe.scale >= 0.5 && recipe.scale <= kLargestScale))
    return invalid(fmt::format("scale {} is outside 0.5..{}", recipe.scale, kLargestScale));
  if (recipe.interpolation != "bilinear" && recipe.interpolation != "bicubic")
    return invalid(fmt::format("interpolation '{}' is not known, expected bilinear or bicubic", recipe.interpolation));
  if (recipe.colour != "rgb") return invalid(fmt::format("colour '{}' is not known, expected rgb", recipe.colour));
  for (const double mean : recipe.mean)
    if (!std::isfinite(mean)) return invalid("'mean' holds a number that is not finite");
  for (const double deviation : recipe.std)
    if (!(deviation > 0 && std::isfinite(deviation))) return invalid("'std' must be three numbers above 0");
  return {};
}

// The recipes that the field uses, one function a source.

CropRecipe square_inside() {
  CropRecipe recipe;
  recipe.name = "square1.3-inside";
  recipe.kind = CropKind::square_inside;
  return recipe;
}

// DeepfakeBench and those who take its crops: dlib, five of its points, a face found again after the warp.
CropRecipe deepfakebench() {
  CropRecipe recipe;
  recipe.name = "dfb";
  recipe.kind = CropKind::aligned_refound;
  recipe.detector = "dlib";
  return recipe;
}

// GenD (WACV 2026). Its network is CLIP's: bicubic, CLIP's mean and deviation. Its detector is SCRFD.
CropRecipe gend() {
  CropRecipe recipe;
  recipe.name = "gend";
  recipe.kind = CropKind::aligned_lmeds;
  recipe.interpolation = "bicubic";
  recipe.mean = {0.48145466, 0.4578275, 0.40821073};
  recipe.std = {0.26862954, 0.26130258, 0.27577711};
  return recipe;
}

// Self-blended images, at test time: 12.5 % of the box on each side. Its detector is RetinaFace; pixels are only
// divided by 255.
CropRecipe self_blended() {
  CropRecipe recipe;
  recipe.name = "sbi";
  recipe.kind = CropKind::box_stretched;
  recipe.scale = 1.25;
  recipe.stored_px = 380;
  recipe.mean = {0, 0, 0};
  recipe.std = {1, 1, 1};
  return recipe;
}

// FaceForensics: square of 1.3 times dlib's longer side, no alignment; its network reads 299 pixels.
CropRecipe face_forensics() {
  CropRecipe recipe;
  recipe.name = "ffpp";
  recipe.kind = CropKind::square_inside;
  recipe.detector = "dlib";
  recipe.stored_px = 299;
  return recipe;
}

// The winner of the DFDC: a third of the box on each side, zero padded; ImageNet's mean and deviation.
CropRecipe dfdc_large() {
  CropRecipe recipe;
  recipe.name = "dfdc-large";
  recipe.kind = CropKind::box_letterboxed;
  recipe.scale = 5.0 / 3.0;
  recipe.stored_px = 380;
  recipe.mean = {0.485, 0.456, 0.406};
  recipe.std = {0.229, 0.224, 0.225};
  return recipe;
}

const std::vector<CropRecipe>& published_recipes() {
  static const std::vector<CropRecipe> recipes = {CropRecipe{},   square_inside(),  deepfakebench(), gend(),
                                                  self_blended(), face_forensics(), dfdc_large()};
  return recipes;
}

}  // namespace

std::vector<std::string_view> crop_recipe_names() {
  std::vector<std::string_view> names;
  for (const CropRecipe& recipe : published_recipes()) names.push_back(recipe.name);
  return names;
}

Result<CropRecipe> crop_recipe_by_name(std::string_view name) {
  for (const CropRecipe& recipe : published_recipes())
    if (recipe.name == name) return recipe;
  return fail(ErrorCode::usage, "crop recipe '{}' is not known; known: {}", name, fmt::join(crop_recipe_names(), ", "));
}

std::string crop_recipe_json(const CropRecipe& recipe) {
  // Bytes that are no UTF-8 cannot come from parse_crop_recipe; replaced rather than thrown about.
  return to_json(recipe).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<CropRecipe> parse_crop_recipe(std::string_view text) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_object(text));
  CropRecipe recipe;
  DFA_ASSIGN_OR_RETURN(recipe.name, text_field(json, "name"));
  DFA_ASSIGN_OR_RETURN(recipe.kind, kind_field(json));
  DFA_ASSIGN_OR_RETURN(recipe.scale, number_field(json, "scale"));
  DFA_ASSIGN_OR_RETURN(recipe.stored_px, whole_field(json, "stored_px", 1, kLargestStoredPx));
  DFA_ASSIGN_OR_RETURN(recipe.detector, text_field(json, "detector"));
  DFA_ASSIGN_OR_RETURN(recipe.detector_sha256, text_field(json, "detector_sha256"));
  DFA_ASSIGN_OR_RETURN(recipe.interpolation, text_field(json, "interpolation"));
  DFA_ASSIGN_OR_RETURN(recipe.colour, text_field(json, "colour"));
  DFA_ASSIGN_OR_RETURN(recipe.yuv, text_field(json, "yuv"));
  DFA_ASSIGN_OR_RETURN(recipe.mean, triple_field(json, "mean"));
  DFA_ASSIGN_OR_RETURN(recipe.std, triple_field(json, "std"));
  DFA_ASSIGN_OR_RETURN(recipe.frames, text_field(json, "frames"));
  DFA_TRY(check_values(recipe));
  return recipe;
}

std::string crop_recipe_hash(const CropRecipe& recipe) {
  return sha256_hex(crop_recipe_json(recipe));
}

std::string crop_recipe_difference(const CropRecipe& a, const CropRecipe& b) {
  const Json first = to_json(a), second = to_json(b);
  const auto words = [](const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); };
  std::string difference;
  for (const auto& [key, value] : first.items()) {
    if (value == second.at(key)) continue;
    if (!difference.empty()) difference += "; ";
    difference += fmt::format("{}: {} against {}", key, words(value), words(second.at(key)));
  }
  return difference;
}

}  // namespace dfa
