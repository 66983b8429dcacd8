// Parts that the pages of evaluations share: sections, charts side by side, pairs of words, where a page came from.
// Private to the room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/protocol_card.hpp"
#include "report/svg_chart.hpp"
#include "score/result.hpp"

namespace dfa {

// `content`: HTML; nothing where that is empty.
std::string section_html(std::string_view title, const std::string& content);
// Side by side where the window is wide enough.
std::string charts_html(const std::vector<Chart>& charts);
// Keys by their titles, where they have one.
std::string pairs_html(const std::vector<CardItem>& items);
// The section that lets one make the page again. `command_line`: empty = not known.
std::string origin_html(const ToolRecord& tool, const std::string& command_line, const std::vector<CardItem>& items);

}  // namespace dfa
