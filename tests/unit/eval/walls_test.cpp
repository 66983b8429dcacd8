// The walls, the threshold's origin, polarity, and what lies beside a manifest.
#include "eval/walls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/card_facts.hpp"
#include "eval/polarity.hpp"
#include "eval/prepared_data.hpp"
#include "eval/threshold_choice.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ManifestEntry crop(const std::string& path, Role role, const std::string& video, const std::string& identity,
                   const std::string& set = "ff") {
  ManifestEntry entry;
  entry.path = path;
  entry.role = role;
  entry.video = video;
  entry.identity = identity;
  entry.set = set;
  return entry;
}

NamedManifest named(const std::string& name, std::vector<ManifestEntry> entries) {
  NamedManifest result{name, "hash of " + name, {}};
  result.manifest.entries = std::move(entries);
  return result;
}

using Manifests = std::vector<NamedManifest>;

TEST(Walls, ACheckpointThatTheTestSplitChoseHasNoTestResultThere) {
  TrainingFacts facts;
  facts.selected_on = "test";
  facts.manifest_sha256 = "hash of a/m";
  const Manifests same = {named("a/m", {})}, other = {named("b/m", {})};
  EXPECT_THAT(selection_breaches(facts, same, Role::test, {}), ElementsAre(HasSubstr("chose the model's checkpoint")));
  EXPECT_THAT(selection_breaches(facts, other, Role::test, {}), IsEmpty());
  EXPECT_THAT(role_stamps(facts, Role::test), ElementsAre(HasSubstr("selected on a test split")));
  facts.manifest_sha256.clear();  // it may be this one
  EXPECT_THAT(selection_breaches(facts, other, Role::test, {}), ElementsAre(HasSubstr("nothing says of which data")));
  EXPECT_THAT(selection_breaches(facts, other, Role::test, same), IsEmpty());
  facts.selected_on = "val";
  EXPECT_THAT(selection_breaches(facts, other, Role::test, {}), IsEmpty());
  EXPECT_THAT(role_stamps(facts, Role::test), IsEmpty());
  EXPECT_THAT(role_stamps(facts, Role::val), ElementsAre(HasSubstr("no test result")));
}

TEST(Walls, WhatMadeTheModelIsFoundByVideoIdentitySourceAndCrop) {
  const Manifests tested = {
      named("t/m", {crop("1", Role::test, "v/1.mp4", "000+003"), crop("2", Role::test, "v/2.mp4", "007")})};
  const auto shared = [&](ManifestEntry entry, Role role = Role::train) {
    entry.role = role;
    const Manifests made = {named("made/m", {std::move(entry)})};
    return sharing_breaches({}, tested, Role::test, made);
  };
  EXPECT_THAT(shared(crop("9", Role::train, "v/9.mp4", "001")), IsEmpty());
  EXPECT_THAT(shared(crop("9", Role::train, "v/9.mp4", "003+005")), ElementsAre(HasSubstr("1 identities")));
  EXPECT_THAT(shared(crop("9", Role::train, "v/9.mp4", "003", "celeb")), IsEmpty());  // another set's 003
  EXPECT_THAT(shared(crop("9", Role::train, "v/2.mp4", "")),
              ElementsAre(HasSubstr("1 videos"), HasSubstr("1 sources")));
  ManifestEntry forged = crop("9", Role::val, "v/9.mp4", "");
  forged.source = "v/2.mp4";
  EXPECT_THAT(shared(forged, Role::calibration), ElementsAre(HasSubstr("1 sources")));
  EXPECT_THAT(shared(forged, Role::test), IsEmpty());  // a test split makes nothing
  Manifests hashed = tested;
  hashed[0].manifest.entries[0].crop_sha256 = "abc";
  forged = crop("9", Role::train, "v/9.mp4", "");
  forged.crop_sha256 = "abc";
  const Manifests made = {named("made/m", {forged})};
  EXPECT_THAT(sharing_breaches({}, hashed, Role::test, made), ElementsAre(HasSubstr("1 crops")));
}

TEST(Walls, NamesOfUnnamedSetsSayNothingByThemselves) {
  const Manifests a = {named("a/m", {crop("r/1.png", Role::test, "r/1.png", "", "")})};
  const Manifests b = {named("b/m", {crop("r/1.png", Role::train, "r/1.png", "", "")})};
  EXPECT_THAT(sharing_breaches({}, a, Role::test, b), IsEmpty());
  const Manifests beside = {named("a/n", {crop("r/1.png", Role::train, "r/1.png", "", "")})};
  EXPECT_THAT(sharing_breaches({}, a, Role::test, beside), testing::Not(IsEmpty()));
}

TEST(Walls, NothingServesTwoRoles) {
  const Manifests manifests = {
      named("a", {crop("1", Role::test, "v1", "id1"), crop("2", Role::test, "v2", "id2")}),
      named("b", {crop("3", Role::train, "v1", "id1+id5"), crop("4", Role::val, "v4", "id4")})};
  EXPECT_THAT(role_breaches({}, manifests), ElementsAre(HasSubstr("1 videos serve two roles, the first \"v1\""),
                                                        HasSubstr("1 identities serve two roles, the first \"id1\"")));
  TrainingFacts elsewhere;  // Celeb-DF's lists share persons; a model of other data has seen none of them
  elsewhere.manifest_sha256 = "of another manifest";
  EXPECT_THAT(role_breaches(elsewhere, manifests), ElementsAre(HasSubstr("videos")));
}

TEST(Walls, BreachesStopOrStamp) {
  ProtocolCard card;
  const std::vector<std::string> breaches = {"one", "two"};
  const Status stopped = raise_wall(breaches, IKnow::no, card);
  ASSERT_FALSE(stopped);
  EXPECT_THAT(stopped.error().message, testing::AllOf(HasSubstr("one"), HasSubstr("two"), HasSubstr("--i-know")));
  ASSERT_TRUE(raise_wall(breaches, IKnow::yes, card));
  EXPECT_THAT(card.stamps, ElementsAre("--i-know: one", "--i-know: two"));
}

TEST(Walls, FactsComeFromTheModelFile) {
  Model model;
  model.training =
      R"({"seed":777,"manifest_sha256":"ab","selected_on":"test","selection":"by AUC","deviations":["x","y"]})";
  const TrainingFacts facts = training_facts(model);
  EXPECT_EQ(facts.seed, "777");
  EXPECT_EQ(facts.selected_on, "test");
  EXPECT_EQ(facts.deviations, "x; y");
  EXPECT_EQ(training_facts(Model{}).selected_on, "");
}

TEST(ProtocolCard, EveryItemIsThereAndUnknownIsWritten) {
  ProtocolCard card = blank_protocol_card();
  card.set("layout", "ffpp");
  card.set("dataset", "");
  EXPECT_EQ(card.get("layout"), "ffpp");
  EXPECT_EQ(card.get("dataset"), "unknown");
  const auto json = nlohmann::json::parse(protocol_card_json(card));
  for (const char* key :
       {"dataset", "layout", "compression", "split_rule", "real_class_rule", "crop_recipe_sha256", "frames_asked",
        "frames_distinct", "aggregation", "no_face_rule", "coverage", "selection_rule", "training_seed", "model_sha256",
        "base_weights_sha256", "eer_definition", "interval_method"})
    EXPECT_TRUE(json["items"].contains(key)) << key;
  card.stamp("s");
  card.stamp("s");
  EXPECT_EQ(card.stamps.size(), 1u);
  EXPECT_THAT(protocol_card_text(card), HasSubstr("real class rule: unknown"));
}

ScoreTable scores(std::size_t pairs, double real, double fake) {
  ScoreTable table;
  for (std::size_t i = 0; i < 2 * pairs; ++i) {
    const std::string path = std::to_string(i);
    ScoreRow row;
    row.path = path;
    row.label = static_cast<int>(i % 2);
    row.p_fake = i % 2 == 1 ? fake : real;
    EXPECT_TRUE(table.add(row));
  }
  return table;
}

Evaluation evaluated(const ScoreTable& table) {
  EvaluationOptions options;
  options.bootstrap.rounds = 10;
  return evaluate_scores(table, options).value();
}

TEST(Polarity, WarnsOfManyItemsBelowChanceAndFlipsNothing) {
  const Evaluation flipped = evaluated(scores(50, .9, .1));
  EXPECT_THAT(polarity_warnings(flipped), ElementsAre(HasSubstr("Nothing was flipped")));
  EXPECT_EQ(flipped.all.video.of(Metric::auc).interval->value, 0.0);
  EXPECT_THAT(polarity_warnings(evaluated(scores(49, .9, .1))), IsEmpty());
  EXPECT_THAT(polarity_warnings(evaluated(scores(50, .1, .9))), IsEmpty());
}

TEST(ThresholdChoice, NamesWhereItComesFromAndTheTestSetMayNotChoose) {
  const ScoreTable table = scores(3, .2, .6);
  const auto none = choose_threshold("", std::nullopt, table, {});
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->value);
  Calibration calibration;
  calibration.set = "cal";
  calibration.thresholds = {{.name = "fpr5", .threshold = .7, .measured_fpr = .05, .measured_tpr = .6}};
  const auto own = choose_threshold("", calibration, table, {});
  ASSERT_TRUE(own);
  EXPECT_EQ(own->value, .7);
  EXPECT_THAT(own->origin, testing::AllOf(HasSubstr("fpr5"), HasSubstr("cal")));
  EXPECT_EQ(choose_threshold("0.3", calibration, table, {})->value, .3);
  EXPECT_FALSE(choose_threshold("much", calibration, table, {}));
  const auto best = choose_threshold("best", calibration, table, {});
  ASSERT_TRUE(best);
  EXPECT_DOUBLE_EQ(*best->value, .4);
  EXPECT_THAT(best->breaches, ElementsAre(HasSubstr("chosen on the test set")));
}

TEST(PreparedData, TellsWhatNeverBecameACrop) {
  const test::TempDir dir;
  EXPECT_FALSE(read_prepared_data(dir / "manifest.jsonl").value());
  test::write_bytes(dir / "coverage.json",
                    R"({"schema":"dfa.coverage/1","layout":"ffpp","reading":["roles from splits"],
    "compressions":["c23"],"all":{"frames":{"wanted":64,"used":40}},
    "missing":[{"path":"a.mp4","label":"fake","method":"DF","role":"test","set":"ffpp","identity":"1+2","outcome":"no_face","reason":"none"},
               {"path":"b.mp4","label":"real","method":"","role":"val","set":"ffpp","identity":"3","outcome":"too_small","reason":"20 px"}]})");
  const auto data = read_prepared_data(dir / "manifest.jsonl");
  ASSERT_TRUE(data) << data.error().message;
  ASSERT_TRUE(*data);
  EXPECT_EQ((*data)->missing[0].outcome, Outcome::no_face);
  EXPECT_EQ((*data)->missing[0].label, 1);
  EXPECT_EQ((*data)->missing[1].outcome, Outcome::low_quality);
  EXPECT_EQ((*data)->missing[1].role, Role::val);
  EXPECT_EQ((*data)->compressions, std::vector<std::string>{"c23"});
  test::write_bytes(dir / "coverage.json", R"({"schema":"dfa.coverage/1","compressions":[]})");
  EXPECT_FALSE(read_prepared_data(dir / "manifest.jsonl"));
  test::write_bytes(dir / "coverage.json", R"({"schema":"something else"})");
  EXPECT_FALSE(read_prepared_data(dir / "manifest.jsonl").value());
}

}  // namespace
}  // namespace dfa
