#include "base/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// All records, each joined with '|'; ends with the error's message where there is one.
std::vector<std::string> records_of(const std::string& text, const CsvLimits& limits = {}) {
  std::istringstream stream(text);
  CsvReader csv(stream, "t.csv", limits);
  std::vector<std::string> records;
  while (true) {
    const auto record = csv.next();
    if (!record) {
      records.push_back(record.error().message);
      return records;
    }
    if (record->empty()) return records;
    std::string joined;
    for (const std::string_view field : *record) joined += (joined.empty() ? "" : "|") + std::string(field);
    records.push_back(joined);
  }
}

TEST(Csv, ReadsWhatProgramsWrite) {
  EXPECT_THAT(records_of("a,b\n1,2\n"), ElementsAre("a|b", "1|2"));
  EXPECT_THAT(records_of("\xEF\xBB\xBF"
                         "a,b\r\n1,2"),
              ElementsAre("a|b", "1|2"));
  EXPECT_THAT(records_of("\"a,\"\"x\"\"\nb\",2\r\n\n3,4\n"), ElementsAre("a,\"x\"\nb|2", "3|4"));
  EXPECT_THAT(records_of("x,,\n"), ElementsAre("x||"));
  EXPECT_TRUE(records_of("").empty());
}

TEST(Csv, WritesWhatItReads) {
  const std::string odd = "a,\"b\"\r\nc";
  EXPECT_THAT(records_of(csv_field("plain") + "," + csv_field(odd) + "\n"), ElementsAre("plain|" + odd));
}

TEST(Csv, FaultsNameTheirLine) {
  EXPECT_THAT(records_of("a,b\n\"x\ny\",1\n\"2\"z,3\n").back(), HasSubstr("t.csv:4: text after the closing quote"));
  EXPECT_THAT(records_of("a\n\"never closed\n").back(), HasSubstr("t.csv:2"));
  EXPECT_THAT(records_of("a,b\nx\"y,1\n").back(), HasSubstr("t.csv:2: a quote inside"));
  EXPECT_THAT(records_of(std::string("a\nx\0y\n", 6)).back(), HasSubstr("t.csv:2: a NUL"));
  EXPECT_THAT(records_of("aaaa,bbbb\n", {.max_record_bytes = 6, .max_fields = 9}).back(),
              HasSubstr("more than 6 bytes"));
  EXPECT_THAT(records_of("a,b,c\n", {.max_record_bytes = 99, .max_fields = 2}).back(), HasSubstr("more than 2 fields"));
}

}  // namespace
}  // namespace dfa
