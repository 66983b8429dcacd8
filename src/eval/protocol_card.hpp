// The protocol card: under which rules a number came about. Printed and saved with every number (spec
// data-and-protocols.md, section 5); what is not known is written "unknown", never left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dfa {

inline constexpr std::string_view kUnknown = "unknown";

struct CardItem {
  std::string key;  // stable word of the JSON form, e.g. "real_class_rule"
  std::string value;
};

struct ProtocolCard {
  std::vector<CardItem> items;      // in the order of printing
  std::vector<std::string> stamps;  // what a reader must not miss: "selected on test", "--i-know: ...", "--force-crop"

  // Replaces the value of a key, or adds the item at the end. An empty value is written "unknown".
  void set(std::string_view key, std::string_view value);
  // The value; "unknown" for a key that the card does not have.
  std::string_view get(std::string_view key) const;
  // Once, however often it is given.
  void stamp(std::string_view text);
};

// Every item that a card must have, all unknown.
ProtocolCard blank_protocol_card();

// The key as people read it: "real class rule".
std::string card_title(std::string_view key);

// {"items":{key:value,...},"stamps":[...]}: JSON text in the card's order.
std::string protocol_card_json(const ProtocolCard& card);
// "  title: value" lines, and before them a line of capitals for every stamp.
std::string protocol_card_text(const ProtocolCard& card);

}  // namespace dfa
