#include "prepare/prepare_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "dataset/landmark_file.hpp"
#include "dataset/pack.hpp"
#include "face/dlib_part.hpp"
#include "media/read_picture.hpp"
#include "prepare/output_names.hpp"
#include "preprocess/crop.hpp"
#include "stubs.hpp"
#include "support/shared.hpp"

namespace dfa {
namespace {

using test::DrawnFace;
using test::quick_options;
using test::square_parts;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const DrawnFace kFace{40, 30, 50};
// Of another grey: equal crops may not have two roles.
const DrawnFace kReal{40, 30, 50, 195};
const DrawnFace kOther{120, 20, 70};  // larger

Result<PrepareReport> run(const SourceList& list, const std::filesystem::path& out,
                          const PrepareOptions& options = quick_options(), const PrepareParts& parts = square_parts()) {
  return run_prepare(list, out, options, parts, {}, {});
}

PrepareReport run_well(const SourceList& list, const std::filesystem::path& out,
                       const PrepareOptions& options = quick_options(), const PrepareParts& parts = square_parts()) {
  auto report = run(list, out, options, parts);
  EXPECT_TRUE(report) << report.error().message;
  return report.value_or(PrepareReport{});
}

Manifest manifest_of(const std::filesystem::path& out) {
  const auto manifest = read_manifest(out / kManifestName);
  EXPECT_TRUE(manifest) << manifest.error().message;
  return manifest.value_or(Manifest{});
}

// One of each fate. Items in byte order.
SourceList mixed_set(const std::filesystem::path& root) {
  SourceList list{"drawn", root, {}, {}};
  list.items.push_back(test::write_frames(root, "a_real", {{kReal}, {kReal}, {}, {kReal}}, 0));
  list.items.push_back(test::write_frames(root, "b_small", {{{10, 10, 20}}, {{10, 10, 20}}}, 0));
  list.items.push_back(test::write_frames(root, "c_uncertain", {{{40, 30, 50, 170}}}, 0));
  list.items.push_back(test::write_frames(root, "d_empty", {{}, {}}, 1));
  SourceItem masked = test::write_frames(root, "e_masked", {{kFace, kOther}, {kFace, kOther}, {kOther}}, 1);
  for (int i = 0; i < 3; ++i)
    test::write_png(root / fmt::format("e_masks/{:03}.png", i), test::draw_mask(200, 120, {kFace}));
  masked.mask = "e_masks";
  masked.identities = {"id3", "id7"};
  masked.source = "a_real";
  masked.role = Role::train;
  list.items.push_back(masked);
  test::write_bytes(root / "f_broken.png", "no picture");
  list.items.push_back(test::item("f_broken.png", SourceKind::picture, 1, "drawing"));
  test::write_png(root / "g_still.png", test::draw(200, 120, {kReal}));
  list.items.push_back(test::item("g_still.png", SourceKind::picture, std::nullopt));
  list.items.push_back(test::item("h_gone.mp4", SourceKind::video, 1, "drawing"));
  return list;
}

TEST(Prepare, EveryItemHasItsFateAndNothingIsReplaced) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  const PrepareReport report = run_well(list, dir / "out");
  std::vector<std::string> missing;
  for (const MissingItem& item : report.coverage.missing)
    missing.push_back(item.path + " " + std::string(item_outcome_name(item.outcome)));
  EXPECT_THAT(missing, ElementsAre("b_small too_small", "c_uncertain low_probability", "d_empty no_face",
                                   "f_broken.png unreadable", "h_gone.mp4 unreadable"));
  EXPECT_EQ(report.crops, 3u + 2u + 1u);
  const FrameCounts& frames = report.coverage.all.frames;
  EXPECT_EQ(frames.wanted, frames.used + frames.no_face + frames.other_face + frames.too_small +
                               frames.low_probability + frames.not_cropped + frames.failed);
  EXPECT_EQ(frames.other_face, 1);
  const auto json = nlohmann::json::parse(*read_text_file(dir / "out/coverage.json", 1 << 20));
  EXPECT_EQ(json["all"]["items"], 8);
  EXPECT_THAT(json["missing"][3]["reason"].get<std::string>(), HasSubstr("not_media"));
  EXPECT_THAT(json["missing"][4]["reason"].get<std::string>(), HasSubstr("file_not_found"));
}

TEST(Prepare, TheManifestNamesEverything) {
  TempDir dir;
  run_well(mixed_set(dir / "data"), dir / "out");
  const Manifest manifest = manifest_of(dir / "out");
  EXPECT_EQ(manifest.crop_name, "square1.3-inside");
  EXPECT_EQ(manifest.stored_px, 32);
  ASSERT_EQ(manifest.entries.size(), 6u);
  const ManifestEntry& real = manifest.entries[2];
  EXPECT_EQ(real.path, "crops/a_real/000003.png");
  EXPECT_EQ(real.label, 0);
  EXPECT_EQ(real.role, Role::test);
  EXPECT_EQ(real.set, "drawn");
  EXPECT_EQ(real.video, "a_real");
  EXPECT_EQ(real.frame, 3);
  EXPECT_EQ(real.box_px->x1, 40);
  EXPECT_TRUE(real.landmarks_px);
  EXPECT_EQ(real.crop_sha256, *sha256_file(dir / "out" / real.path));
  const ManifestEntry& fake = manifest.entries[3];
  EXPECT_EQ(fake.label, 1);
  EXPECT_EQ(fake.role, Role::train);
  EXPECT_EQ(fake.method, "drawing");
  EXPECT_EQ(fake.identity, "id3+id7");
  EXPECT_EQ(fake.source, "a_real");
  EXPECT_EQ(fake.mask, "masks/e_masked/000000.png");
  const ManifestEntry& still = manifest.entries[5];
  EXPECT_EQ(still.video, "");
  EXPECT_FALSE(still.frame);
  EXPECT_FALSE(still.label);
}

TEST(Prepare, TheMaskChoosesTheFaceAndIsCutByTheSameWarp) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  run_well(list, dir / "out");
  const ManifestEntry fake = manifest_of(dir / "out").entries[3];
  EXPECT_EQ(fake.box_px->x1, kFace.x);
  const Picture crop = *read_picture(dir / "out" / fake.path, {}), mask = *read_picture(dir / "out" / fake.mask, {});
  // The face is drawn bright where the mask is white; between them only the warp's own smoothing.
  for (int y = 0; y < crop.height; ++y)
    for (int x = 0; x < crop.width; ++x) {
      const int level = crop.view().row(y)[3 * x], masked = mask.view().row(y)[3 * x];
      EXPECT_TRUE(masked == 0 || masked == 255);
      EXPECT_EQ(masked == 255, level >= 100) << x << " " << y << " " << level;
    }
  PrepareOptions options = quick_options();
  options.masks = MaskUse::ignore;
  run_well(list, dir / "without", options);
  const ManifestEntry largest = manifest_of(dir / "without").entries[3];
  EXPECT_EQ(largest.box_px->x1, kOther.x);
  EXPECT_EQ(largest.mask, "");
}

TEST(Prepare, NoFaceUnderTheMaskIsNoFace) {
  TempDir dir;
  SourceList list{"drawn", dir / "data", {}, {}};
  SourceItem item = test::write_frames(dir / "data", "v", {{kOther}}, 1);
  item.mask = "m.png";
  test::write_png(dir / "data/m.png", test::draw_mask(200, 120, {{0, 0, 20}}));
  list.items = {item};
  const PrepareReport report = run_well(list, dir / "out");
  ASSERT_EQ(report.coverage.missing.size(), 1u);
  EXPECT_THAT(report.coverage.missing[0].reason, HasSubstr("under the mask"));
  EXPECT_FALSE(std::filesystem::exists(dir / "out/crops/v"));
}

TEST(Prepare, AMaskThatCannotBeReadIsAbsentAndSaysSo) {
  TempDir dir;
  SourceList list{"drawn", dir / "data", {}, {}};
  SourceItem item = test::write_frames(dir / "data", "v", {{kOther}}, 1);
  item.mask = "gone.mp4";
  list.items = {item};
  const PrepareReport report = run_well(list, dir / "out");
  EXPECT_EQ(report.crops, 1u);
  EXPECT_EQ(report.coverage.all.by_mask, 0);
  ASSERT_EQ(report.coverage.notes.size(), 1u);
  EXPECT_THAT(report.coverage.notes[0].second, HasSubstr("mask: file_not_found"));
}

TEST(Prepare, TheResultDoesNotDependOnTheWorkers) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  PrepareOptions one = quick_options(1), five = quick_options(5);
  one.pack = five.pack = PackUse::write;
  run_well(list, dir / "one", one);
  run_well(list, dir / "five", five);
  EXPECT_EQ(test::tree(dir / "one"), test::tree(dir / "five"));
}

TEST(Prepare, ThePackHoldsTheManifestAndItsPixels) {
  TempDir dir;
  PrepareOptions options = quick_options();
  options.pack = PackUse::write;
  run_well(mixed_set(dir / "data"), dir / "out", options);
  const auto pack = Pack::open(dir / "out" / kPackName);
  ASSERT_TRUE(pack) << pack.error().message;
  const Manifest manifest = manifest_of(dir / "out");
  ASSERT_EQ((*pack)->size(), manifest.entries.size());
  for (std::size_t i = 0; i < (*pack)->size(); ++i) {
    EXPECT_EQ((*pack)->entry(i).path, manifest.entries[i].path);
    const Picture crop = *read_picture(dir / "out" / manifest.entries[i].path, {});
    EXPECT_TRUE(std::equal(crop.rgb.begin(), crop.rgb.end(), (*pack)->crop(i).rgb));
    EXPECT_EQ((*pack)->mask(i).has_value(), !manifest.entries[i].mask.empty());
  }
}

// Points for the darker faces alone.
class StubPoints final : public CropPointFinder {
 public:
  std::string_view name() const override { return "stub"; }
  std::string_view model_sha256() const override { return "none"; }
  Result<std::optional<Landmarks68>> find(const PictureView& crop) override {
    const int level = crop.row(crop.height / 2)[3 * (crop.width / 2)];
    if (level >= kFace.level) return std::optional<Landmarks68>();
    Landmarks68 landmarks;
    for (std::size_t k = 0; k < landmarks.points.size(); ++k)
      landmarks.points[k] = {static_cast<double>(k) / 4, static_cast<double>(crop.width)};
    return std::optional(landmarks);
  }
};

PrepareParts parts_with_points() {
  PrepareParts parts = square_parts();
  parts.make_points = []() -> Result<std::unique_ptr<CropPointFinder>> { return std::make_unique<StubPoints>(); };
  return parts;
}

TEST(Prepare, PointsLieBesideTheirCropsAndInThePack) {
  TempDir dir;
  PrepareOptions options = quick_options(2);
  options.pack = PackUse::write;
  const SourceList list = mixed_set(dir / "data");
  const PrepareReport report = run_well(list, dir / "out", options, parts_with_points());
  EXPECT_EQ(report.coverage.all.with_landmarks68, 4);  // three frames of a_real and the still
  EXPECT_THAT(coverage_text(report.coverage), HasSubstr("68 points were found in 4 of 6 crops"));
  const Manifest manifest = manifest_of(dir / "out");
  EXPECT_EQ(manifest.entries[0].landmarks68, "landmarks/a_real/000000.npy");
  EXPECT_EQ(manifest.entries[3].landmarks68, "");
  const auto pack = Pack::open(dir / "out" / kPackName);
  ASSERT_TRUE(pack) << pack.error().message;
  for (std::size_t i = 0; i < manifest.entries.size(); ++i) {
    const auto packed = (*pack)->landmarks68(i);
    ASSERT_EQ(packed.has_value(), !manifest.entries[i].landmarks68.empty());
    if (!packed) continue;
    const auto points = read_landmark_file(dir / "out" / manifest.entries[i].landmarks68);
    ASSERT_TRUE(points) << points.error().message;
    EXPECT_EQ(points->points[67].x, 16.75);
    EXPECT_EQ(points->points[67].y, 32);
    EXPECT_EQ(packed->points[67].x, 16.75);
  }
}

TEST(Prepare, PointsThatAreGoneAreFoundAgain) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  run_well(list, dir / "out", quick_options(), parts_with_points());
  const auto before = test::tree(dir / "out");
  std::filesystem::remove(dir / "out/landmarks/a_real/000001.npy");
  EXPECT_EQ(run_well(list, dir / "out", quick_options(), parts_with_points()).items_kept, 5u);
  EXPECT_EQ(test::tree(dir / "out"), before);
  // Without points it would be another data set.
  const auto without = run(list, dir / "out");
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, HasSubstr("landmarks68"));
}

// dlib is an optional part of the build.
TEST(Prepare, DlibFindsThePointsOfSamples) {
  if (dlib_part() == DlibPart::absent) GTEST_SKIP() << "this build has no dlib";
  const auto finder = make_crop_point_finder();
  ASSERT_TRUE(finder) << finder.error().message;
  const auto picture = read_picture(test::source_path("samples/astronaut.png"), {});
  ASSERT_TRUE(picture) << picture.error().message;
  const auto faces = (*make_detector("dlib", {}))->detect(picture->view());
  ASSERT_TRUE(faces && !faces->empty());
  const Picture crop = *make_crop(picture->view(), faces->front(), *crop_recipe_by_name("aligned1.3"));
  const auto points = (*finder)->find(crop.view());
  ASSERT_TRUE(points) << points.error().message;
  ASSERT_TRUE(points->has_value());
  const auto five = five_of_68(**points);
  EXPECT_LT(five[0].x, five[1].x);  // eyes
  EXPECT_LT(five[0].y, five[2].y);  // nose below them
  EXPECT_LT(five[2].y, five[3].y);  // mouth below it
  const Picture black{64, 64, std::vector<std::uint8_t>(3 * 64 * 64)};
  const auto none = (*finder)->find(black.view());
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
}

TEST(Prepare, AFinishedRunIsNotDoneAgain) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  std::atomic<long> calls{0};
  run_well(list, dir / "out", quick_options(), square_parts(&calls));
  const auto before = test::tree(dir / "out");
  const long first = calls;
  const PrepareReport again = run_well(list, dir / "out", quick_options(), square_parts(&calls));
  EXPECT_EQ(calls, first);
  EXPECT_EQ(again.items_kept, 6u);  // what was unreadable is tried again
  EXPECT_EQ(test::tree(dir / "out"), before);
}

TEST(Prepare, WhatIsMissingOrChangedIsDoneAgain) {
  TempDir dir;
  SourceList list = mixed_set(dir / "data");
  run_well(list, dir / "out");
  const auto before = test::tree(dir / "out");
  std::filesystem::remove(dir / "out/crops/a_real/000001.png");
  test::write_bytes(dir / "out/masks/e_masked/000000.png", "cut");
  EXPECT_EQ(run_well(list, dir / "out").items_kept, 4u);
  EXPECT_EQ(test::tree(dir / "out"), before);
  // A video that was repaired since.
  test::write_png(dir / "data/f_broken.png", test::draw(200, 120, {kReal}));
  EXPECT_EQ(run_well(list, dir / "out").crops, 7u);
}

TEST(Prepare, ACancelKeepsWhatIsFinished) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  run_well(list, dir / "whole");
  CancelFlag cancel;
  const auto stopped = run_prepare(
      list, dir / "out", quick_options(), square_parts(),
      [&](const Progress& now) {
        if (now.items_done >= 2) cancel.request(15);
      },
      cancel);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
  EXPECT_FALSE(std::filesystem::exists(dir / "out" / kManifestName));
  const PrepareReport report = run_well(list, dir / "out");
  EXPECT_GE(report.items_kept, 2u);
  EXPECT_EQ(test::tree(dir / "out"), test::tree(dir / "whole"));
}

TEST(Prepare, OtherSettingsAreRefusedByName) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  run_well(list, dir / "out");
  const auto refusal = [&](auto change) {
    PrepareOptions options = quick_options();
    change(options);
    const auto report = run(list, dir / "out", options);
    EXPECT_FALSE(report);
    if (report) return std::string();
    EXPECT_EQ(report.error().code, ErrorCode::recipe_mismatch);
    return report.error().message;
  };
  EXPECT_THAT(refusal([](PrepareOptions& o) { o.frames = 8; }), HasSubstr("crop.frames: even:4 before, even:8 now"));
  EXPECT_THAT(refusal([](PrepareOptions& o) { o.faces.min_side_px = 60; }),
              HasSubstr("faces.min_side_px: 40 before, 60 now"));
  EXPECT_THAT(refusal([](PrepareOptions& o) { o.masks = MaskUse::ignore; }),
              HasSubstr("masks: crop before, ignore now"));
  EXPECT_THAT(refusal([](PrepareOptions& o) {
                o.recipe.stored_px = 64;
                o.tool = "2";
              }),
              testing::AllOf(HasSubstr("crop.stored_px: 32 before, 64 now"), HasSubstr("tool: test before, 2 now")));
  // The role of items without a split is no part of the crops.
  PrepareOptions options = quick_options();
  options.default_role = Role::val;
  run_well(list, dir / "out", options);
  EXPECT_EQ(manifest_of(dir / "out").entries[0].role, Role::val);
}

TEST(Prepare, AFolderWithOtherThingsIsLeftAlone) {
  TempDir dir;
  std::filesystem::create_directories(dir / "out");
  test::write_bytes(dir / "out/thesis.tex", "years of work");
  const auto report = run(mixed_set(dir / "data"), dir / "out");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::file_unwritable);
  EXPECT_THAT(report.error().message, HasSubstr("holds other files"));
}

TEST(Prepare, AFolderThatCannotBeWrittenIsNamed) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  test::write_bytes(dir / "file", "");
  const auto report = run(list, dir / "file/out");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::file_unwritable);
  EXPECT_THAT(report.error().message, HasSubstr((dir / "file/out").string()));
}

// A crop cannot be written: a folder stands where it belongs.
TEST(Prepare, TroubleWithAFileStopsTheJobAndTheNextRunGoesOn) {
  TempDir dir;
  const SourceList list = mixed_set(dir / "data");
  std::filesystem::create_directories(dir / "out/.prepare");
  std::filesystem::create_directories(dir / "out/crops/e_masked/000001.png");
  const auto report = run(list, dir / "out", quick_options(3));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::file_unwritable);
  EXPECT_THAT(report.error().message, HasSubstr("e_masked/000001.png"));
  std::filesystem::remove(dir / "out/crops/e_masked/000001.png");
  run_well(list, dir / "out");
  run_well(list, dir / "whole");
  EXPECT_EQ(test::tree(dir / "out"), test::tree(dir / "whole"));
}

TEST(Prepare, EqualCropsInTwoRolesStayWithTheStrongerOne) {
  TempDir dir;
  SourceList list{"drawn", dir / "data", {}, {}};
  list.items = {test::write_frames(dir / "data", "a", {{kFace}}, 0),
                test::write_frames(dir / "data", "b", {{kFace}}, 0)};
  list.items[0].role = Role::train;
  list.items[1].role = Role::test;
  const PrepareReport report = run_well(list, dir / "out");
  EXPECT_EQ(report.crops, 1U);
  EXPECT_EQ(report.coverage.all.count(ItemOutcome::used), 2);
  ASSERT_EQ(report.coverage.shared.size(), 1U);
  EXPECT_EQ(report.coverage.shared[0].path, "crops/a/000000.png");
  EXPECT_EQ(report.coverage.shared[0].kept_role, Role::test);
  const auto manifest = read_manifest(dir / "out/manifest.jsonl");
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->entries.at(0).role, Role::test);
}

TEST(Prepare, AnItemThatIsListedTwiceIsRefused) {
  TempDir dir;
  SourceList list{"drawn", dir / "data", {}, {}};
  list.items = {test::write_frames(dir / "data", "a", {{kFace}}, 0), {}};
  list.items[1] = list.items[0];
  EXPECT_EQ(run(list, dir / "twice").error().code, ErrorCode::usage);
}

TEST(Prepare, AnotherDetectorThanTheRecipesIsRefused) {
  TempDir dir;
  PrepareOptions options = quick_options();
  options.recipe = *crop_recipe_by_name("dfb");
  const auto report = run(mixed_set(dir / "data"), dir / "out", options);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::recipe_mismatch);
}

TEST(Prepare, AnEmptySetGivesAnEmptyManifest) {
  TempDir dir;
  std::filesystem::create_directories(dir / "data");
  const PrepareReport report = run_well({"drawn", dir / "data", {}, {}}, dir / "out");
  EXPECT_EQ(report.coverage.all.items, 0);
  EXPECT_THAT(manifest_of(dir / "out").entries, IsEmpty());
}

}  // namespace
}  // namespace dfa
