#include "prepare/coverage.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "stubs.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using testing::HasSubstr;

ItemResult result(ItemOutcome outcome, FrameCounts frames, TrackRule rule = TrackRule::largest) {
  ItemResult made;
  made.outcome = outcome;
  made.frames = frames;
  made.rule = rule;
  if (outcome != ItemOutcome::used) made.reason = "why";
  return made;
}

struct Made {
  SourceList list;
  std::vector<ItemResult> results;
  void add(const std::string& path, std::optional<int> label, const std::string& method, ItemResult made) {
    made.path = path;
    list.items.push_back(test::item(path, SourceKind::video, label, method));
    results.push_back(std::move(made));
  }
  Coverage coverage() const {
    std::vector<const ItemResult*> pointers;
    for (const ItemResult& made : results) pointers.push_back(&made);
    return count_coverage(list, pointers);
  }
};

Made made_set() {
  Made made;
  made.list.layout = "drawn";
  made.list.notes = {"split file x"};
  made.add("r/1", 0, "", result(ItemOutcome::used, {.wanted = 4, .used = 3, .no_face = 1}));
  made.add("r/2", 0, "", result(ItemOutcome::too_small, {.wanted = 4, .too_small = 4}));
  made.add("f/1", 1, "A", result(ItemOutcome::used, {.wanted = 4, .used = 2, .other_face = 2}, TrackRule::mask));
  made.add("f/2", 1, "B", result(ItemOutcome::unreadable, {}));
  made.add("u/1", std::nullopt, "", result(ItemOutcome::no_face, {.wanted = 4, .no_face = 4}));
  return made;
}

TEST(Coverage, CountsByClassAndMethodAndAddsUp) {
  const Coverage coverage = made_set().coverage();
  ASSERT_EQ(coverage.classes.size(), 4u);
  const CoverageRow& real = coverage.classes.at({"real", ""});
  EXPECT_EQ(real.items, 2);
  EXPECT_EQ(real.count(ItemOutcome::used), 1);
  EXPECT_EQ(real.count(ItemOutcome::too_small), 1);
  EXPECT_EQ(real.frames.used, 3);
  EXPECT_EQ(coverage.classes.at({"fake", "A"}).by_mask, 1);
  CoverageRow sum;
  std::int64_t frames = 0;
  for (const auto& [key, row] : coverage.classes) {
    sum.items += row.items;
    frames += row.frames.wanted;
    std::int64_t outcomes = 0;
    for (const ItemOutcome outcome : kItemOutcomes) outcomes += row.count(outcome);
    EXPECT_EQ(outcomes, row.items);
  }
  EXPECT_EQ(sum.items, coverage.all.items);
  EXPECT_EQ(frames, coverage.all.frames.wanted);
}

TEST(Coverage, NamesEveryItemThatGaveNothing) {
  const Coverage coverage = made_set().coverage();
  ASSERT_EQ(coverage.missing.size(), 3u);
  EXPECT_EQ(coverage.missing[0].path, "r/2");
  EXPECT_EQ(coverage.missing[1].outcome, ItemOutcome::unreadable);
  const json parsed = json::parse(coverage_json(coverage));
  EXPECT_EQ(parsed["schema"], "dfa.coverage/1");
  EXPECT_EQ(parsed["all"]["items"], 5);
  EXPECT_EQ(parsed["missing"].size(), 3u);
  EXPECT_EQ(parsed["missing"][2]["label"], "unknown");
  const std::string text = coverage_text(coverage);
  for (const char* part : {"fake A", "fake B", "real", "3 items gave no crop", "r/2: too_small: why", "split file x"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Coverage, LongListsAreCutInTheTextOnly) {
  Made made;
  for (int i = 0; i < 50; ++i)
    made.add(std::to_string(i), 1, "A", result(ItemOutcome::no_face, {.wanted = 1, .no_face = 1}));
  EXPECT_THAT(coverage_text(made.coverage()), HasSubstr("and 30 more"));
  EXPECT_EQ(json::parse(coverage_json(made.coverage()))["missing"].size(), 50u);
}

}  // namespace
}  // namespace dfa
