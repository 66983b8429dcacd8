#include <algorithm>
#include <map>

#include "model/describe.hpp"
#include "model/load_report.hpp"
#include "model/metadata.hpp"
#include "model/strict_json.hpp"

namespace dfa {
namespace {

// 85,798,656
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::map<std::string, std::size_t> dtype_counts(const Model& model) {
  std::map<std::string, std::size_t> counts;
  for (const auto& [name, tensor] : model.weights) ++counts[std::string(dtype_name(tensor.dtype))];
  return counts;
}

// A backbone file holds no head, so it is not counted.
ParameterCounts parameters(const Model& model) {
  ParameterCounts counts = count_parameters(model.config);
  if (model.kind == kBackbone) counts.adapters = 0;
  return counts;
}

Json record(const std::string& text) {
  return text.empty() ? Json() : Json::parse(text, nullptr, false);
}

std::string line(std::string_view key, std::string_view value) {
  std::string text = fmt::format("{:<12} ", key);
  // Later lines of a longer text stand under the first.
  for (const char c : value) text += c == '\n' ? std::string("\n") + std::string(13, ' ') : std::string(1, c);
  while (text.ends_with(' ') || text.ends_with('\n')) text.pop_back();
  return text + "\n";
}

// {"a":1,"b":{"c":2}} as "a 1, b (c 2)".
std::string words(const Json& json) {
  if (!json.is_object()) return json.is_string() ? json.get<std::string>() : json_text(json);
  std::string text;
  for (const auto& [key, value] : json.items()) {
    if (!text.empty()) text += ", ";
    text += value.is_object() ? fmt::format("{} ({})", key, words(value)) : fmt::format("{} {}", key, words(value));
  }
  return text;
}

Json metadata_records(const Model& model) {
  const Metadata metadata = model_metadata(model);
  const auto parsed = [&](std::string_view key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? Json() : record(found->second);
  };
  return Json::object({{"config", parsed("dfa.config")},
                       {"crop", parsed("dfa.crop")},
                       {"calibration", parsed("dfa.calibration")},
                       {"quant", parsed("dfa.quant")},
                       {"training", parsed("dfa.training")}});
}

}  // namespace

std::string model_text(const Model& model) {
  const Json records = metadata_records(model);
  const ParameterCounts counts = parameters(model);
  std::string dtypes;
  for (const auto& [name, count] : dtype_counts(model))
    dtypes += fmt::format("{}{} {}", dtypes.empty() ? "" : ", ", count, name);
  std::string text = line("name", model.name.empty() ? "(none)" : model.name);
  text += line("kind", fmt::format("{}, format {}", model.kind, kModelFormat));
  text += line("sha256", model.sha256.empty() ? "(not from a file)" : model.sha256);
  text += line("network", words(records["config"]));
  text += line("parameters",
               fmt::format("{} trunk, {} adapters and head", grouped(counts.trunk), grouped(counts.adapters)));
  text += line("tensors", fmt::format("{} ({})", model.weights.size(), dtypes));
  if (model.kind == kDetector) {
    text += line("crop", words(records["crop"]));
    text += line("item rule", item_rule_words(model.item_rule));
    if (!model.substituted.empty()) text += line("note", model.substituted);
    text += line("calibration", model.calibration ? calibration_text(*model.calibration)
                                                  : "none: scores of this model are not validated");
    text += line("int8", model.quantised ? quantised_text(*model.quantised) : "no scales: engine int8 refuses it");
    text +=
        line("golden", model.golden ? fmt::format("{} crops with the logits of ref: dfa model verify recomputes them",
                                                  model.golden->count)
                                    : "none: the file cannot prove that an engine reads it right");
  }
  text += line("training", records["training"].is_null() ? "not recorded" : words(records["training"]));
  text += line("licence", model.license.empty() ? "not stated" : model.license);
  if (!model.card.empty()) text += line("card", model.card);
  return text;
}

std::string model_json(const Model& model) {
  const Json records = metadata_records(model);
  const ParameterCounts counts = parameters(model);
  Json json;
  json["schema"] = "dfa.model/1";
  json["name"] = model.name;
  json["kind"] = model.kind;
  json["format"] = kModelFormat;
  json["sha256"] = model.sha256.empty() ? Json() : Json(model.sha256);
  json["config"] = records["config"];
  json["crop"] = records["crop"];
  json["item_rule"] = item_rule_name(model.item_rule);
  json["substituted"] = model.substituted;
  json["parameters"] = Json::object({{"trunk", counts.trunk}, {"adapters", counts.adapters}});
  json["tensors"] = Json::object({{"count", model.weights.size()}, {"types", dtype_counts(model)}});
  json["calibration"] = records["calibration"];
  json["quant"] = records["quant"];
  json["golden"] = model.golden ? Json::object({{"count", model.golden->count}, {"side", model.golden->side}}) : Json();
  json["training"] = records["training"];
  json["license"] = model.license;
  json["card"] = model.card;
  return json_text(json);
}

}  // namespace dfa
