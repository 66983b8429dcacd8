#include "score/result_json.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "json_schema.hpp"
#include "records.hpp"
#include "score/outcome.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using test::face_at;
using test::frame_at;
using test::result_schema;
using test::schema_violations;
using testing::IsEmpty;

ItemRecord scored_item() {
  ItemRecord item;
  item.input = "a/b.mp4";
  item.sha256 = std::string(64, 'c');
  item.kind = MediaKind::video;
  item.work.frames_searched = 2;
  item.work.seconds = {0.1, 0.25, 1.0 / 3};
  conclude_item(
      item,
      {frame_at(0, 0, {face_at(1.0 / 3, 2, 100, 0.1)}), frame_at(9, 0.3, {face_at(1, 2, 100, 0.30000000000000004)})},
      {}, FaceRules(), test::some_run().operating_point);
  return item;
}

ItemRecord unread_item() {
  ItemRecord item;
  item.input = "x.png";
  conclude_unread(item, {ErrorCode::not_media, "a text file"});
  return item;
}

json whole_record(const std::vector<ItemRecord>& items) {
  std::string text = result_json_begin(test::some_run());
  SummaryRecord summary;
  for (std::size_t i = 0; i < items.size(); ++i) {
    text += (i == 0 ? "\n" : ",\n") + result_json_item(items[i]);
    summary.count(items[i]);
  }
  summary.inputs = static_cast<std::int64_t>(items.size());
  return json::parse(text + result_json_end(summary));
}

TEST(ResultJson, RecordsFollowTheSchema) {
  EXPECT_THAT(schema_violations(result_schema(), whole_record({})), IsEmpty());
  EXPECT_THAT(schema_violations(result_schema(), whole_record({scored_item(), unread_item()})), IsEmpty());
}

TEST(ResultJson, SchemaRefusesANumberWhereNothingWasMeasured) {
  json record = whole_record({unread_item()});
  record["items"][0]["p_fake"] = 0.5;
  EXPECT_FALSE(schema_violations(result_schema(), record).empty());
  record = whole_record({scored_item()});
  record["items"][0]["p_fake"] = nullptr;
  EXPECT_FALSE(schema_violations(result_schema(), record).empty());
}

TEST(ResultJson, NumbersStayNumbersAndPFakeIsWrittenInFull) {
  const json item = whole_record({scored_item()})["items"][0];
  EXPECT_EQ(item["p_fake"].get<double>(), (0.1 + 0.30000000000000004) / 2);
  EXPECT_EQ(item["persons"][0]["faces"][1]["p_fake"].get<double>(), 0.30000000000000004);
  EXPECT_EQ(item["persons"][0]["faces"][0]["box_px"], (json{0.33, 2.0, 100.0, 100.0}));
  EXPECT_EQ(item["work"]["seconds"]["score"].get<double>(), 0.333333);
  EXPECT_EQ(item["verdict"], "inconclusive");
}

TEST(ResultJson, WhatIsNotFiniteIsNull) {
  ItemRecord item = scored_item();
  item.p_fake = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(json::parse(result_json_item(item))["p_fake"].is_null());
}

TEST(ResultJson, NamesThatAreNotUtf8KeepTheirBytes) {
  ItemRecord item = unread_item();
  item.input = "caf\xe9.png";
  const json parsed = json::parse(result_json_item(item));
  EXPECT_EQ(parsed["input"], "caf\xef\xbf\xbd.png");
  EXPECT_EQ(parsed["input_hex"], "636166e92e706e67");
  EXPECT_FALSE(json::parse(result_json_item(unread_item())).contains("input_hex"));
}

TEST(ResultJson, ALineStandsAlone) {
  const std::string line = result_json_line(test::some_run(), scored_item());
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
  const json parsed = json::parse(line);
  for (const char* key : {"schema", "tool", "model", "engine", "crop", "score_semantics", "rule", "operating_point",
                          "input", "outcome", "p_fake", "persons", "work"})
    EXPECT_TRUE(parsed.contains(key)) << key;
  EXPECT_FALSE(parsed["model"].contains("card"));
}

TEST(ResultJson, KeysKeepTheOrderOfTheContract) {
  const std::string text = result_json_begin(test::some_run());
  std::size_t at = 0;
  for (const char* key : {"\"schema\"", "\"tool\"", "\"model\"", "\"engine\"", "\"score_semantics\"",
                          "\"operating_point\"", "\"items\""}) {
    const std::size_t next = text.find(key);
    ASSERT_NE(next, std::string::npos) << key;
    EXPECT_GE(next, at) << key;
    at = next;
  }
}

}  // namespace
}  // namespace dfa
