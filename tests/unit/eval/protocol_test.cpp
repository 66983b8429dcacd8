// Protocols as data: that the files say what they should, and that a file that does not is refused.
#include "eval/protocol.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "dataset/source_list.hpp"
#include "json_schema.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

Protocol protocol_of(const std::string& name) {
  auto protocol = find_protocol(name);
  EXPECT_TRUE(protocol) << protocol.error().message;
  return protocol ? *protocol : Protocol{};
}

const PublishedRow& published(const Protocol& protocol, const std::string& method, Metric metric = Metric::auc,
                              ScoreLevel level = ScoreLevel::frame) {
  for (const PublishedRow& row : protocol.published)
    if (row.method == method && row.metric == metric && row.level == level) return row;
  ADD_FAILURE() << method << " is not in " << protocol.name;
  static const PublishedRow none;
  return none;
}

std::string file_text(const std::string& name) {
  std::ifstream file(source_path("protocols/" + name + ".json"));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Protocols, FitTheSchemaAndAreThoseOfTheFolder) {
  const auto schema = nlohmann::json::parse(file_text("schema"));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_path("protocols")))
    files += entry.path().extension() == ".json" ? 1 : 0;
  EXPECT_EQ(files, protocol_names().size() + 1);  // and the schema
  for (const std::string& name : protocol_names()) {
    EXPECT_THAT(schema_violations(schema, nlohmann::json::parse(file_text(name))), testing::IsEmpty()) << name;
    EXPECT_EQ(protocol_of(name).name, name);
    for (const ProtocolData& data : protocol_of(name).data) EXPECT_NE(layout_info(data.layout), nullptr) << data.name;
  }
}

// Inputs are rounded to .1 and so is the average: together they may be off by .1.
TEST(Protocols, PublishedAveragesAreThoseOfTheirFigures) {
  constexpr double kRounding = 0.1 + 1e-9;
  std::size_t checked = 0, disagreeing = 0;
  for (const std::string& name : protocol_names()) {
    const Protocol protocol = protocol_of(name);
    for (const PublishedRow& row : protocol.published)
      for (const ProtocolAverage& average : protocol.averages) {
        const auto stated = row.averages.find(average.name);
        if (stated == row.averages.end()) continue;
        double sum = 0;
        std::size_t found = 0;
        for (const CellName& cell : average.cells)
          if (const auto at = row.cells.find(cell); at != row.cells.end()) sum += at->second.value, ++found;
        if (found < average.cells.size()) continue;
        const double difference = std::abs(sum / static_cast<double>(found) - stated->second.value);
        ++checked;
        if (stated->second.note.empty())
          EXPECT_LE(difference, kRounding) << protocol.name << ", " << row.method;
        else
          disagreeing += difference > kRounding ? 1 : 0;  // and the file says so
      }
  }
  EXPECT_EQ(checked, 13u);  // seven of table 7, five means of seven sets, one of eight swaps
  EXPECT_EQ(disagreeing, 1u);
}

TEST(Protocols, HoldThePapersFigures) {
  const Protocol table3 = protocol_of("table3");
  EXPECT_EQ(published(table3, "DeepFake-Adapter").cells.at({"DF_c40", "DF_c40"}).value, 99.57);
  EXPECT_EQ(published(table3, "SIM", Metric::accuracy, ScoreLevel::video).cells.at({"NT_c40", "NT_c40"}).value, 94.28);
  EXPECT_EQ(published(table3, "Xception", Metric::accuracy, ScoreLevel::video).cells.at({"F2F_c40", "F2F_c40"}).value,
            91.07);
  const Protocol table4 = protocol_of("table4");
  EXPECT_EQ(published(table4, "DeepFake-Adapter").cells.at({"DF", "FS"}).value, 79.51);
  EXPECT_EQ(published(table4, "RECCE").cells.at({"FS", "DF"}).value, 82.39);
  const Protocol table6 = protocol_of("table6");
  EXPECT_EQ(published(table6, "DeepFake-Adapter").cells.at({"FF", "CDF"}).value, 71.74);
  EXPECT_EQ(published(table6, "DeepFake-Adapter", Metric::eer).cells.at({"FF", "DFDC"}).value, 32.68);
  EXPECT_EQ(published(table6, "F3-Net", Metric::eer).cells.at({"FF", "CDF"}).value, 42.03);
  const Protocol table7 = protocol_of("table7");
  EXPECT_EQ(published(table7, "DeepFake-Adapter").cells.at({"DF", "DF1.0"}).value, 91.2);
  EXPECT_EQ(published(table7, "DeepFake-Adapter").averages.at("avg").value, 80.8);
  EXPECT_EQ(published(table7, "Face X-ray").cells.at({"FS", "DF1.0"}).value, 79.5);
}

TEST(Protocols, SayWhatIsSecondHandAndWhatIsInferred) {
  const Protocol field = protocol_of("cross_dataset");
  const PublishedRow& effort = published(field, "Effort (CLIP-L/14)", Metric::auc, ScoreLevel::video);
  EXPECT_EQ(effort.grade, Grade::paper);
  EXPECT_EQ(effort.cells.at({"FF", "FF"}).grade, Grade::second_hand);
  const PublishedRow& recce = published(field, "RECCE", Metric::auc, ScoreLevel::video);
  EXPECT_EQ(recce.grade, Grade::second_hand);
  EXPECT_THAT(recce.source, HasSubstr("Effort"));
  EXPECT_EQ(published(field, "Forensics Adapter", Metric::auc, ScoreLevel::video).cells.at({"FF", "WDF"}).grade,
            Grade::second_hand);
  const PublishedFigure& range =
      published(field, "GenD (CLIP-L/14)", Metric::auc, ScoreLevel::video).cells.at({"FF", "DFDC"});
  EXPECT_EQ(range.value, 87.0);
  EXPECT_EQ(range.to, 87.1);
  EXPECT_EQ(published(field, "DBCF with SBI").cells.at({"FF", "CDFv2"}).deviation, 0.6);
  EXPECT_THAT(published(field, "DeepFake-Adapter").inferred, testing::ElementsAre("compression"));
  for (const std::string name : {"table4", "table7"})
    for (const PublishedRow& row : protocol_of(name).published)
      EXPECT_THAT(row.inferred, testing::Contains("level")) << name << ", " << row.method;
}

TEST(Protocols, UnknownNamesAreAnsweredWithTheNearest) {
  const auto unknown = find_protocol("tabel6");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::usage);
  EXPECT_THAT(unknown.error().message, HasSubstr("table6"));
  EXPECT_EQ(find_protocol("no/such.json").error().code, ErrorCode::file_not_found);
}

class ProtocolFile : public testing::Test {
 protected:
  // What is said of table7 with one change.
  static std::string refusal(const std::function<void(nlohmann::json&)>& change) {
    nlohmann::json json = nlohmann::json::parse(file_text("table7"));
    change(json);
    const auto protocol = parse_protocol(json.dump(), "own.json");
    EXPECT_FALSE(protocol) << json.dump().substr(0, 80);
    return protocol ? "" : protocol.error().message;
  }
};

TEST_F(ProtocolFile, IsReadFromAPath) {
  const TempDir dir;
  nlohmann::json json = nlohmann::json::parse(file_text("table7"));
  json["name"] = "own";
  write_bytes(dir / "own.json", json.dump());
  const Protocol own = protocol_of((dir / "own.json").string());
  EXPECT_EQ(own.name, "own");
  EXPECT_EQ(own.cells.size(), 6u);
}

TEST_F(ProtocolFile, MistakesAreNamed) {
  EXPECT_THAT(refusal([](auto& json) { json["tets"] = 1; }), HasSubstr("unknown key \"tets\""));
  EXPECT_THAT(refusal([](auto& json) { json.erase("levels"); }), HasSubstr("\"levels\" is missing"));
  EXPECT_THAT(refusal([](auto& json) { json["metrics"] = {"auk"}; }), HasSubstr("auk"));
  EXPECT_THAT(refusal([](auto& json) { json["metrics"] = {"nll"}; }), HasSubstr("no share"));
  EXPECT_THAT(refusal([](auto& json) { json["published"][0]["grade"] = "ours"; }), HasSubstr("grade \"ours\""));
  EXPECT_THAT(refusal([](auto& json) { json["published"][0]["values"]["DF"]["CDF"] = 168.1; }), HasSubstr("CDF"));
  EXPECT_THAT(refusal([](auto& json) { json["published"][0]["values"]["DF"]["NT"] = 68.1; }),
              HasSubstr("no cell \"DF->NT\""));
  EXPECT_THAT(refusal([](auto& json) { json["published"][0]["level"] = "video"; }), HasSubstr("not printed"));
  EXPECT_THAT(refusal([](auto& json) { json["tests"][0]["reals"]["data"] = "x"; }), HasSubstr("no data \"x\""));
  EXPECT_THAT(refusal([](auto& json) { json["tests"][0]["fakes"]["roles"] = {"dev"}; }), HasSubstr("dev"));
  EXPECT_THAT(refusal([](auto& json) { json["rows"][1]["name"] = "DF"; }), HasSubstr("\"DF\" twice"));
  EXPECT_THAT(refusal([](auto& json) {
                json["cells"][0] = nlohmann::json::array({"DF", "NT"});
              }),
              HasSubstr("no test \"NT\""));
  EXPECT_THAT(parse_protocol(R"({"name":"a","name":"b"})", "x").error().message, HasSubstr("\"name\" twice"));
  EXPECT_THAT(parse_protocol("[]", "x").error().message, HasSubstr("no JSON object"));
  EXPECT_THAT(parse_protocol("{", "x").error().message, HasSubstr("no JSON object"));
  EXPECT_THAT(parse_protocol(std::string(100, '['), "x").error().message, HasSubstr("deeply"));
}

}  // namespace
}  // namespace dfa::test
