#include "report/page_parts.hpp"

#include <fmt/format.h>

#include "report/html_text.hpp"

namespace dfa {

std::string section_html(std::string_view title, const std::string& content) {
  return content.empty() ? "" : fmt::format("<section><h2>{}</h2>\n{}</section>\n", escape_html(title), content);
}

std::string charts_html(const std::vector<Chart>& charts) {
  if (charts.empty()) return "";
  std::string html = "<div class=\"curves\">";
  for (const Chart& chart : charts) html += svg_chart(chart) + "\n";
  return html + "</div>\n";
}

std::string pairs_html(const std::vector<CardItem>& items) {
  std::string html;
  for (const CardItem& item : items)
    html += fmt::format("<dt>{}</dt><dd>{}</dd>", escape_html(card_title(item.key)), escape_html(item.value));
  return html.empty() ? "" : "<dl>" + html + "</dl>\n";
}

std::string origin_html(const ToolRecord& tool, const std::string& command_line, const std::vector<CardItem>& items) {
  std::vector<CardItem> all = {{"program", "dfa " + tool.version + " (" + tool.build + ")"}};
  all.insert(all.end(), items.begin(), items.end());
  const std::string command = command_line.empty() ? "" : "<pre>" + escape_html(command_line) + "</pre>\n";
  return section_html("How this page came about", command + pairs_html(all));
}

}  // namespace dfa
