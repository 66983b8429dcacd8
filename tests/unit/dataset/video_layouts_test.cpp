// Traps of the data sets that ship videos and lists.
#include <gmock/gmock.h>

#include "layout_tree.hpp"

namespace dfa::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Lines = std::vector<std::string>;

void write_ffpp(LayoutTree& tree) {
  for (const std::string real : {"000", "003", "071", "054", "100", "999"})
    tree.file("original_sequences/youtube/c23/videos/" + real + ".mp4");
  for (const std::string method : {"Deepfakes", "FaceSwap"})
    for (const std::string pair : {"000_003", "003_000", "071_054", "054_071", "100_999", "999_100"})
      tree.file("manipulated_sequences/" + method + "/c23/videos/" + pair + ".mp4");
  tree.file("train.json", R"([["000","003"]])").file("val.json", R"([["071","054"]])");
  tree.file("test.json", R"([["100","999"]])");
}

TEST(Ffpp, IdsKeepTheirZerosAndBothOrdersShareASplit) {
  LayoutTree tree;
  write_ffpp(tree);
  const LayoutReading reading = tree.read("ffpp");
  EXPECT_THAT(found(reading), IsEmpty());
  EXPECT_EQ(reading.list.items.size(), 6U + 2 * 6);
  EXPECT_EQ(item_of(reading, "original_sequences/youtube/c23/videos/000.mp4").role, Role::train);
  const SourceItem& fake = item_of(reading, "manipulated_sequences/FaceSwap/c23/videos/003_000.mp4");
  EXPECT_EQ(fake.label, 1);
  EXPECT_EQ(fake.role, Role::train);
  EXPECT_EQ(fake.method, "FaceSwap");
  EXPECT_EQ(fake.compression, "c23");
  EXPECT_THAT(fake.identities, ElementsAre("003", "000"));
  EXPECT_EQ(fake.source, "original_sequences/youtube/c23/videos/003.mp4");
  // The same name under another method is another item.
  EXPECT_EQ(item_of(reading, "manipulated_sequences/Deepfakes/c23/videos/003_000.mp4").method, "Deepfakes");
}

TEST(Ffpp, NumbersForIdsAreRefused) {
  LayoutTree tree;
  write_ffpp(tree);
  tree.file("val.json", "[[71,54]]");
  EXPECT_THAT(found(tree.read("ffpp")), ElementsAre("list_broken val.json"));
}

TEST(Ffpp, MissingBrokenAndLeakingAreNamed) {
  LayoutTree tree;
  write_ffpp(tree);
  tree.remove("manipulated_sequences/FaceSwap/c23/videos/100_999.mp4");
  EXPECT_THAT(found(tree.read("ffpp")), ElementsAre("missing manipulated_sequences/FaceSwap/c23/videos/100_999.mp4"));
  tree.file("test.json", R"([["100","999"],["000","003"]])");
  const LayoutReading leak = tree.read("ffpp");
  EXPECT_THAT(found(leak), Contains("split_overlap original_sequences/youtube/c23/videos/000.mp4"));
  EXPECT_EQ(item_of(leak, "original_sequences/youtube/c23/videos/000.mp4").role, Role::test);
  tree.file("test.json", "");
  EXPECT_THAT(found(tree.read("ffpp")), ElementsAre("list_broken test.json"));
  tree.remove("test.json");
  EXPECT_THAT(found(tree.read("ffpp")), ElementsAre("list_missing test.json"));
}

TEST(Ffpp, MasksAreFoundOrNamed) {
  LayoutTree tree;
  write_ffpp(tree);
  for (const std::string pair : {"000_003", "003_000", "071_054", "054_071", "100_999"})
    tree.file("manipulated_sequences/FaceSwap/masks/videos/" + pair + ".mp4");
  const LayoutReading reading = tree.read("ffpp");
  EXPECT_EQ(item_of(reading, "manipulated_sequences/FaceSwap/c23/videos/000_003.mp4").mask,
            "manipulated_sequences/FaceSwap/masks/videos/000_003.mp4");
  EXPECT_EQ(item_of(reading, "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4").mask, "");
  EXPECT_THAT(found(reading), ElementsAre("mask_missing manipulated_sequences/FaceSwap/c23/videos/999_100.mp4"));
}

TEST(Ffpp, FramesStandForVideos) {
  LayoutTree tree;
  tree.files({"original_sequences/youtube/c40/frames/000/0999.png",
              "original_sequences/youtube/c40/frames/000/1000.png",
              "original_sequences/youtube/c40/frames/000/10000.png"});
  const LayoutReading reading = tree.read("ffpp");
  ASSERT_EQ(reading.list.items.size(), 1U);
  EXPECT_EQ(reading.list.items[0].kind, SourceKind::frames);
  EXPECT_THAT(reading.list.items[0].frames, ElementsAre("0999.png", "1000.png", "10000.png"));
}

TEST(Ffpp, SplitsMayLieInAFolderOfTheirOwn) {
  LayoutTree tree;
  write_ffpp(tree);
  for (const std::string split : {"train", "val", "test"}) {
    tree.file("splits/" + split + ".json", split == "test" ? R"([["100","999"]])" : R"([["000","003"],["071","054"]])");
    tree.remove(split + ".json");
  }
  EXPECT_EQ(item_of(tree.read("ffpp"), "original_sequences/youtube/c23/videos/999.mp4").role, Role::test);
}

TEST(Dfd, ActorsAndScenes) {
  LayoutTree tree;
  tree.files({"original_sequences/actors/c23/videos/01__walking.mp4",
              "manipulated_sequences/DeepFakeDetection/c23/videos/01_03__walking__A1B2C3D4.mp4"});
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "dfd");
  const SourceItem& fake = reading.list.items[0];
  EXPECT_THAT(fake.identities, ElementsAre("01", "03"));
  EXPECT_EQ(fake.source, "original_sequences/actors/c23/videos/01__walking.mp4");
  EXPECT_FALSE(fake.role);
}

void write_celeb(LayoutTree& tree, const std::string& list) {
  tree.files({"Celeb-real/id0_0000.mp4", "Celeb-real/id1_0007.mp4", "YouTube-real/00170.mp4",
              "Celeb-synthesis/id1_id0_0007.mp4", "Celeb-synthesis/id0_id1_0000.mp4"});
  tree.file("List_of_testing_videos.txt", list);
}

TEST(CelebDf, TheListSaysOneForReal) {
  LayoutTree tree;
  write_celeb(tree, "1 YouTube-real/00170.mp4\r\n0 Celeb-synthesis/id1_id0_0007.mp4\r\n");
  const LayoutReading reading = tree.read("celebdf2");
  EXPECT_THAT(found(reading), IsEmpty());
  EXPECT_EQ(item_of(reading, "YouTube-real/00170.mp4").label, 0);
  EXPECT_EQ(item_of(reading, "YouTube-real/00170.mp4").role, Role::test);
  const SourceItem& fake = item_of(reading, "Celeb-synthesis/id1_id0_0007.mp4");
  EXPECT_EQ(fake.label, 1);
  EXPECT_EQ(fake.source, "Celeb-real/id1_0007.mp4");
  EXPECT_EQ(item_of(reading, "Celeb-real/id0_0000.mp4").role, Role::train);
}

TEST(CelebDf, OneFlippedLineIsNamedAWholeFlippedListIsOneFinding) {
  LayoutTree tree;
  write_celeb(tree, "1 YouTube-real/00170.mp4\n1 Celeb-synthesis/id1_id0_0007.mp4\n");
  const LayoutReading line = tree.read("celebdf2");
  EXPECT_THAT(found(line), ElementsAre("polarity Celeb-synthesis/id1_id0_0007.mp4"));
  EXPECT_THAT(line.findings[0].message, HasSubstr("List_of_testing_videos.txt:2"));
  EXPECT_EQ(item_of(line, "Celeb-synthesis/id1_id0_0007.mp4").label, 1);  // the folder counts
  tree.file("List_of_testing_videos.txt", "0 YouTube-real/00170.mp4\n1 Celeb-synthesis/id1_id0_0007.mp4\n");
  EXPECT_THAT(found(tree.read("celebdf2")), ElementsAre("polarity List_of_testing_videos.txt"));
  const auto refused = read_layout("celebdf2", tree.root());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::manifest_invalid);
}

TEST(CelebDf, OtherSpellingsAndLevels) {
  LayoutTree tree;
  tree.files(
      {"Celeb-real/videos/id0_0000.mp4", "Youtube-real/videos/00170.mp4", "Celeb-synthesis/videos/id0_id1_0000.mp4"});
  tree.file("List_of_testing_videos.txt", "1 YouTube-real/00170.mp4\n0 Celeb-synthesis/id9_id1_0000.mp4\n");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "celebdf2");
  EXPECT_THAT(found(reading), ElementsAre("missing Celeb-synthesis/id9_id1_0000.mp4"));
  EXPECT_EQ(item_of(reading, "Youtube-real/videos/00170.mp4").role, Role::test);
}

TEST(CelebDf, ABadLineIsQuoted) {
  LayoutTree tree;
  write_celeb(tree, "1 YouTube-real/00170.mp4\n2 Celeb-real/id0_0000.mp4\n1 YouTube-real/00170.mp4\n");
  const LayoutReading reading = tree.read("celebdf2");
  EXPECT_THAT(found(reading),
              ElementsAre("list_broken List_of_testing_videos.txt", "list_broken List_of_testing_videos.txt"));
  EXPECT_THAT(reading.findings[0].message, HasSubstr("line 2"));
}

TEST(Dfdc, NullOriginalMeansNone) {
  LayoutTree tree;
  tree.files({"dfdc_train_part_0/a.mp4", "dfdc_train_part_0/b.mp4", "dfdc_train_part_0/c.mp4"});
  tree.file(
      "dfdc_train_part_0/metadata.json",
      R"({"a.mp4":{"label":"REAL","split":"train","original":null},"b.mp4":{"label":"FAKE","split":"train","original":"a.mp4"},)"
      R"("c.mp4":{"label":"REAL","split":"train"}})");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "dfdc");
  EXPECT_THAT(found(reading), IsEmpty());
  EXPECT_EQ(item_of(reading, "dfdc_train_part_0/a.mp4").label, 0);
  const SourceItem& fake = item_of(reading, "dfdc_train_part_0/b.mp4");
  EXPECT_EQ(fake.source, "dfdc_train_part_0/a.mp4");
  EXPECT_THAT(fake.identities, ElementsAre("a"));
}

TEST(Dfdc, LabelsThatContradictOriginals) {
  LayoutTree tree;
  tree.files({"p/a.mp4", "p/b.mp4", "p/c.mp4", "p/d.mp4"});
  tree.file(
      "p/metadata.json",
      R"({"a.mp4":{"label":"REAL"},"b.mp4":{"label":"FAKE","original":"a.mp4"},"c.mp4":{"label":"REAL","original":"a.mp4"}})");
  EXPECT_THAT(found(tree.read("dfdc")), ElementsAre("polarity p/c.mp4", "unlisted p/d.mp4"));
}

TEST(Dfdc, TestLabelsSayOneForFake) {
  LayoutTree tree;
  tree.files({"videos/a.mp4", "videos/b.mp4"}).file("labels.csv", "filename,label\na.mp4,1\nb.mp4,0\nc.mp4,0\n");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(item_of(reading, "videos/a.mp4").label, 1);
  EXPECT_EQ(item_of(reading, "videos/b.mp4").role, Role::test);
  EXPECT_THAT(found(reading), ElementsAre("missing videos/c.mp4"));
}

TEST(Dfdc, AKeyGivenTwiceIsRefused) {
  LayoutTree tree;
  tree.file("p/a.mp4").file("p/metadata.json", R"({"a.mp4":{"label":"REAL"},"a.mp4":{"label":"FAKE"}})");
  EXPECT_THAT(found(tree.read("dfdc")), ElementsAre("list_broken p/metadata.json"));
}

TEST(Dfdcp, FolderAgainstList) {
  LayoutTree tree;
  tree.files({"original_videos/1/1_A_000.mp4", "method_A/1/1_A/1_A_000.mp4", "method_B/videos/2/2_B/x.mp4"});
  tree.file("dataset.json",
            R"({"original_videos/1/1_A_000.mp4":{"label":"fake","set":"train"},)"
            R"("method_A/1/1_A/1_A_000.mp4":{"label":"fake","set":"test","target_id":1,"swapped_id":"2"},)"
            R"("method_B/2/2_B/x.mp4":{"label":"fake","set":"test"}})");
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "dfdcp");
  EXPECT_THAT(found(reading), ElementsAre("polarity original_videos/1/1_A_000.mp4"));
  EXPECT_EQ(item_of(reading, "original_videos/1/1_A_000.mp4").label, 0);
  EXPECT_THAT(item_of(reading, "method_A/1/1_A/1_A_000.mp4").identities, ElementsAre("1", "2"));
  EXPECT_EQ(item_of(reading, "method_B/videos/2/2_B/x.mp4").method, "method_B");
}

void write_deeper(LayoutTree& tree) {
  tree.files({"manipulated_videos/end_to_end/000_M101.mp4", "manipulated_videos/end_to_end/123_W004.mp4",
              "source_videos/M101/light/clip.mp4"});
  tree.file("lists/splits/train.txt", "000_M101.mp4\n").file("lists/splits/val.txt", "123_W004.mp4\n");
  tree.file("lists/splits/test.txt", "500_W004.mp4\n");
}

TEST(DeeperForensics, RealClassFollowsTheRule) {
  LayoutTree tree;
  write_deeper(tree);
  const LayoutReading none = tree.read("auto");
  EXPECT_EQ(none.list.layout, "deeperforensics");
  EXPECT_THAT(found(none), ElementsAre("missing manipulated_videos/end_to_end/500_W004.mp4",
                                       "missing original_sequences/youtube/c23"));
  LayoutOptions options;
  options.real_class = RealClass::source_videos;
  const LayoutReading actors = tree.read("deeperforensics", options);
  EXPECT_THAT(item_of(actors, "source_videos/M101/light/clip.mp4").identities, ElementsAre("M101"));
  EXPECT_THAT(actors.list.notes, Contains(HasSubstr("source-videos")));

  LayoutTree originals;
  originals.files({"original_sequences/youtube/c23/videos/000.mp4", "original_sequences/youtube/c23/videos/123.mp4",
                   "original_sequences/youtube/c23/videos/777.mp4"});
  options.real_class = RealClass::authors;
  options.ffpp_root = originals.root();
  const LayoutReading authors = tree.read("deeperforensics", options);
  const std::string target = (originals.root() / "original_sequences/youtube/c23/videos/000.mp4").string();
  EXPECT_EQ(item_of(authors, target).label, 0);
  EXPECT_EQ(item_of(authors, target).role, Role::train);
  EXPECT_EQ(item_of(authors, "manipulated_videos/end_to_end/000_M101.mp4").source, target);
  EXPECT_EQ(authors.list.items.size(), 4U);  // 777 is nobody's target
}

TEST(Ffiw, SourceIsReal) {
  LayoutTree tree;
  tree.files({"source/val/videos/a.mp4", "target/val/videos/a.mp4", "target/train/b.mp4"});
  const LayoutReading reading = tree.read("auto");
  EXPECT_EQ(reading.list.layout, "ffiw");
  EXPECT_EQ(item_of(reading, "source/val/videos/a.mp4").label, 0);
  EXPECT_EQ(item_of(reading, "target/val/videos/a.mp4").source, "source/val/videos/a.mp4");
  EXPECT_EQ(item_of(reading, "target/train/b.mp4").role, Role::train);
}

}  // namespace
}  // namespace dfa::test
