#include "pipeline/detect_job.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "score/result_json.hpp"
#include "stubs.hpp"

namespace dfa {
namespace {

using namespace std::chrono_literals;
using test::StubFile;
using test::StubJob;
using testing::HasSubstr;
using testing::SizeIs;

StubFile video(int frames, int faces = 1, int level = 51) {
  return {.kind = MediaKind::video, .frames = frames, .faces = faces, .level = level};
}

TEST(DetectJob, EveryOutcomeHasItsRecordAndTheSummaryAddsUp) {
  StubJob job;
  job.files = {{"good.png", {}},
               {"empty.png", {.faces = 0}},
               {"broken.png", {.open_error = Error{ErrorCode::media_truncated, "ends early"}}},
               {"long.mp4", video(12, 2, 204)},
               {"cut.mp4", {.kind = MediaKind::video, .frames = 3, .notes = {"cut short: by half"}}},
               {"stops.mp4",
                {.kind = MediaKind::video, .frames = 2, .error_at_end = Error{ErrorCode::media_corrupt, "bad data"}}},
               {"never.mp4",
                {.kind = MediaKind::video, .frames = 0, .error_at_end = Error{ErrorCode::media_corrupt, "bad data"}}}};
  const auto summary = job.run();
  ASSERT_TRUE(summary);
  ASSERT_THAT(job.items, SizeIs(7));
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(job.items[i].input, job.files[i].first);
  EXPECT_EQ(job.items[0].outcome, Outcome::scored);
  EXPECT_NEAR(*job.items[0].p_fake, 0.2, 1e-6);
  EXPECT_EQ(job.items[0].verdict, Verdict::real);
  EXPECT_EQ(job.items[1].outcome, Outcome::no_face);
  EXPECT_FALSE(job.items[1].p_fake);
  EXPECT_EQ(job.items[2].outcome, Outcome::decode_error);
  EXPECT_EQ(job.items[2].reason, "media_truncated: ends early");
  EXPECT_EQ(job.items[3].verdict, Verdict::fake);
  EXPECT_NEAR(*job.items[3].p_fake, 0.8, 1e-6);
  EXPECT_THAT(job.items[3].persons, SizeIs(2));
  EXPECT_THAT(job.items[3].persons[0].faces, SizeIs(12));
  EXPECT_EQ(job.items[3].persons[0].faces[11].frame, 110);
  EXPECT_EQ(job.items[3].work.faces_used, 24);
  EXPECT_EQ(job.items[3].work.frames_searched, 12);
  EXPECT_GT(job.items[3].work.seconds.detect, 0);
  EXPECT_GT(job.items[3].work.seconds.score, 0);
  EXPECT_EQ(job.items[4].outcome, Outcome::scored);
  EXPECT_THAT(job.items[4].reason, HasSubstr("cut short"));
  EXPECT_EQ(job.items[5].outcome, Outcome::scored);
  EXPECT_THAT(job.items[5].reason, HasSubstr("reading ended after 2 frames: bad data"));
  EXPECT_EQ(job.items[6].outcome, Outcome::decode_error);
  EXPECT_EQ(summary->inputs, 7);
  EXPECT_EQ(summary->analysed() + summary->not_analysed, 7);
  EXPECT_EQ(summary->scored, 4);
  EXPECT_EQ(summary->decode_error, 2);
  EXPECT_EQ(summary->no_face, 1);
  EXPECT_EQ(summary->fakes, 1);
}

TEST(DetectJob, AModelOfOneFaceAFrameScoresTheLargest) {
  StubJob job;
  job.item_rule = ItemRule::largest_face;
  job.files = {{"v.mp4", video(5, 3)}};
  ASSERT_TRUE(job.run());
  const ItemRecord& item = job.items.at(0);
  EXPECT_EQ(item.work.faces_used, 5);
  EXPECT_EQ(item.work.faces_over_limit, 10);
  ASSERT_THAT(item.persons, SizeIs(1));
  EXPECT_EQ(item.persons[0].faces[4].box_px.x2, 50);  // the first of the detector's, the largest
  EXPECT_NEAR(*item.p_fake, 0.2, 1e-6);
  EXPECT_EQ(item.reason, "10 further faces left out: the model reads the largest of each frame");
}

TEST(DetectJob, RecordsComeInInputOrderHoweverLongEachTakes) {
  StubJob job;
  job.options.decode_workers = 3;
  job.options.detect_workers = 3;
  for (int i = 0; i < 60; ++i) {
    StubFile file = i % 7 == 0 ? video(20) : StubFile{.faces = i % 3, .level = 20 + i};
    file.per_frame = std::chrono::milliseconds(i % 7 == 0 ? 2 : 0);
    job.files.emplace_back("f" + std::to_string(i), file);
  }
  ASSERT_TRUE(job.run());
  ASSERT_THAT(job.items, SizeIs(60));
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(job.items[i].input, "f" + std::to_string(i));
}

// Records without seconds.
std::string text_of(std::vector<ItemRecord>& items) {
  std::string text;
  for (ItemRecord& item : items) {
    item.work.seconds = {};
    text += result_json_item(item) + "\n";
  }
  return text;
}

TEST(DetectJob, NumbersDoNotDependOnWorkersOrBatches) {
  const auto run = [](int workers, int batch) {
    StubJob job;
    job.options.detect_workers = workers;
    job.options.decode_workers = workers;
    job.options.max_batch = batch;
    job.score_workers = workers;
    for (int i = 0; i < 12; ++i) job.files.emplace_back("v" + std::to_string(i), video(1 + i, 1 + i % 3, 10 + 20 * i));
    EXPECT_TRUE(job.run());
    EXPECT_LE(job.largest_batch, batch);
    return text_of(job.items);
  };
  const std::string one = run(1, 1);
  EXPECT_EQ(one, run(4, 8));
  EXPECT_EQ(one, run(3, 5));
}

// Every third search takes longer, so that workers overtake each other; scores show who met in a batch.
TEST(DetectJob, WhatMeetsInABatchIsNoMatterOfTiming) {
  const auto run = [](int workers, bool alone) {
    StubJob job;
    job.options.detect_workers = job.options.decode_workers = workers;
    job.score_workers = 2;
    job.batch_sense = test::BatchSense::yes;
    job.files = {{"a", video(41, 1, 100)}};
    if (!alone) job.files.insert(job.files.end(), {{"b", video(9, 3, 120)}, {"c", StubFile{.faces = 2}}});
    std::atomic<int> searched{0};
    job.before_detect = [&](const PictureView&) {
      if (searched++ % 3 == 0) std::this_thread::sleep_for(2ms);
      return Status();
    };
    EXPECT_TRUE(job.run());
    return text_of(job.items);
  };
  const std::string all = run(1, false);
  EXPECT_EQ(all, run(4, false));
  EXPECT_EQ(all, run(7, false));
  EXPECT_EQ(all.substr(0, all.find('\n')), run(3, true).substr(0, all.find('\n')));
}

TEST(DetectJob, BatchesOfAVideoGrowSmallerTowardsItsEnd) {
  StubJob job;
  job.options.max_batch = 4;
  job.options.detect_workers = 3;
  job.score_workers = 2;
  job.files = {{"v.mp4", video(32)}};
  std::mutex mutex;
  std::vector<int> sizes;
  job.before_forward = [&](int n) {
    const std::lock_guard lock(mutex);
    sizes.push_back(n);
    return Status();
  };
  ASSERT_TRUE(job.run());
  std::ranges::sort(sizes);
  EXPECT_THAT(sizes, testing::ElementsAre(1, 1, 2, 4, 4, 4, 4, 4, 4, 4));
  EXPECT_EQ(job.items.at(0).work.faces_used, 32);
}

TEST(DetectJob, AFailingBatchTakesOnlyItsOwnInputWithIt) {
  StubJob job;
  job.files = {{"a", video(16)}, {"b", video(16)}, {"c", video(16)}};
  std::atomic<int> calls{0};
  job.before_forward = [&](int) -> Status {
    if (++calls == 2) throw std::bad_alloc();
    return {};
  };
  const auto summary = job.run();
  ASSERT_TRUE(summary);
  ASSERT_THAT(job.items, SizeIs(3));
  EXPECT_EQ(summary->abstained, 1);
  for (const ItemRecord& item : job.items) {
    if (item.outcome == Outcome::abstained) continue;
    EXPECT_EQ(item.work.faces_used, 16);
    EXPECT_NEAR(*item.p_fake, 0.2, 1e-6);
  }
}

// The first crop is not scored before the third frame is being searched and a fourth has been decoded: stages that
// waited for each other would never come that far.
TEST(DetectJob, StagesOfOneVideoOverlap) {
  StubJob job;
  job.options.detect_workers = 1;
  job.options.max_batch = 1;
  job.files = {{"v.mp4", video(20)}};
  std::atomic<int> searched{0};
  job.before_detect = [&](const PictureView&) {
    ++searched;
    return Status();
  };
  std::atomic<bool> first{true}, came_that_far{false};
  job.before_forward = [&](int) {
    if (!first.exchange(false)) return Status();
    for (int i = 0; i < 5000 && !came_that_far; ++i) {
      came_that_far = searched >= 3 && job.alive.now >= 1;
      std::this_thread::sleep_for(1ms);
    }
    return Status();
  };
  ASSERT_TRUE(job.run());
  EXPECT_TRUE(came_that_far);
}

TEST(DetectJob, FramesCloseTogetherAreSearchedOnceAndFollowed) {
  const auto run = [](double frame_seconds, int search_every) {
    auto job = std::make_unique<StubJob>();
    StubFile file = video(20, 2);
    file.frame_seconds = frame_seconds;
    job->files = {{"v.mp4", file}};
    job->options.search_every = search_every;
    EXPECT_TRUE(job->run());
    EXPECT_EQ(job->items.at(0).work.frames_searched, 20);
    EXPECT_EQ(job->items.at(0).work.faces_used, 40);
    EXPECT_EQ(job->items.at(0).persons.at(1).faces.at(19).frame, 190);
    return job;
  };
  const auto close = run(0.04, 8);
  EXPECT_EQ(close->followed, 17);  // frames 0, 8 and 16 are searched
  EXPECT_EQ(close->trace.spans["detect"], 3);
  EXPECT_EQ(close->trace.spans["follow"], 17);
  EXPECT_EQ(close->forward_calls, 5);  // two batches of 8 crops a full task, one for the last four frames
  EXPECT_EQ(close->largest_batch, 8);
  EXPECT_EQ(run(0.04, 1)->followed, 0);
  EXPECT_EQ(run(0.5, 8)->followed, 0);
}

TEST(DetectJob, FramesInMemoryDoNotGrowWithTheVideo) {
  const auto most_alive = [](int frames) {
    StubJob job;
    job.files = {{"v.mp4", video(frames)}};
    job.before_detect = [](const PictureView&) {
      std::this_thread::sleep_for(200us);
      return Status();
    };
    EXPECT_TRUE(job.run());
    return job.alive.most.load();
  };
  EXPECT_LE(most_alive(400), 2 * 2 + 2 + 1);  // queue, one in each worker, one in the decoder
}

TEST(DetectJob, ALongVideoHoldsUpOnlySoManyInputsBehindIt) {
  StubJob job;
  job.options.decode_workers = 2;
  std::atomic<int> opened{0};
  std::atomic<bool> released{false};
  job.files = {{"slow.mp4", video(1, 3)}};
  for (int i = 0; i < 300; ++i) job.files.emplace_back("p" + std::to_string(i), StubFile{.faces = 0});
  std::atomic<int> searched{0};
  job.before_detect = [&](const PictureView& picture) {
    if (picture.rgb[0] == 3) {
      for (int i = 0; i < 100 && !released; ++i) std::this_thread::sleep_for(5ms);
    } else if (job.given_out > 0) {
      released = true;
    } else {
      ++searched;
    }
    return Status();
  };
  ASSERT_TRUE(job.run());
  EXPECT_LE(searched, 64 + 3);
  EXPECT_THAT(job.items, SizeIs(301));
}

TEST(DetectJob, TroubleInOneItemIsItsOwnRecord) {
  StubJob job;
  job.files = {{"a", {}}, {"poison", {.level = 66}}, {"b", {}}, {"hungry.mp4", video(30, 1, 77)}, {"c", {}}};
  job.before_detect = [](const PictureView& picture) -> Status {
    if (picture.rgb[5] == 66) return fail(ErrorCode::internal, "the detector failed");
    if (picture.rgb[5] == 77) throw std::bad_alloc();
    return {};
  };
  const auto summary = job.run();
  ASSERT_TRUE(summary);
  ASSERT_THAT(job.items, SizeIs(5));
  EXPECT_EQ(job.items[1].outcome, Outcome::abstained);
  EXPECT_EQ(job.items[1].reason, "internal: the detector failed");
  EXPECT_EQ(job.items[3].outcome, Outcome::abstained);
  EXPECT_THAT(job.items[3].reason, HasSubstr("out_of_memory"));
  for (const std::size_t i : {0UL, 2UL, 4UL}) EXPECT_EQ(job.items[i].outcome, Outcome::scored) << i;
  EXPECT_EQ(summary->abstained, 2);
}

TEST(DetectJob, ANetworkThatFailsLeavesNoNumber) {
  StubJob job;
  job.options.max_batch = 1;
  job.files = {{"a", {}}, {"b", {}}, {"c", {}}};
  std::atomic<int> calls{0};
  job.before_forward = [&](int) -> Status {
    if (++calls == 2) return fail(ErrorCode::internal, "kernel failed");
    return {};
  };
  ASSERT_TRUE(job.run());
  int abstained = 0;
  for (const ItemRecord& item : job.items) {
    abstained += item.outcome == Outcome::abstained;
    EXPECT_EQ(item.p_fake.has_value(), item.outcome == Outcome::scored);
    if (item.outcome == Outcome::abstained) {
      EXPECT_EQ(item.reason, "internal: kernel failed");
    }
  }
  EXPECT_EQ(abstained, 1);
}

TEST(DetectJob, AValueThatIsNotFiniteAbstains) {
  StubJob job;
  job.files = {{"white", {.level = 255}}, {"a", {}}};  // the stub's logit of 1.0 is infinite
  ASSERT_TRUE(job.run());
  EXPECT_EQ(job.items[0].outcome, Outcome::abstained);
  EXPECT_FALSE(job.items[0].p_fake);
  EXPECT_EQ(job.items[0].persons.at(0).faces.at(0).quality.fate, FaceFate::not_scored);
  EXPECT_EQ(job.items[1].outcome, Outcome::scored);
}

TEST(DetectJob, FacesBeyondTheLimitAreCountedAndNamed) {
  StubJob job;
  job.options.max_faces = 2;
  job.files = {{"crowd", {.faces = 5}}};
  ASSERT_TRUE(job.run());
  EXPECT_EQ(job.items[0].work.faces_used, 2);
  EXPECT_EQ(job.items[0].work.faces_over_limit, 3);
  EXPECT_THAT(job.items[0].reason, HasSubstr("3 faces beyond the limit of 2"));
  job.items.clear();
  job.options.max_faces = 0;
  ASSERT_TRUE(job.run());
  EXPECT_EQ(job.items[0].work.faces_used, 5);
}

TEST(DetectJob, FacesBelowTheRulesAreShownNotScored) {
  StubJob job;
  job.options.faces.min_side_px = 51;
  job.files = {{"small", {.faces = 2}}};
  ASSERT_TRUE(job.run());
  EXPECT_EQ(job.items[0].outcome, Outcome::low_quality);
  EXPECT_EQ(job.items[0].persons[0].faces[0].quality.fate, FaceFate::too_small);
  job.items.clear();
  job.options.faces = {.min_probability = 0.995, .min_side_px = 40};
  ASSERT_TRUE(job.run());
  EXPECT_EQ(job.items[0].outcome, Outcome::low_quality);
  EXPECT_EQ(job.items[0].persons[0].faces[0].quality.fate, FaceFate::low_probability);
}

TEST(DetectJob, CancelFinishesWhatWasReadAndCountsTheRest) {
  StubJob job;
  for (int i = 0; i < 500; ++i) job.files.emplace_back("f" + std::to_string(i), video(5));
  job.on_item = [&](const ItemRecord&) {
    if (job.items.size() == 10) job.cancel.request(SIGINT);
    return Status();
  };
  const auto summary = job.run();
  ASSERT_TRUE(summary);
  EXPECT_GE(job.items.size(), 10U);
  EXPECT_LT(job.items.size(), 100U);
  EXPECT_LT(job.opened, 100);  // nothing is opened once the job is told to stop
  for (std::size_t i = 0; i < job.items.size(); ++i) {
    EXPECT_EQ(job.items[i].input, "f" + std::to_string(i));
    EXPECT_EQ(job.items[i].outcome, Outcome::scored);
    EXPECT_EQ(job.items[i].work.frames_searched, 5);
  }
  EXPECT_EQ(summary->scored, static_cast<std::int64_t>(job.items.size()));
  EXPECT_EQ(summary->not_analysed, 500 - summary->scored);
}

TEST(DetectJob, CancelEndsALongVideoSoon) {
  StubJob job;
  StubFile file = video(1'000'000);
  file.per_frame = 1ms;
  job.files = {{"endless.mp4", file}};
  std::thread killer([&] {
    std::this_thread::sleep_for(50ms);
    job.cancel.request(SIGTERM);
  });
  const auto summary = job.run();
  killer.join();
  ASSERT_TRUE(summary);
  EXPECT_THAT(job.items, SizeIs(0));
  EXPECT_EQ(summary->not_analysed, 1);
}

TEST(DetectJob, AnOutputThatFailsStopsTheJob) {
  StubJob job;
  for (int i = 0; i < 500; ++i) job.files.emplace_back("f" + std::to_string(i), StubFile());
  job.on_item = [&](const ItemRecord&) -> Status {
    if (job.items.size() == 3) return fail(ErrorCode::file_unwritable, "the disk is full");
    return {};
  };
  const auto summary = job.run();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::file_unwritable);
  EXPECT_LT(job.opened, 100);
  EXPECT_THAT(job.items, SizeIs(3));
}

TEST(DetectJob, ProgressGrowsToOne) {
  StubJob job;
  for (int i = 0; i < 5; ++i) job.files.emplace_back("f" + std::to_string(i), video(10));
  double last = 0;
  job.on_progress = [&](const Progress& progress) {
    EXPECT_GE(progress.share, last - 1e-12);
    EXPECT_LE(progress.share, 1.0 + 1e-12);
    EXPECT_EQ(progress.items_all, 5U);
    last = progress.share;
  };
  ASSERT_TRUE(job.run());
  EXPECT_EQ(last, 1.0);
}

TEST(DetectJob, CropsOfDifferentInputsNeverShareABatch) {
  StubJob job;
  for (int i = 0; i < 20; ++i) job.files.emplace_back("f" + std::to_string(i), StubFile());
  job.before_forward = [](int) {
    std::this_thread::sleep_for(1ms);
    return Status();
  };
  ASSERT_TRUE(job.run());
  EXPECT_EQ(job.largest_batch, 1);
  EXPECT_EQ(job.forward_calls, 20);

  StubJob crowd;
  crowd.options.max_faces = 0;
  crowd.options.max_batch = 4;
  crowd.files = {{"crowd", {.faces = 10}}};
  ASSERT_TRUE(crowd.run());
  EXPECT_EQ(crowd.largest_batch, 4);
  EXPECT_EQ(crowd.forward_calls, 3);
  EXPECT_EQ(crowd.items[0].work.faces_used, 10);
}

TEST(DetectJob, NothingToDoIsDoneAtOnce) {
  StubJob job;
  const auto summary = job.run();
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->inputs, 0);
}

}  // namespace
}  // namespace dfa
