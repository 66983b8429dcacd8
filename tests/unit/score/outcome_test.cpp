#include "score/outcome.hpp"

#include <gmock/gmock.h>

#include "records.hpp"

namespace dfa {
namespace {

using test::face_at;
using test::frame_at;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const OperatingPoint kHalf = {"custom", 0.5, std::nullopt, std::nullopt, std::nullopt};

ItemRecord concluded(std::vector<SampledFrame> frames, const std::vector<std::string>& notes = {}) {
  ItemRecord item;
  item.kind = MediaKind::video;
  item.work.frames_searched = static_cast<std::int64_t>(frames.size());
  conclude_item(item, std::move(frames), notes, FaceRules(), kHalf);
  return item;
}

TEST(Outcome, ScoredIsTheLargestOfThePersonsMeans) {
  const ItemRecord item = concluded({frame_at(0, 0, {face_at(0, 0, 100, 0.1), face_at(300, 0, 90, 0.95)}),
                                     frame_at(1, 1, {face_at(0, 0, 100, 0.2), face_at(300, 0, 90, 0.45)})});
  EXPECT_EQ(item.outcome, Outcome::scored);
  EXPECT_NEAR(*item.p_fake, 0.7, 1e-12);
  EXPECT_EQ(item.verdict, Verdict::fake);
  EXPECT_EQ(item.work.faces_found, 4);
  EXPECT_EQ(item.work.faces_used, 4);
  EXPECT_THAT(item.reason, IsEmpty());
}

TEST(Outcome, TheLargestFaceOfEachFrameIsAveragedOverFrames) {
  ItemRecord item;
  item.kind = MediaKind::video;
  // Two persons by place: their means are 0.9 and 0.2, the largest of them 0.9.
  conclude_item(item,
                {frame_at(0, 0, {face_at(0, 0, 100, 0.9)}), frame_at(1, 1, {face_at(300, 0, 90, 0.1)}),
                 frame_at(2, 2, {face_at(300, 0, 90, 0.3)}), frame_at(3, 3, {})},
                {}, FaceRules(), kHalf, ItemRule::largest_face);
  EXPECT_THAT(item.persons, SizeIs(2));
  EXPECT_NEAR(*item.p_fake, (0.9 + 0.1 + 0.3) / 3, 1e-12);
  EXPECT_EQ(item.verdict, Verdict::real);
}

TEST(Outcome, NoFaceHasNoNumber) {
  const ItemRecord item = concluded({frame_at(0, 0, {}), frame_at(1, 1, {})});
  EXPECT_EQ(item.outcome, Outcome::no_face);
  EXPECT_FALSE(item.p_fake);
  EXPECT_FALSE(item.verdict);
  EXPECT_EQ(item.reason, "no face found in 2 frames");
}

TEST(Outcome, OnlySmallOrUnsureFacesAreLowQuality) {
  const ItemRecord item = concluded({frame_at(0, 0,
                                              {face_at(0, 0, 30, std::nullopt, FaceFate::too_small),
                                               face_at(300, 0, 90, std::nullopt, FaceFate::low_probability)}),
                                     frame_at(1, 1, {face_at(0, 0, 31, std::nullopt, FaceFate::too_small)})});
  EXPECT_EQ(item.outcome, Outcome::low_quality);
  EXPECT_FALSE(item.p_fake);
  EXPECT_EQ(item.reason, "2 faces smaller than 40 px; 1 face below detector probability 0.95");
  EXPECT_THAT(item.persons, SizeIs(2));
  EXPECT_EQ(item.work.faces_used, 0);
}

TEST(Outcome, OneScoredFaceAmongPoorOnesIsScored) {
  const ItemRecord item =
      concluded({frame_at(0, 0, {face_at(0, 0, 30, std::nullopt, FaceFate::too_small), face_at(300, 0, 90, 0.3)})});
  EXPECT_EQ(item.outcome, Outcome::scored);
  EXPECT_EQ(item.verdict, Verdict::real);
  EXPECT_EQ(item.work.faces_found, 2);
  EXPECT_EQ(item.work.faces_used, 1);
}

TEST(Outcome, AbstainsWhereTheNetworkGaveNoFiniteValue) {
  const ItemRecord item = concluded({frame_at(0, 0, {face_at(300, 0, 90, std::nullopt, FaceFate::not_scored)})});
  EXPECT_EQ(item.outcome, Outcome::abstained);
  EXPECT_FALSE(item.p_fake);
  EXPECT_THAT(item.reason, HasSubstr("no finite value"));
}

TEST(Outcome, NotesFollowTheReason) {
  EXPECT_EQ(concluded({frame_at(0, 0, {face_at(0, 0, 90, 0.5)})}, {"cut at 60 %", "2 frames failed"}).reason,
            "cut at 60 %; 2 frames failed");
  EXPECT_EQ(concluded({frame_at(0, 0, {})}, {"cut at 60 %"}).reason, "no face found in 1 frame; cut at 60 %");
}

TEST(Outcome, UnreadAndAbstainedCarryTheErrorAndNothingElse) {
  ItemRecord item = concluded({frame_at(0, 0, {face_at(0, 0, 90, 0.5)})});
  conclude_unread(item, {ErrorCode::media_truncated, "ends early"});
  EXPECT_EQ(item.outcome, Outcome::decode_error);
  EXPECT_EQ(item.reason, "media_truncated: ends early");
  EXPECT_FALSE(item.p_fake);
  EXPECT_FALSE(item.verdict);
  EXPECT_THAT(item.persons, IsEmpty());
  conclude_abstained(item, {ErrorCode::out_of_memory, "no room"});
  EXPECT_EQ(item.outcome, Outcome::abstained);
  EXPECT_EQ(item.reason, "out_of_memory: no room");
}

TEST(Summary, CountsEveryOutcomeOnce) {
  SummaryRecord summary;
  for (const Outcome outcome : {Outcome::scored, Outcome::no_face, Outcome::low_quality, Outcome::decode_error,
                                Outcome::abstained, Outcome::scored}) {
    ItemRecord item;
    item.outcome = outcome;
    if (outcome == Outcome::scored) item.verdict = Verdict::fake;
    summary.count(item);
  }
  EXPECT_EQ(summary.analysed(), 6);
  EXPECT_EQ(summary.scored, 2);
  EXPECT_EQ(summary.no_face, 1);
  EXPECT_EQ(summary.low_quality, 1);
  EXPECT_EQ(summary.decode_error, 1);
  EXPECT_EQ(summary.abstained, 1);
  EXPECT_EQ(summary.fakes, 2);
}

}  // namespace
}  // namespace dfa
