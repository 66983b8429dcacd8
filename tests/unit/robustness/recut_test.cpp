// Frames perturbed and cut again, against what `dfa prepare` cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "base/file.hpp"
#include "media/read_picture.hpp"
#include "media/video_reader.hpp"
#include "media/write_picture.hpp"
#include "perturb/perturb.hpp"
#include "prepare/output_names.hpp"
#include "prepare/prepared_source.hpp"
#include "prepared_clips.hpp"
#include "preprocess/crop.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

constexpr PerturbKind kDeeper = PerturbKind::deeperforensics;

RecutOptions options_of(std::vector<Perturbation> perturbations) {
  RecutOptions options;
  options.perturbations = std::move(perturbations);
  return options;
}

RecutOptions looking_again(std::vector<Face> faces) {
  RecutOptions options = options_of({{kDeeper, "GB", 1}});
  options.face = RecutFace::found;
  options.detectors.push_back(std::make_unique<ToldDetector>(std::move(faces)));
  return options;
}

// The same code path as prepare's, so equal bytes and not equal looks: also where every frame is read for a codec.
TEST(Recut, WithoutAPerturbationIsThePreparedCropByteForByte) {
  const PreparedClips& clips = prepared_clips();
  ASSERT_EQ(clips.sources.videos.size(), 3u);
  std::size_t compared = 0;
  for (const bool every_frame : {false, true})
    for (const SourceVideo& video : clips.sources.videos) {
      RecutOptions options;
      if (every_frame) options.perturbations = {{kDeeper, "VC", 5}};
      const Recuts recuts = recut_all(video, options, clips.sources);
      for (const SourceCrop& crop : video.crops) {
        const Recut& clean = recuts[0][crop.entry];
        ASSERT_EQ(clean.outcome, Outcome::scored) << clean.problem;
        const auto bytes = encode_png(clean.crop.view(), PngColour::rgb, PngEffort::fast);
        const auto stored = read_file(clips.dir / ("out/" + clips.manifest.entries[crop.entry].path), 1 << 20);
        ASSERT_TRUE(bytes && stored);
        EXPECT_EQ(*bytes, *stored) << clips.manifest.entries[crop.entry].path;
        ++compared;
      }
    }
  EXPECT_EQ(compared, 2 * clips.manifest.entries.size());
  EXPECT_EQ(clips.manifest.entries.size(), 5u);
}

TEST(Recut, EqualSeedsGiveEqualBytesWhateverTheNumberOfThreads) {
  const PreparedClips& clips = prepared_clips();
  const SourceVideo& video = clips.video(kFolder);
  RecutOptions options = options_of({{kDeeper, "GNC", 3}, {kDeeper, "BW", 2}, {PerturbKind::recompress, "H264", 4}});
  const Recuts one = recut_all(video, options, clips.sources);
  options.threads = 2;
  const Recuts two = recut_all(video, options, clips.sources);
  options.seed = 1;
  const Recuts other = recut_all(video, options, clips.sources);
  for (const SourceCrop& crop : video.crops) {
    for (std::size_t cell = 0; cell < one.size(); ++cell)
      EXPECT_EQ(one[cell][crop.entry].crop.rgb, two[cell][crop.entry].crop.rgb) << cell;
    EXPECT_NE(one[1][crop.entry].crop.rgb, other[1][crop.entry].crop.rgb);
    EXPECT_EQ(one[0][crop.entry].crop.rgb, other[0][crop.entry].crop.rgb);
  }
}

TEST(Recut, HigherLevelsChangeMore) {
  const PreparedClips& clips = prepared_clips();
  for (const char* code : {"CS", "CC", "GNC", "GB", "JPEG", "VC"}) {
    const Recuts recuts =
        recut_all(clips.video(kPortrait), options_of({{kDeeper, code, 1}, {kDeeper, code, 5}}), clips.sources);
    const std::size_t entry = clips.video(kPortrait).crops.front().entry;
    const double light = difference(recuts[0][entry].crop, recuts[1][entry].crop);
    const double hard = difference(recuts[0][entry].crop, recuts[2][entry].crop);
    EXPECT_GT(light, 0) << code;
    EXPECT_GT(hard, 1.2 * light) << code;
  }
}

// Blurred first and cropped then is not cropped first and blurred then.
TEST(Recut, TheWholeFrameIsPerturbedBeforeItIsCropped) {
  const PreparedClips& clips = prepared_clips();
  const SourceCrop& crop = clips.video(kPortrait).crops.front();
  const Perturbation blur = {kDeeper, "GB", 5};
  const Recuts recuts = recut_all(clips.video(kPortrait), options_of({blur}), clips.sources);
  const auto frame = read_picture(clips.dir / "data/real/astronaut.png", {});
  const auto blurred = perturb(frame->view(), blur, perturb_stream(0, blur, kPortrait));
  EXPECT_EQ(recuts[1][crop.entry].crop.rgb, make_crop(blurred->view(), crop.face, clips.sources.recipe)->rgb);
  const auto after = perturb(recuts[0][crop.entry].crop.view(), blur, perturb_stream(0, blur, kPortrait));
  EXPECT_GT(difference(recuts[1][crop.entry].crop, *after), 1);
}

TEST(Recut, AVideoCodecSeesTheWholeClip) {
  const PreparedClips& clips = prepared_clips();
  const SourceVideo& video = clips.video(kClip);
  const Perturbation codec = {kDeeper, "VC", 5};
  const Recuts recuts = recut_all(video, options_of({codec}), clips.sources);
  auto reader = VideoReader::open(video.path, {});
  ASSERT_TRUE(reader);
  FrameSelection every;
  every.way = FrameSelection::Way::every;
  ASSERT_TRUE((*reader)->select(every));
  std::vector<Picture> frames;
  for (auto frame = (*reader)->next(); frame && *frame; frame = (*reader)->next())
    frames.push_back(std::move((*frame)->picture));
  const auto recoded =
      perturb_frames(frames, codec, perturb_stream(0, codec, kClip), mean_frame_rate((*reader)->info()));
  ASSERT_TRUE(recoded);
  for (const SourceCrop& crop : video.crops) {
    const Picture& frame = recoded->at(static_cast<std::size_t>(crop.frame));
    EXPECT_EQ(recuts[1][crop.entry].crop.rgb, make_crop(frame.view(), crop.face, clips.sources.recipe)->rgb);
  }
}

TEST(Recut, CodecsThatNeedTooMuchMemoryTakeTurns) {
  const PreparedClips& clips = prepared_clips();
  const SourceVideo& video = clips.video(kClip);
  RecutOptions options = options_of({{kDeeper, "VC", 1}, {kDeeper, "GB", 1}, {kDeeper, "VC", 5}});
  const Recuts at_once = recut_all(video, options, clips.sources);
  options.codec_bytes = 1;
  std::vector<double> shares;
  options.progress = [&](double share) { shares.push_back(share); };
  const Recuts in_turn = recut_all(video, options, clips.sources);
  for (const SourceCrop& crop : video.crops)
    for (std::size_t cell = 0; cell < at_once.size(); ++cell)
      EXPECT_EQ(at_once[cell][crop.entry].crop.rgb, in_turn[cell][crop.entry].crop.rgb) << cell;
  EXPECT_EQ(shares.size(), 2 * kClipFrames);  // every frame twice
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.back(), 1);
}

// Sent at 480 pixels, a frame of 512 is smaller; its crop shows the face at the same place.
TEST(Recut, GeometryFollowsAFrameThatShrinks) {
  const PreparedClips& clips = prepared_clips();
  const std::size_t entry = clips.video(kPortrait).crops.front().entry;
  const Recuts recuts =
      recut_all(clips.video(kPortrait),
                options_of({{PerturbKind::messenger, "CLIP", 5}, {PerturbKind::recompress, "H264", 5}}), clips.sources);
  const double shrunk = difference(recuts[0][entry].crop, recuts[1][entry].crop);
  const double same_size = difference(recuts[0][entry].crop, recuts[2][entry].crop);
  EXPECT_LT(shrunk, 1.5 * same_size);
}

TEST(Recut, AFaceIsLookedForAgainWhereAsked) {
  const PreparedClips& clips = prepared_clips();
  const SourceVideo& video = clips.video(kPortrait);
  const SourceCrop& crop = video.crops.front();
  const auto outcome_with = [&](std::vector<Face> faces) {
    return recut_all(video, looking_again(std::move(faces)), clips.sources)[1][crop.entry];
  };
  EXPECT_EQ(outcome_with({}).outcome, Outcome::no_face);
  Face far = crop.face, sure = crop.face, unsure = crop.face;
  far.box_px = {0, 0, 50, 50};
  far.probability = sure.probability = 1;
  unsure.probability = 0.8;
  EXPECT_EQ(outcome_with({far}).outcome, Outcome::no_face);
  EXPECT_EQ(outcome_with({unsure}).outcome, Outcome::low_quality);
  EXPECT_THAT(outcome_with({unsure}).problem, HasSubstr("low_probability"));
  const Recut found = outcome_with({far, sure});
  ASSERT_EQ(found.outcome, Outcome::scored);
  const Recuts clean_place = recut_all(video, options_of({{kDeeper, "GB", 1}}), clips.sources);
  EXPECT_EQ(found.crop.rgb, clean_place[1][crop.entry].crop.rgb);
  // The clean cell is the manifest's, whatever the detector finds.
  EXPECT_EQ(recut_all(video, looking_again({}), clips.sources)[0][crop.entry].outcome, Outcome::scored);
}

TEST(Recut, WhatCannotBeReadIsCountedInEveryCell) {
  const PreparedClips& clips = prepared_clips();
  SourceVideo gone = clips.video(kClip);
  gone.path = clips.dir / "data/fake/gone.mp4";
  const Recuts recuts = recut_all(gone, options_of({{kDeeper, "GB", 1}, {kDeeper, "VC", 1}}), clips.sources);
  SourceVideo short_one = clips.video(kClip);
  short_one.crops.back().frame = 100'000;
  const Recuts beyond = recut_all(short_one, options_of({{kDeeper, "GB", 1}}), clips.sources);
  for (const auto& cell : recuts)
    for (const SourceCrop& crop : gone.crops) {
      EXPECT_EQ(cell[crop.entry].outcome, Outcome::decode_error);
      EXPECT_THAT(cell[crop.entry].problem, HasSubstr("gone.mp4"));
    }
  EXPECT_EQ(beyond[1][short_one.crops.front().entry].outcome, Outcome::scored);
  EXPECT_EQ(beyond[1][short_one.crops.back().entry].outcome, Outcome::decode_error);
}

TEST(Recut, StopsBetweenFrames) {
  const PreparedClips& clips = prepared_clips();
  CancelFlag cancel;
  RecutOptions options = options_of({{kDeeper, "GB", 1}});
  std::size_t crops = 0;
  options.progress = [&](double) { cancel.request(SIGTERM); };
  const Status done = recut_video(clips.video(kClip), clips.sources, options, cancel,
                                  [&](std::size_t, std::size_t, const Recut&) -> Status {
                                    ++crops;
                                    return {};
                                  });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
  EXPECT_EQ(crops, 2u);  // of the first frame, in both cells
}

TEST(FindSources, ADamagedRecordIsNamed) {
  const TempDir dir;
  EXPECT_FALSE(read_prepared_source(dir.path()).value());
  std::filesystem::create_directories(dir / ".prepare");
  for (const char* text : {"", "{", "[]", "{\"root\":1}", "{\"root\":\"/d\",\"crop\":{},\"faces\":{}}"}) {
    write_bytes(dir / ".prepare/job.json", text);
    const auto source = read_prepared_source(dir.path());
    ASSERT_FALSE(source) << text;
    EXPECT_FALSE(source.error().message.empty());
  }
}

TEST(FindSources, KnowTheItemOfACrop) {
  for (const char* item : {"real/a.png", "a.png", "../other/a b.png", "/elsewhere/a.png", "x/@home/b.png"})
    EXPECT_EQ(item_of_crop(crop_file(item, 0)), item);
  EXPECT_EQ(item_of_crop("test0.bmp"), "");
  EXPECT_EQ(item_of_crop("faces/real/a.png"), "");
}

TEST(FindSources, SayWhatAManifestLacks) {
  const PreparedClips& clips = prepared_clips();
  const CropRecipe recipe = clips.sources.recipe;
  const auto refusal = [&](const Manifest& manifest, const std::filesystem::path& path,
                           const std::filesystem::path& root) {
    const auto sources = find_sources({manifest, path, clips.entries, root, recipe});
    return sources ? std::string("found") : sources.error().message;
  };
  const std::filesystem::path elsewhere = clips.dir / "manifest.jsonl";
  EXPECT_EQ(refusal(clips.manifest, clips.manifest_path, {}), "found");
  EXPECT_EQ(refusal(clips.manifest, elsewhere, clips.dir / "data"), "found");
  EXPECT_THAT(refusal(clips.manifest, elsewhere, {}), HasSubstr("--sources DIR"));
  EXPECT_THAT(refusal(clips.manifest, elsewhere, clips.dir / "none"), HasSubstr("is not there"));
  Manifest without = clips.manifest;
  without.entries[0].landmarks_px.reset();
  EXPECT_THAT(refusal(without, clips.manifest_path, {}), HasSubstr("1 of 5 crops"));
  EXPECT_THAT(refusal(without, clips.manifest_path, {}), HasSubstr("--on-crops"));
  Manifest foreign = clips.manifest;
  foreign.crop_sha256 = std::string(64, 'a');
  EXPECT_THAT(refusal(foreign, clips.manifest_path, {}), HasSubstr("cannot be told"));
  for (ManifestEntry& entry : without.entries) entry.video.reset();
  EXPECT_THAT(refusal(without, clips.manifest_path, {}), HasSubstr("--perturb gend"));
}

}  // namespace
}  // namespace dfa::test
