#include "score/persons.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "records.hpp"

namespace dfa {
namespace {

using test::face_at;
using test::frame_at;
using testing::ElementsAre;
using testing::SizeIs;

std::vector<std::size_t> face_counts(const std::vector<PersonRecord>& persons) {
  std::vector<std::size_t> counts;
  for (const PersonRecord& person : persons) counts.push_back(person.faces.size());
  return counts;
}

TEST(LinkPersons, FollowsTwoPeopleAndTakesTheirMeans) {
  const auto persons = link_persons({frame_at(0, 0, {face_at(0, 0, 100, 0.2), face_at(300, 0, 80, 0.9)}),
                                     frame_at(9, 0.3, {face_at(305, 2, 80, 0.7), face_at(10, 0, 100, 0.4)})},
                                    TimeLine::none);
  ASSERT_THAT(persons, SizeIs(2));
  EXPECT_EQ(persons[0].id, 1);
  EXPECT_EQ(persons[1].id, 2);
  EXPECT_NEAR(*persons[0].p_fake, 0.3, 1e-12);
  EXPECT_NEAR(*persons[1].p_fake, 0.8, 1e-12);
  EXPECT_EQ(persons[1].faces[1].frame, 9);
}

TEST(LinkPersons, LinksFromAnOverlapOfThreeTenthsUp) {
  // Side 100 moved by d: IoU = (100 - d) / (100 + d): 0.3 at d = 53.85.
  const auto linked = [](double moved) {
    return link_persons({frame_at(0, 0, {face_at(0, 0, 100, 0.5)}), frame_at(1, 1, {face_at(moved, 0, 100, 0.5)})},
                        TimeLine::none)
               .size() == 1;
  };
  EXPECT_TRUE(linked(53.8));
  EXPECT_FALSE(linked(53.9));
}

TEST(LinkPersons, TheBestOverlapWinsAndNobodyIsLinkedTwice) {
  const auto persons = link_persons(
      {frame_at(0, 0, {face_at(0, 0, 100, 0.1)}), frame_at(1, 1, {face_at(40, 0, 100, 0.2), face_at(5, 0, 100, 0.3)})},
      TimeLine::none);
  ASSERT_THAT(persons, SizeIs(2));
  EXPECT_NEAR(*persons[0].p_fake, 0.2, 1e-12);  // 0.1 and 0.3
  EXPECT_NEAR(*persons[1].p_fake, 0.2, 1e-12);
}

TEST(LinkPersons, AFrameWithoutThePersonEndsThem) {
  const auto persons = link_persons(
      {frame_at(0, 0, {face_at(0, 0, 100, 0.1)}), frame_at(1, 1, {}), frame_at(2, 2, {face_at(0, 0, 100, 0.1)})},
      TimeLine::none);
  EXPECT_THAT(face_counts(persons), ElementsAre(1, 1));
}

TEST(LinkPersons, OrderOfDetectionChangesNothing) {
  std::vector<SampledFrame> frames;
  for (int k = 0; k < 5; ++k) {
    std::vector<FaceRecord> faces;
    for (int person = 0; person < 4; ++person)
      faces.push_back(face_at(60.0 * person + 7 * k, 3.0 * k, 80, 0.1 * person + 0.01 * k));
    frames.push_back(frame_at(k, k, faces));
  }
  std::vector<SampledFrame> turned = frames;
  for (std::size_t k = 0; k < turned.size(); ++k)
    std::rotate(turned[k].faces.begin(), turned[k].faces.begin() + static_cast<long>((k + 1) % 4),
                turned[k].faces.end());
  const auto a = link_persons(frames, TimeLine::intervals);
  const auto b = link_persons(turned, TimeLine::intervals);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].id, b[i].id);
    EXPECT_EQ(a[i].p_fake, b[i].p_fake);
    EXPECT_EQ(a[i].faces.front().box_px.x1, b[i].faces.front().box_px.x1);
  }
}

TEST(LinkPersons, FacesThatWereNotScoredAreShownAndDoNotCount) {
  const auto persons =
      link_persons({frame_at(0, 0, {face_at(0, 0, 100, 0.2)}),
                    frame_at(1, 1, {face_at(0, 0, 100, std::nullopt, FaceFate::low_probability)}),
                    frame_at(2, 2, {face_at(0, 0, 100, 0.4), face_at(500, 0, 20, std::nullopt, FaceFate::too_small)})},
                   TimeLine::intervals);
  ASSERT_THAT(persons, SizeIs(2));
  EXPECT_THAT(persons[0].faces, SizeIs(3));
  EXPECT_NEAR(*persons[0].p_fake, 0.3, 1e-12);
  EXPECT_FALSE(persons[1].p_fake);
  EXPECT_THAT(persons[1].intervals, SizeIs(0));
}

TEST(LinkPersons, TimeLineIsCutIntoFewStretches) {
  std::vector<SampledFrame> frames;
  for (int k = 0; k < 100; ++k) frames.push_back(frame_at(k, 0.5 * k, {face_at(0, 0, 100, k < 50 ? 0.1 : 0.9)}));
  const auto persons = link_persons(frames, TimeLine::intervals);
  ASSERT_THAT(persons, SizeIs(1));
  const auto& intervals = persons[0].intervals;
  ASSERT_THAT(intervals, SizeIs(12));  // nine crops each, one in the last
  EXPECT_EQ(intervals.front().from_seconds, 0);
  EXPECT_EQ(intervals.front().to_seconds, 4);
  EXPECT_NEAR(intervals.front().p_fake_mean, 0.1, 1e-12);
  EXPECT_NEAR(intervals.front().p_fake_max, 0.1, 1e-12);
  EXPECT_EQ(intervals.back().to_seconds, 49.5);
  // Crops 45..53: five of 0.1, four of 0.9.
  EXPECT_NEAR(intervals[5].p_fake_mean, (5 * 0.1 + 4 * 0.9) / 9, 1e-12);
  EXPECT_NEAR(intervals[5].p_fake_max, 0.9, 1e-12);
}

}  // namespace
}  // namespace dfa
