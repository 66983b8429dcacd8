// Traps of the layouts that are lists or pictures, and of recognition.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "dataset/dfb_json.hpp"
#include "layout_tree.hpp"

namespace dfa::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kFrames = "FaceForensics++/original_sequences/youtube/c23/frames/071";

TEST(Dfb, BackslashesPrefixesAndLongNumbers) {
  LayoutTree tree;
  tree.files({std::string(kFrames) + "/998.png", std::string(kFrames) + "/1001.png"});
  tree.file(
      "dataset_json/FaceForensics++.json",
      R"({"FaceForensics++":{"FF-real":{"train":{"c23":{"071":{"label":"FF-real","frames":[)"
      R"("datasets\\rgb\\FaceForensics++\\original_sequences\\youtube\\c23\\frames\\071\\1001.png",)"
      R"("datasets\\\\rgb/FaceForensics++/original_sequences/youtube/c23/frames/071/998.png"]}}},"val":{},"test":{}}}})");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "dfb");
  EXPECT_THAT(found(reading), IsEmpty());
  const SourceItem& item = item_of(reading, kFrames);
  EXPECT_EQ(item.kind, SourceKind::frames);
  EXPECT_THAT(item.frames, ElementsAre("998.png", "1001.png"));  // not as text
  EXPECT_EQ(item.compression, "c23");
  EXPECT_EQ(item.set, "ffpp");
  EXPECT_EQ(item.role, Role::train);
}

TEST(Dfb, UnknownWordsAreListedAndNeverGuessed) {
  LayoutTree tree;
  tree.file("a/0.png").file(
      "X.json", R"({"X":{"X_forged":{"test":{"a":{"label":"X_forged","frames":["a/0.png"]}}},"X_real":{"test":{}}}})");
  EXPECT_THAT(tree.error("dfb"), HasSubstr("unknown labels X_forged;"));
}

TEST(Dfb, DepthFollowsTheName) {
  LayoutTree tree;
  tree.files({"v/frames/a/000.png", "v/frames/b/000.png", "v/masks/b/000.png"});
  tree.file(
      "Celeb-DF-v2.json",
      R"({"Celeb-DF-v2":{"CelebDFv2_real":{"test":{"a":{"label":"CelebDFv2_real","frames":["v/frames/a/000.png"]}}},)"
      R"("CelebDFv2_fake":{"test":{"b":{"label":"CelebDFv2_fake","frames":["v/frames/b/000.png"],"masks":["v/masks/b/000.png"]}}}}})");
  const LayoutReading reading = tree.read("dfb");
  EXPECT_EQ(item_of(reading, "v/frames/a").label, 0);
  EXPECT_EQ(item_of(reading, "v/frames/b").label, 1);
  EXPECT_EQ(item_of(reading, "v/frames/b").mask, "v/masks/b");
  EXPECT_EQ(item_of(reading, "v/frames/a").mask, "");
}

TEST(Dfb, ValThatIsTestAndValOfOne) {
  LayoutTree tree;
  nlohmann::json real = {
      {"train", nlohmann::json::object()}, {"val", nlohmann::json::object()}, {"test", nlohmann::json::object()}};
  nlohmann::json fake = real;
  for (int i = 0; i < 12; ++i) {
    const std::string name = "r" + std::to_string(i);
    tree.file(name + "/f/0.png").file("f" + name + "/f/0.png");
    const nlohmann::json entry = {{"label", "DFDC_Real"}, {"frames", {name + "/f/0.png"}}};
    real["test"][name] = real["val"][name] = entry;
    fake["train"]["f" + name] = {{"label", "DFDC_Fake"}, {"frames", {"f" + name + "/f/0.png"}}};
    fake["test"]["g" + name] = {{"label", "DFDC_Fake"}, {"frames", {"f" + name + "/f/0.png"}}};
  }
  fake["val"]["fr0"] = fake["train"]["fr0"];
  tree.file("DFDC.json", nlohmann::json{{"DFDC", {{"DFDC_Real", real}, {"DFDC_Fake", fake}}}}.dump());
  const LayoutReading reading = tree.read("dfb");
  const std::vector<std::string> lines = found(reading);
  EXPECT_THAT(lines, Contains("split_overlap DFDC.json:DFDC_Real"));
  EXPECT_THAT(lines, Contains("list_broken DFDC.json"));
  EXPECT_THAT(lines, Contains("split_overlap fr3/f"));
}

TEST(Dfb, WhatIsMissingIsNamedByFrame) {
  LayoutTree tree;
  tree.file("v/frames/a/000.png")
      .file("D.json", R"({"DFDC":{"DFDC_Real":{"test":{"a":{"label":"DFDC_Real",)"
                      R"("frames":["v/frames/a/000.png","v/frames/a/001.png"]},)"
                      R"("b":{"label":"DFDC_Fake","frames":["v/frames/b/000.png"]},)"
                      R"("c":{"label":"DFDC_Fake","frames":["v/frames/a/../../../x.png"]}}}}})");
  EXPECT_THAT(found(tree.read("dfb")),
              ElementsAre("list_broken D.json", "missing v/frames/a/001.png", "missing v/frames/b"));
}

TEST(Dfb, WrittenListsReadBack) {
  LayoutTree tree;
  tree.files({"original_sequences/youtube/c23/frames/000/0999.png",
              "original_sequences/youtube/c23/frames/000/1000.png",
              "manipulated_sequences/FaceSwap/c23/frames/000_003/0000.png"});
  tree.file("train.json", R"([["000","003"]])");
  const LayoutReading first = tree.read("ffpp");
  const auto text = dfb_json_text(first.list);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(text->find('\\'), std::string::npos);
  tree.file("FaceForensics++.json", *text);
  tree.remove("train.json");
  const LayoutReading second = tree.read("dfb");
  EXPECT_THAT(found(second), IsEmpty());
  ASSERT_EQ(second.list.items.size(), 2U);
  for (const SourceItem& item : first.list.items) {
    EXPECT_EQ(item_of(second, item.path).label, item.label);
    EXPECT_EQ(item_of(second, item.path).role, item.role);
    EXPECT_EQ(item_of(second, item.path).frames, item.frames);
    EXPECT_EQ(item_of(second, item.path).method, item.method);
  }
}

TEST(Official, ListsInBothForms) {
  LayoutTree tree;
  tree.files({"crops/a.png", "crops/b.png", "v/1000.png", "v/999.png"});
  tree.file("d/image_lists/train/alltype.csv", "catimage,label\ncrops/a.png,0\ncrops/b.png,1\ncrops/none.png,1\n");
  tree.file("d/image_lists/train/youtube_Deepfakes.csv", "image,label\ncrops/b.png,1\ncrops/a.png,1\n");
  tree.file("d/image_lists/DFDC_vid.json",
            R"([{"video_dir":"v","video_frame":["1000.png","999.png"],"video_label":1}])");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "official");
  EXPECT_THAT(found(reading), ElementsAre("missing crops/none.png", "polarity crops/a.png"));
  EXPECT_EQ(item_of(reading, "crops/b.png").method, "Deepfakes");
  EXPECT_THAT(item_of(reading, "v").frames, ElementsAre("999.png", "1000.png"));
  EXPECT_EQ(item_of(reading, "v").role, Role::test);
}

TEST(Official, OneNameForTwoFilesIsAFault) {
  LayoutTree tree;
  tree.file("a.png", "one").file("image_lists/train/a.png", "another");
  tree.file("image_lists/train/x.csv", "image,label\na.png,0\n");
  EXPECT_THAT(found(tree.read("official")), ElementsAre("list_broken image_lists/train/x.csv"));
}

TEST(WildDeepfake, SequencesAndContradictions) {
  LayoutTree tree;
  tree.files({"real_train/1/real/0/5.png", "real_train/1/real/0/40.png", "fake_test/2/real/3/1.png"});
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "wilddeepfake");
  EXPECT_THAT(item_of(reading, "real_train/1/real/0").frames, ElementsAre("5.png", "40.png"));
  EXPECT_EQ(item_of(reading, "real_train/1/real/0").role, Role::train);
  EXPECT_THAT(found(reading), ElementsAre("polarity fake_test/2/real/3"));
}

TEST(Df40, FakesButForRealFolders) {
  LayoutTree tree;
  tree.files(
      {"simswap/ff/frames/071_054/000.png", "simswap/cdf/frames/id1_id2_0003/000.png", "heygen/real/frames/a/0.png"});
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "df40");
  EXPECT_THAT(item_of(reading, "simswap/ff/frames/071_054").identities, ElementsAre("071", "054"));
  EXPECT_THAT(item_of(reading, "simswap/cdf/frames/id1_id2_0003").identities, ElementsAre("id1", "id2"));
  EXPECT_EQ(item_of(reading, "heygen/real/frames/a").label, 0);
}

TEST(Folders, ReadingOfPicturesAndSplits) {
  LayoutTree tree;
  tree.files({"train/Real/0001.png", "train/Real/0002.png", "val/1_fake/swap/clip/10.png", "val/1_fake/swap/clip/9.png",
              "test/original/a.mp4", "test/manipulated/deep/b.mp4", "notes/x.png"});
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "folders");
  EXPECT_EQ(item_of(reading, "train/Real/0001.png").kind, SourceKind::picture);  // a class folder is no video
  const SourceItem& clip = item_of(reading, "val/1_fake/swap/clip");
  EXPECT_THAT(clip.frames, ElementsAre("9.png", "10.png"));
  EXPECT_EQ(clip.label, 1);
  EXPECT_EQ(clip.role, Role::val);
  EXPECT_EQ(clip.method, "swap");
  EXPECT_EQ(item_of(reading, "test/original/a.mp4").label, 0);
  EXPECT_EQ(reading.list.items.size(), 5U);
}

TEST(Folders, ZeroAndOneNeedAWord) {
  LayoutTree tree;
  tree.files({"train/0/a.png", "train/1/b.png"});
  EXPECT_THAT(tree.error("auto"), HasSubstr("--fake-is"));
  LayoutOptions options;
  options.fake_is = 0;
  EXPECT_EQ(item_of(tree.read("folders", options), "train/0/a.png").label, 1);
  options.fake_is = 1;
  EXPECT_EQ(item_of(tree.read("auto", options), "train/0/a.png").label, 0);
}

TEST(Folders, OneListIsEnough) {
  LayoutTree tree;
  tree.files({"a.mp4", "f/1.png", "f/2.png"});
  tree.file("own.csv",
            "path,label,video,split\na.mp4,0,,train\nf/2.png,1,f,test\nf/1.png,1,f,test\ngone.mp4,1,,test\n");
  const auto reading = inspect_layout("folders", tree.root() / "own.csv");
  ASSERT_TRUE(reading) << reading.error().message;
  EXPECT_THAT(found(*reading), ElementsAre("missing gone.mp4"));
  EXPECT_THAT(item_of(*reading, "f").frames, ElementsAre("1.png", "2.png"));
  EXPECT_EQ(item_of(*reading, "a.mp4").role, Role::train);
  tree.file("bad.csv", "path,label\na.mp4,fake\n");
  const auto bad = inspect_layout("folders", tree.root() / "bad.csv");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message, HasSubstr("bad.csv:2"));
}

TEST(Auto, TheOuterNameDoesNotMatterAndAFolderAroundItNeither) {
  LayoutTree tree;
  tree.files({"in/Celeb-real/id0_0000.mp4", "in/Celeb-synthesis/id0_id1_0000.mp4"});
  tree.rename("FaceForensics++");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "celebdf2");
  EXPECT_EQ(reading.list.root.filename(), "in");
}

TEST(Auto, SeveralFitsAreListed) {
  LayoutTree tree;
  tree.files({"original_sequences/youtube/c23/videos/000.mp4", "v/f/0.png"});
  tree.file("DFDC.json", R"({"DFDC":{"DFDC_Real":{"test":{"f":{"label":"DFDC_Real","frames":["v/f/0.png"]}}}}})");
  const std::string message = tree.error("auto");
  EXPECT_THAT(message, HasSubstr("ffpp"));
  EXPECT_THAT(message, HasSubstr("dfb"));
}

TEST(Auto, NothingKnownAndUnknownNames) {
  LayoutTree tree;
  tree.file("a/b.bin");
  EXPECT_THAT(tree.error("auto"), HasSubstr("recognised as none"));
  EXPECT_THAT(tree.error("celebdf9"), HasSubstr("celebdf2"));
  EXPECT_THAT(tree.error("celebdf2"), HasSubstr("nothing of the layout"));
}

TEST(ReadLayout, MissingFilesAreRefusedUnlessLeftOut) {
  LayoutTree tree;
  tree.files({"Celeb-real/id0_0000.mp4", "Celeb-synthesis/id0_id1_0000.mp4"});
  tree.file("List_of_testing_videos.txt", "1 Celeb-real/id0_0001.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n");
  tree.file("stray.json", "");
  const auto refused = read_layout("celebdf2", tree.root());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("Celeb-real/id0_0001.mp4"));
  EXPECT_THAT(found(tree.read("celebdf2")), ElementsAre("missing Celeb-real/id0_0001.mp4", "empty_file stray.json"));
  LayoutOptions options;
  options.missing = MissingFiles::leave_out;
  const auto list = read_layout("celebdf2", tree.root(), options);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_THAT(list->notes, Contains(HasSubstr("missing and left out")));
}

TEST(ReadLayout, LimitsHold) {
  LayoutTree tree;
  tree.files({"real/a.png", "fake/b.png", "fake/c.png"});
  LayoutOptions options;
  options.limits.max_files = 2;
  const auto reading = inspect_layout("auto", tree.root(), options);
  ASSERT_FALSE(reading);
  EXPECT_EQ(reading.error().code, ErrorCode::limit_exceeded);
  options.limits = {};
  CancelFlag cancel;
  cancel.request(2);
  options.cancel = &cancel;
  const auto stopped = inspect_layout("auto", tree.root(), options);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace dfa::test
