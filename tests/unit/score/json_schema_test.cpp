// The checker itself is under test: a checker that finds nothing would make every record valid.
#include "json_schema.hpp"

#include <gmock/gmock.h>

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::IsEmpty;
using testing::SizeIs;

TEST(JsonSchema, FindsEachKindOfViolation) {
  const json schema = json::parse(R"({
    "type": "object", "additionalProperties": false, "required": ["a", "b"],
    "properties": {"a": {"$ref": "#/$defs/small"}, "b": {"type": ["string", "null"], "pattern": "^x+$"},
                   "c": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"enum": [1, "two", null]}}},
    "$defs": {"small": {"type": "number", "minimum": 0, "maximum": 1}}})");
  EXPECT_THAT(schema_violations(schema, json::parse(R"({"a": 0.5, "b": null, "c": [1, "two", null]})")), IsEmpty());
  for (const char* wrong :
       {R"([])", R"({"a": 0.5})", R"({"a": 2, "b": null})", R"({"a": -1, "b": null})", R"({"a": "0.5", "b": null})",
        R"({"a": 0.5, "b": "y"})", R"({"a": 0.5, "b": null, "d": 1})", R"({"a": 0.5, "b": null, "c": [1]})",
        R"({"a": 0.5, "b": null, "c": [1, 1, 1, 1]})", R"({"a": 0.5, "b": null, "c": [1, 2]})"})
    EXPECT_THAT(schema_violations(schema, json::parse(wrong)), SizeIs(1)) << wrong;
}

TEST(JsonSchema, TakesTheBranchOfACondition) {
  const json schema = json::parse(R"({"if": {"properties": {"kind": {"const": "n"}}},
    "then": {"properties": {"v": {"type": "number"}}}, "else": {"properties": {"v": {"type": "null"}, "why": {"minLength": 1}}}})");
  EXPECT_THAT(schema_violations(schema, {{"kind", "n"}, {"v", 1}}), IsEmpty());
  EXPECT_THAT(schema_violations(schema, {{"kind", "n"}, {"v", nullptr}}), SizeIs(1));
  EXPECT_THAT(schema_violations(schema, {{"kind", "o"}, {"v", 1}}), SizeIs(1));
  EXPECT_THAT(schema_violations(schema, {{"kind", "o"}, {"v", nullptr}, {"why", ""}}), SizeIs(1));
}

TEST(JsonSchema, RefusesAKeywordThatItDoesNotCheck) {
  EXPECT_THAT(schema_violations({{"multipleOf", 2}}, 4), SizeIs(1));
}

}  // namespace
}  // namespace dfa::test
