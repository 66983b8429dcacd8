// A protocol's page: ours and what was published apart, gaps as gaps, nothing from outside.
#include "report/protocol_page.hpp"

#include <gmock/gmock.h>

#include <cstddef>

#include "made_protocol.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string page_of(const MadeProtocol& made) {
  return protocol_page_html({made.report, made.scores, "dfa evaluate --protocol 'x<y'", {{"machine", "a & b"}}});
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(ProtocolPage, OursStandAboveWhatWasPublished) {
  const std::string html = page_of(made_protocol("table6", {{"FF", "CDF"}}));
  const std::size_t ours = html.find(">measured here<"), theirs = html.find(">published elsewhere, not measured here<");
  ASSERT_NE(ours, std::string::npos);
  ASSERT_NE(theirs, std::string::npos);
  const std::size_t figure = html.find("<td>75.00</td>", ours), published = html.find("<td>71.74</td>");
  EXPECT_LT(ours, figure);
  EXPECT_LT(figure, theirs);
  EXPECT_LT(theirs, published);
  EXPECT_THAT(html, HasSubstr("<b>1 of 2</b><span>cells run</span>"));
  EXPECT_THAT(html, HasSubstr("<b>75.00 %</b><span>FF-&gt;CDF, frame AUC</span>"));
  EXPECT_THAT(html, HasSubstr("FF-&gt;DFDC: not run: nothing was scored for it"));
}

TEST(ProtocolPage, CellsThatWereRunHaveCurvesAndTheOthersNone) {
  const std::string html = page_of(made_protocol("table6", {{"FF", "CDF"}}));
  EXPECT_EQ(count_of(html, "<details><summary>FF-&gt;"), 1u);
  EXPECT_THAT(html, HasSubstr("<summary>FF-&gt;CDF</summary>"));
  EXPECT_EQ(count_of(html, ">ROC</figcaption>"), 2u);  // of the row, and of the cell
}

TEST(ProtocolPage, AWideTableIsTurned) {
  MadeProtocol made = made_protocol("cross_manipulation", {{"DF", "FS"}});
  PublishedRow row;
  row.method = "Somebody";
  row.cells[{"DF", "FS"}].value = 61.5;
  made.report.result.protocol.published.push_back(row);
  const std::string html = page_of(made);
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\">ours, measured</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\">published: Somebody (paper)</th>"));
  EXPECT_THAT(html, testing::ContainsRegex("DF-&gt;FS</th><td>75.00</td>.*<td>61.5</td></tr>"));
}

TEST(ProtocolPage, NothingRunIsNoFigureOfOurs) {
  for (const std::string& name : protocol_names()) {
    const std::string html = page_of(made_protocol(name, {}));
    EXPECT_THAT(html, HasSubstr("<b>0 of ")) << name;
    EXPECT_EQ(count_of(html, "<svg"), 0u) << name;
    EXPECT_EQ(html.find(" %</b>"), std::string::npos) << name;
  }
}

TEST(ProtocolPage, NeedsNothingFromOutsideAndEscapesWhatItShows) {
  MadeProtocol made = made_protocol("table6", {{"FF", "CDF"}});
  made.report.stamps = {"row FF: <b>forced</b>"};
  const std::string html = page_of(made);
  for (const char* raw : {"<script", "src=", "http", "<b>forced"}) EXPECT_THAT(html, Not(HasSubstr(raw)));
  EXPECT_THAT(html, HasSubstr("row FF: &lt;b&gt;forced&lt;/b&gt;"));
  EXPECT_THAT(html, HasSubstr("&#39;x&lt;y&#39;"));
  EXPECT_THAT(html, HasSubstr("a &amp; b"));
}

TEST(ProtocolPage, ManyCellsAreDrawnUpToALimit) {
  const Protocol protocol = *find_protocol("cross_dataset");
  const std::string html = page_of(made_protocol("cross_dataset", protocol.cells));
  EXPECT_EQ(count_of(html, "<details><summary>FF"), std::min(protocol.cells.size(), kMostCellsDrawn));
  EXPECT_LT(html.size(), std::size_t{5} << 20);
}

}  // namespace
}  // namespace dfa::test
