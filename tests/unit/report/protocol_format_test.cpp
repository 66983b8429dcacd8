// A protocol's forms: what was not measured is empty in ours, whatever others published.
#include "report/protocol_format.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "made_protocol.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

ProtocolReport report_of(const std::string& name, const std::vector<CellName>& run = {}) {
  return made_protocol(name, run).report;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& start) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(start)) found.push_back(line);
  return found;
}

bool has_digit(const std::string& text) {
  return text.find_first_of("0123456789") != std::string::npos;
}

TEST(ProtocolFormat, NothingRunLeavesOurColumnEmptyInEveryForm) {
  for (const std::string& name : protocol_names()) {
    const ProtocolReport report = report_of(name);
    for (const std::string& line : lines_with(protocol_text(report, ProtocolForm::csv), "ours,")) {
      // who,method,grade,level,metric,row,test,percent,low,high,reals,fakes,note
      std::istringstream fields(line);
      std::string field;
      for (int i = 0; i < 12; ++i) {
        std::getline(fields, field, ',');
        if (i >= 7) {
          EXPECT_EQ(field, "") << name << ": " << line;
        }
      }
    }
    const json read = json::parse(protocol_text(report, ProtocolForm::json));
    EXPECT_EQ(read["summary"]["run"], 0);
    for (const auto& list : {read["cells"], read["averages"]})
      for (const json& one : list)
        for (const json& level : one["ours"])
          for (const auto& [metric, value] : level.items()) {
            EXPECT_TRUE(value["value"].is_null()) << name << " " << one.dump();
            EXPECT_FALSE(value["undefined"].get<std::string>().empty());
          }
    for (const ProtocolForm form : {ProtocolForm::markdown, ProtocolForm::latex})
      for (const std::string start : {"| ours, measured", "|   95", "ours, measured", "  95"})
        for (const std::string& line : lines_with(protocol_text(report, form), start))
          EXPECT_FALSE(has_digit(line.substr(start.size()))) << name << ": " << line;
  }
  const std::string text = protocol_text(report_of("table7"), ProtocolForm::text);
  ASSERT_EQ(lines_with(text, "ours, measured").size(), 1u);
  EXPECT_FALSE(has_digit(lines_with(text, "ours, measured")[0]));
  EXPECT_THAT(text, HasSubstr("DF->DF1.0: not run: nothing was scored for it"));
}

TEST(ProtocolFormat, OursStandsAboveWhatWasPublished) {
  const ProtocolReport report = report_of("table6", {{"FF", "CDF"}});
  const std::string text = protocol_text(report, ProtocolForm::text);
  const std::vector<std::string> ours = lines_with(text, "ours, measured");
  ASSERT_EQ(ours.size(), 2u);  // AUC and EER
  EXPECT_THAT(ours[0], testing::ContainsRegex("75\\.00 +-$"));
  EXPECT_THAT(lines_with(text, "DeepFake-Adapter  ")[0], testing::ContainsRegex("paper\\* +71\\.74 +72\\.66"));
  EXPECT_THAT(text, HasSubstr("1 of 2 cells run"));
  EXPECT_THAT(text, HasSubstr("FF->CDF: 2 real videos, the whole set has 178"));
  EXPECT_THAT(text, HasSubstr("class-balanced subsets whose lists are not published"));
  const json read = json::parse(protocol_text(report, ProtocolForm::json));
  EXPECT_EQ(read["schema"], "dfa.protocol/1");
  EXPECT_EQ(read["cells"][0]["ours"]["frame"]["auc"]["value"], 0.75);
  EXPECT_EQ(read["cells"][0]["published"].size(), 12u);
  EXPECT_EQ(read["cells"][0]["published"][10]["percent"], 71.74);
  EXPECT_EQ(read["cells"][0]["published"][10]["inferred"][0], "compression");
  EXPECT_EQ(read["cells"][1]["gap"], "nothing was scored for it");
  const std::string csv = protocol_text(report, ProtocolForm::csv);
  EXPECT_EQ(lines_with(csv, "ours,,,frame,auc,FF,CDF,75.000000,").size(), 1u);
  EXPECT_EQ(lines_with(csv, "published,DeepFake-Adapter,paper,frame,eer,FF,CDF,33.98,,,,,inferred: compression").size(),
            1u);
}

TEST(ProtocolFormat, MarkdownAndLatexAreWellFormed) {
  const ProtocolReport report = report_of("cross_dataset", {{"FF", "CDFv2"}});
  EXPECT_THAT(lines_with(protocol_text(report, ProtocolForm::text), "Forensics Adapter  ")[0], HasSubstr("89.0s"));
  std::size_t columns = 0;
  for (const std::string& line : lines_with(protocol_text(report, ProtocolForm::markdown), "|")) {
    const auto bars = static_cast<std::size_t>(std::count(line.begin(), line.end(), '|'));
    if (line.find(", % |") != std::string::npos) columns = bars;  // the head of a table
    EXPECT_EQ(bars, columns) << line;
  }
  const std::string latex = protocol_text(report, ProtocolForm::latex);
  EXPECT_THAT(latex, HasSubstr("FF-\\textgreater{}CDFv2"));
  EXPECT_THAT(latex, HasSubstr("video AUC, \\%"));
  EXPECT_THAT(latex, Not(HasSubstr("FF->CDFv2 &")));
  EXPECT_EQ(lines_with(latex, "\\begin{tabular}").size(), lines_with(latex, "\\end{tabular}").size());
}

TEST(ProtocolFormat, ExplainsWhatIsNeeded) {
  const std::string text = protocol_explanation(*find_protocol("table6"));
  for (const std::string words :
       {"dfa prepare ffpp ROOT --compression c40 --out DIR", "dfa prepare celebdf2 ROOT --out DIR", "by request form",
        "--model FF=FILE", "178 videos", "340 videos", "inferred: compression", "EER of FF->CDF, FF->DFDC"})
    EXPECT_THAT(text, HasSubstr(words));
  EXPECT_THAT(protocol_explanation(*find_protocol("leave_one_out")), HasSubstr("no published figures are known"));
  std::vector<Protocol> all;
  for (const std::string& name : protocol_names()) all.push_back(*find_protocol(name));
  EXPECT_THAT(protocol_list(all), HasSubstr("table7 "));
}

TEST(ProtocolFormat, FormsHaveNames) {
  for (const ProtocolFormInfo& info : protocol_forms()) EXPECT_EQ(protocol_form_by_name(info.name), info.form);
  EXPECT_EQ(protocol_form_by_name("html").error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace dfa::test
