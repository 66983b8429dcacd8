#include "face/tracker.hpp"

#include <gmock/gmock.h>

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Box square(double x, double side) {
  return {x, 0, x + side, side};
}

std::vector<std::size_t> add(Tracker& tracker, const std::vector<Box>& boxes) {
  return tracker.add_frame(boxes);
}

TEST(Tracker, FollowsTwoFacesInAnyOrder) {
  Tracker tracker;
  EXPECT_THAT(add(tracker, {square(0, 100), square(300, 80)}), ElementsAre(0, 1));
  EXPECT_THAT(add(tracker, {square(305, 80), square(10, 100)}), ElementsAre(1, 0));
  EXPECT_EQ(tracker.tracks(), 2u);
}

TEST(Tracker, LinksFromAnOverlapOfThreeTenthsUp) {
  // Side 100 moved by d: IoU = (100 - d) / (100 + d): 0.3 at d = 53.85.
  const auto track_after = [](double moved) {
    Tracker tracker;
    add(tracker, {square(0, 100)});
    return add(tracker, {square(moved, 100)})[0];
  };
  EXPECT_EQ(track_after(53.8), 0u);
  EXPECT_EQ(track_after(53.9), 1u);
}

TEST(Tracker, TheBestOverlapWinsAndAMissedFrameEndsATrack) {
  Tracker tracker;
  add(tracker, {square(0, 100)});
  EXPECT_THAT(add(tracker, {square(40, 100), square(5, 100)}), ElementsAre(1, 0));
  EXPECT_THAT(add(tracker, {}), IsEmpty());
  EXPECT_THAT(add(tracker, {square(5, 100)}), ElementsAre(2));
}

TrackedFace face(std::size_t frame, std::size_t track, double area, double masked_px, bool is_usable = true) {
  return {frame, track, area, masked_px, is_usable};
}

TEST(ChooseTrack, TheMaskDecidesAndNotTheSize) {
  const std::vector<TrackedFace> faces = {face(0, 0, 9000, 0), face(0, 1, 100, 80), face(1, 0, 9000, 10),
                                          face(1, 1, 100, 90)};
  const TrackChoice choice = choose_track(faces, TrackRule::mask);
  EXPECT_EQ(choice.rule, TrackRule::mask);
  EXPECT_THAT(choice.tracks, ElementsAre(1));
  EXPECT_THAT(choose_track(faces, TrackRule::largest).tracks, ElementsAre(0));
}

TEST(ChooseTrack, AFaceBesideTheMaskIsNotTaken) {
  EXPECT_THAT(choose_track(std::vector{face(0, 0, 9000, 0), face(1, 0, 9000, 0)}, TrackRule::mask).tracks, IsEmpty());
  EXPECT_THAT(choose_track({}, TrackRule::largest).tracks, IsEmpty());
}

TEST(ChooseTrack, TheForgedFaceIsChosenEvenWhereItIsNotUsable) {
  EXPECT_THAT(choose_track(std::vector{face(0, 0, 9000, 0), face(0, 1, 100, 80, false)}, TrackRule::mask).tracks,
              ElementsAre(1));
}

TEST(ChooseTrack, TheMeanAreaCountsAndNotTheLength) {
  EXPECT_THAT(choose_track(std::vector{face(0, 0, 100, 0), face(1, 0, 100, 0), face(2, 0, 100, 0), face(0, 1, 150, 0)},
                           TrackRule::largest)
                  .tracks,
              ElementsAre(1));
}

TEST(ChooseTrack, ALargeFaceThatIsNeverUsableIsNoCandidate) {
  EXPECT_THAT(choose_track(std::vector{face(0, 0, 9000, 0, false), face(0, 1, 2500, 0)}, TrackRule::largest).tracks,
              ElementsAre(1));
}

TEST(ChooseTrack, APersonWhoMovedFarIsOnePerson) {
  // Track 1 goes on in track 2; track 3 shares a frame with it; track 4 is far smaller.
  const std::vector<TrackedFace> faces = {face(0, 1, 1000, 0), face(1, 2, 900, 0), face(1, 3, 800, 0),
                                          face(2, 4, 200, 0), face(3, 0, 500, 0)};
  EXPECT_THAT(choose_track(faces, TrackRule::largest).tracks, ElementsAre(1, 2, 0));
}

TEST(ChooseTrack, UnderAMaskOnlyTracksUnderItAreJoined) {
  const std::vector<TrackedFace> faces = {face(0, 0, 1000, 700), face(1, 1, 1000, 10), face(2, 2, 900, 600)};
  EXPECT_THAT(choose_track(faces, TrackRule::mask).tracks, ElementsAre(0, 2));
}

}  // namespace
}  // namespace dfa
