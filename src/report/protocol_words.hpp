// What stands below a protocol's tables, in words, for every form that is read by people. Private to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/protocol_format.hpp"

namespace dfa {

inline constexpr std::string_view kPublishedElsewhere = "published elsewhere, not measured here";

struct ProtocolSection {
  std::string title;
  std::vector<std::string> lines;  // none: the section is left out
};

std::vector<ProtocolSection> protocol_sections(const ProtocolReport& report);
// "3 of 8 cells run"
std::string protocol_summary(const ProtocolReport& report);

}  // namespace dfa
