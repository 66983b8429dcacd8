#include "report/html_page.hpp"

#include <fmt/format.h>

#include <cassert>

#include "report/html_text.hpp"

namespace dfa {

namespace {

// Colours of series: --series-1 to --series-8, told apart also by dashes (svg_chart.cpp), for those who see no colours.
constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--page:#f9f9f7;--card:#fcfcfb;--ink:#0b0b0b;--soft:#52514e;--faint:#6f6d68;--grid:#e1e0d9;--edge:rgba(11,11,11,.12);
--warn:#fdf0dc;--warn-edge:#c98500;--series-1:#2a78d6;--series-2:#d4521d;--series-3:#138a5f;--series-4:#b07800;--series-5:#c9538a;--series-6:#4f7a00;
--series-7:#4a3aa7;--series-8:#6b6b6b}
@media (prefers-color-scheme:dark){:root{--page:#0d0d0d;--card:#1a1a19;--ink:#fff;--soft:#c3c2b7;--faint:#a3a19a;--grid:#2f2f2c;--edge:rgba(255,255,255,.14);
--warn:#33270f;--warn-edge:#c98500;--series-1:#5aa2f2;--series-2:#f08256;--series-3:#35bd8b;--series-4:#dba52c;--series-5:#e884b0;--series-6:#93c23f;
--series-7:#a99ff2;--series-8:#a8a8a8}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0;overflow-wrap:anywhere}h2{font-size:18px;margin:32px 0 8px}h3{font-size:15px;margin:20px 0 6px}
p{margin:4px 0 12px;overflow-wrap:anywhere}p.sub,.sub{color:var(--soft)}
.facts{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}.facts div,figure,.table{background:var(--card);border:1px solid var(--edge);border-radius:8px}
.facts div{padding:10px 16px;min-width:130px;max-width:260px;flex:0 1 auto}.facts b{display:block;font-size:22px;font-weight:600}.facts span,.facts small{display:block;color:var(--soft);font-size:13px}
.curves{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(360px,100%),1fr));gap:16px;margin:12px 0}
figure{margin:0;padding:12px 14px;break-inside:avoid;min-width:0}figcaption{font-weight:600;margin-bottom:4px;overflow-wrap:anywhere}figure p{color:var(--soft);font-size:13px;margin:4px 0 0}
figure svg{width:100%;height:auto;display:block}
svg text{fill:var(--faint);font-size:14px;font-variant-numeric:tabular-nums}svg .grid{stroke:var(--grid);stroke-width:1}svg .guide{stroke:var(--faint);stroke-width:1;stroke-dasharray:2 3}
.line{fill:none;stroke:var(--line);stroke-width:2;stroke-linejoin:round}.area{fill:var(--line);fill-opacity:.18;stroke:none}svg circle{fill:var(--line)}.span{stroke:var(--line);stroke-width:1.5;opacity:.7}
.legend{display:flex;flex-wrap:wrap;gap:4px 14px;color:var(--soft);font-size:13px;margin-bottom:4px}.legend svg{width:26px;height:8px;display:inline-block;margin-right:6px;vertical-align:middle}
.legend span{overflow-wrap:anywhere}
.note{background:var(--warn);border-left:4px solid var(--warn-edge);border-radius:4px;padding:8px 14px;margin:8px 0;overflow-wrap:anywhere}.note ul{margin:4px 0;padding-left:20px}
.table{overflow-x:auto;padding:4px 12px;margin:8px 0}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}caption{text-align:left;color:var(--soft);padding:4px 10px;font-size:13px}
th{color:var(--soft);font-weight:500;text-align:right;vertical-align:bottom}td{text-align:right;border-top:1px solid var(--grid)}tbody th{border-top:1px solid var(--grid);color:var(--ink);vertical-align:top;max-width:34em;overflow-wrap:anywhere}
td,th{padding:4px 10px}th.t{min-width:8.5em}td.t,th.t{text-align:left}td{white-space:nowrap}td.t{white-space:normal;overflow-wrap:anywhere;min-width:9em}
tr.part th{text-align:left;color:var(--soft);font-size:13px;padding-top:10px;max-width:none}
dl{display:grid;grid-template-columns:minmax(9em,max-content) 1fr;gap:4px 18px;margin:8px 0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--card);border:1px solid var(--edge);border-radius:8px;padding:12px;overflow-x:auto;font-size:13px;white-space:pre-wrap;overflow-wrap:anywhere}summary{cursor:pointer;color:var(--soft)}details{margin:8px 0}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(132px,1fr));gap:12px;margin:8px 0}.gallery figure{padding:8px;font-size:12px;overflow-wrap:anywhere}.gallery img{width:100%;height:auto;display:block;border-radius:4px}
.gallery .none{aspect-ratio:1;display:grid;place-items:center;color:var(--faint);border:1px dashed var(--grid);border-radius:4px}.gallery b{font-size:15px;display:block;margin-top:4px}.gallery span{color:var(--soft);display:block}
@media (max-width:560px){main{padding:14px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}.facts div{flex:1 1 140px}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff}body{font-size:11px}main{max-width:none;padding:0}.curves{grid-template-columns:1fr 1fr}h2,h3{break-after:avoid}.table{overflow:visible}tr,.note,.facts div{break-inside:avoid}}
)css";

}  // namespace

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\"><title>{}</title><style>{}</style></head><body><main>\n{}"
      "</main></body></html>\n",
      escape_html(title), kStyle, body);
}

std::string html_note(std::string_view title, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  std::string list;
  for (const std::string& item : items) list += "<li>" + escape_html(item) + "</li>";
  return fmt::format("<div class=\"note\" role=\"note\"><b>{}</b><ul>{}</ul></div>\n", escape_html(title), list);
}

std::string html_facts(const std::vector<HtmlFact>& facts) {
  std::string html = "<div class=\"facts\">";
  for (const HtmlFact& fact : facts) {
    html += fmt::format("<div><b>{}</b><span>{}</span>", escape_html(fact.value), escape_html(fact.name));
    if (!fact.detail.empty()) html += "<small>" + escape_html(fact.detail) + "</small>";
    html += "</div>";
  }
  return html + "</div>\n";
}

std::string html_details(std::string_view summary, std::string_view content, Folding folding) {
  return fmt::format("<details{}><summary>{}</summary>{}</details>\n", folding == Folding::open ? " open" : "",
                     escape_html(summary), content);
}

void HtmlTable::add(const std::vector<std::string>& cells) {
  assert(cells.size() == columns_.size());
  rows_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const char* side = columns_[i].kind == ColumnKind::words ? " class=\"t\"" : "";
    rows_ += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", side, escape_html(cells[i]))
                    : fmt::format("<td{}>{}</td>", side, escape_html(cells[i]));
  }
  rows_ += "</tr>\n";
}

void HtmlTable::add_part(std::string_view title) {
  rows_ += fmt::format("<tr class=\"part\"><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>\n", columns_.size(),
                       escape_html(title));
}

std::string HtmlTable::html() const {
  std::string head;
  for (const HtmlColumn& column : columns_)
    head += fmt::format("<th scope=\"col\"{}>{}</th>", column.kind == ColumnKind::words ? " class=\"t\"" : "",
                        escape_html(column.name));
  const std::string caption = caption_.empty() ? "" : "<caption>" + escape_html(caption_) + "</caption>";
  return fmt::format(
      "<div class=\"table\" tabindex=\"0\"><table>{}<thead><tr>{}</tr></thead>\n<tbody>{}</tbody></table></div>\n",
      caption, head, rows_);
}

}  // namespace dfa
