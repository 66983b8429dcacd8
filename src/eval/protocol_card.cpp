#include "eval/protocol_card.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

// Section 5 of data-and-protocols.md, every item, and what else decides a number here.
constexpr std::string_view kKeys[] = {"dataset",
                                      "layout",
                                      "role",
                                      "compression",
                                      "split_rule",
                                      "real_class_rule",
                                      "crop_recipe",
                                      "crop_recipe_sha256",
                                      "frames_asked",
                                      "frames_distinct",
                                      "aggregation",
                                      "no_face_rule",
                                      "min_frames_per_video",
                                      "coverage",
                                      "selection_rule",
                                      "training_seed",
                                      "scores_by",
                                      "model_sha256",
                                      "base_weights_sha256",
                                      "threshold",
                                      "eer_definition",
                                      "interval_method"};

}  // namespace

void ProtocolCard::set(std::string_view key, std::string_view value) {
  const std::string_view shown = value.empty() ? kUnknown : value;
  const auto found = std::find_if(items.begin(), items.end(), [&](const CardItem& item) { return item.key == key; });
  if (found != items.end())
    found->value = shown;
  else
    items.push_back({std::string(key), std::string(shown)});
}

std::string_view ProtocolCard::get(std::string_view key) const {
  const auto found = std::find_if(items.begin(), items.end(), [&](const CardItem& item) { return item.key == key; });
  return found == items.end() ? kUnknown : std::string_view(found->value);
}

void ProtocolCard::stamp(std::string_view text) {
  if (std::find(stamps.begin(), stamps.end(), text) == stamps.end()) stamps.emplace_back(text);
}

ProtocolCard blank_protocol_card() {
  ProtocolCard card;
  for (const std::string_view key : kKeys) card.set(key, kUnknown);
  return card;
}

std::string card_title(std::string_view key) {
  std::string title(key);
  std::replace(title.begin(), title.end(), '_', ' ');
  return title;
}

std::string protocol_card_json(const ProtocolCard& card) {
  Json items = Json::object();
  for (const CardItem& item : card.items) items[item.key] = item.value;
  return Json({{"items", items}, {"stamps", card.stamps}}).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string protocol_card_text(const ProtocolCard& card) {
  std::string text;
  for (const std::string& stamp : card.stamps) text += fmt::format("STAMPED: {}\n", stamp);
  text += "protocol card\n";
  for (const CardItem& item : card.items) text += fmt::format("  {}: {}\n", card_title(item.key), item.value);
  return text;
}

}  // namespace dfa
