// Which crops a protocol takes for which test: for every layout word, what `dfa prepare` writes is found again.
#include "eval/protocol_items.hpp"

#include <gmock/gmock.h>

#include "../dataset/layout_tree.hpp"
#include "prepare/output_names.hpp"

namespace dfa::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A tree of names in a layout, shown to a protocol as `dfa prepare` would write it down.
class Prepared {
 public:
  Prepared(const std::string& protocol, const LayoutTree& tree, const std::string& layout,
           const LayoutOptions& options = {})
      : protocol_(*find_protocol(protocol)), items_(protocol_) {
    add(tree, layout, options);
  }
  void add(const LayoutTree& tree, const std::string& layout, const LayoutOptions& options = {}) {
    for (const SourceItem& item : tree.read(layout, options).list.items) {
      const std::string path = crop_file(item.path, 12);
      for (const std::size_t test :
           items_.take({path, item.path, item.set, item.method, item.label, item.role.value_or(Role::test)}))
        ++taken_[protocol_.tests[test].name][*item.label == 1 ? 1 : 0];
    }
  }
  // Real and fake crops of a test.
  std::array<int, 2> taken(const std::string& test) { return taken_[test]; }
  std::string gap(const std::string& test) const { return items_.gap(number(test)); }
  std::vector<std::string> notes(const std::string& test) const { return items_.notes(number(test)); }

 private:
  std::size_t number(const std::string& test) const {
    for (std::size_t i = 0; i < protocol_.tests.size(); ++i)
      if (protocol_.tests[i].name == test) return i;
    ADD_FAILURE() << test;
    return 0;
  }
  Protocol protocol_;
  ProtocolItems items_;
  std::map<std::string, std::array<int, 2>> taken_;
};

constexpr std::array<int, 2> kOneEach = {1, 1};

void write_ffpp(LayoutTree& tree, const std::string& level) {
  for (const std::string real : {"000", "003", "100", "999"})
    tree.file("original_sequences/youtube/" + level + "/videos/" + real + ".mp4");
  for (const std::string method : {"Deepfakes", "FaceSwap", "Face2Face", "NeuralTextures", "FaceShifter"})
    for (const std::string pair : {"000_003", "003_000", "100_999", "999_100"})
      tree.file("manipulated_sequences/" + method + "/" + level + "/videos/" + pair + ".mp4");
  tree.file("train.json", R"([["000","003"]])").file("val.json", R"([["071","054"]])");
  tree.file("test.json", R"([["100","999"]])");
}

TEST(ProtocolItems, FfppByMethodLevelAndSplit) {
  LayoutTree tree;
  write_ffpp(tree, "c23");
  write_ffpp(tree, "c40");
  Prepared table3("table3", tree, "ffpp");
  for (const std::string test : {"DF_c23", "FS_c23", "F2F_c40", "NT_c40"})
    EXPECT_EQ(table3.taken(test), (std::array<int, 2>{2, 2})) << test;
  EXPECT_THAT(table3.notes("DF_c23"),
              ElementsAre("2 real videos, the whole set has 140", "2 fake videos, the whole set has 140"));
  Prepared field("cross_dataset", tree, "ffpp");
  EXPECT_EQ(field.taken("FF"), (std::array<int, 2>{2, 8}));  // four methods: no FaceShifter
}

TEST(ProtocolItems, CelebDfByItsTestList) {
  for (const std::string layout : {"celebdf1", "celebdf2"}) {
    LayoutTree tree;
    tree.files({"Celeb-real/id0_0001.mp4", "Celeb-real/id1_0001.mp4", "YouTube-real/00001.mp4",
                "Celeb-synthesis/id0_id1_0001.mp4", "Celeb-synthesis/id1_id0_0001.mp4"});
    tree.file("List_of_testing_videos.txt", "1 Celeb-real/id0_0001.mp4\n0 Celeb-synthesis/id0_id1_0001.mp4\n");
    EXPECT_EQ(Prepared("cross_dataset", tree, layout).taken(layout == "celebdf1" ? "CDFv1" : "CDFv2"), kOneEach);
  }
}

TEST(ProtocolItems, DfdAtItsLevel) {
  LayoutTree tree;
  for (const std::string level : {"c23", "c40"})
    tree.files({"original_sequences/actors/" + level + "/videos/01__walking.mp4",
                "manipulated_sequences/DeepFakeDetection/" + level + "/videos/01_03__walking__A1B2C3D4.mp4"});
  EXPECT_EQ(Prepared("cross_dataset", tree, "dfd").taken("DFD"), kOneEach);
}

TEST(ProtocolItems, DfdcAndItsPreview) {
  LayoutTree tree;
  tree.files({"test/videos/a.mp4", "test/videos/b.mp4"});
  tree.file("test/labels.csv", "filename,label\na.mp4,0\nb.mp4,1\n");
  EXPECT_EQ(Prepared("table6", tree, "dfdc").taken("DFDC"), kOneEach);
  LayoutTree preview;
  preview.files({"original_videos/1/a.mp4", "original_videos/2/b.mp4", "method_A/1/c.mp4", "method_B/2/d.mp4"});
  preview.file("dataset.json", R"({"original_videos/1/a.mp4":{"label":"real","set":"test"},
    "original_videos/2/b.mp4":{"label":"real","set":"train"},"method_A/1/c.mp4":{"label":"fake","set":"train"},
    "method_B/2/d.mp4":{"label":"fake","set":"test"}})");
  EXPECT_EQ(Prepared("cross_dataset", preview, "dfdcp").taken("DFDCP"), kOneEach);
}

void write_deeperforensics(LayoutTree& tree) {
  tree.files({"manipulated_videos/end_to_end/000_M101.mp4", "manipulated_videos/end_to_end_level_1/000_M101.mp4",
              "source_videos/M101/clip.mp4", "original_sequences/youtube/c23/videos/000.mp4"});
  tree.file("lists/splits/test.txt", "000_M101.mp4\n");
}

TEST(ProtocolItems, DeeperForensicsByItsRealClass) {
  LayoutTree tree;
  write_deeperforensics(tree);
  LayoutOptions authors, actors;
  actors.real_class = RealClass::source_videos;
  Prepared by_authors("cross_dataset", tree, "deeperforensics", authors);
  EXPECT_EQ(by_authors.taken("DF1.0"), kOneEach);
  EXPECT_EQ(by_authors.taken("DFo"), (std::array<int, 2>{0, 1}));
  EXPECT_EQ(by_authors.gap("DF1.0"), "");
  EXPECT_THAT(by_authors.gap("DFo"), HasSubstr("real class source-videos; there is real class authors"));
  Prepared both("cross_dataset", tree, "deeperforensics", actors);
  EXPECT_EQ(both.taken("DFo"), kOneEach);
  both.add(tree, "deeperforensics", authors);  // the fakes stand in both manifests
  EXPECT_EQ(both.taken("DFo"), kOneEach);
  EXPECT_EQ(both.taken("DF1.0"), kOneEach);
  EXPECT_THAT(both.notes("DFo"), testing::Contains("1 fake crops stand in a second manifest as well and count once"));
  EXPECT_EQ(Prepared("table7", tree, "deeperforensics", authors).taken("DF1.0"), kOneEach);
}

TEST(ProtocolItems, WildDeepfakeFfiwAndDf40) {
  LayoutTree wild;
  wild.files({"real_test/1/real/0/1.png", "real_train/1/real/0/1.png", "fake_test/2/fake/0/1.png"});
  EXPECT_EQ(Prepared("cross_dataset", wild, "wilddeepfake").taken("WDF"), kOneEach);
  LayoutTree ffiw;
  ffiw.files({"source/val/a.mp4", "source/test/b.mp4", "target/val/a.mp4", "target/train/c.mp4"});
  EXPECT_EQ(Prepared("cross_dataset", ffiw, "ffiw").taken("FFIW"), kOneEach);
  LayoutTree df40, ffpp;
  write_ffpp(ffpp, "c23");
  df40.files({"simswap/ff/frames/100_999/1.png", "simswap/cdf/frames/id0_id1_0001/1.png",
              "MobileSwap/ff/frames/100_999/1.png"});
  Prepared swaps("df40", df40, "df40");
  EXPECT_EQ(swaps.taken("simswap"), (std::array<int, 2>{0, 1}));
  EXPECT_EQ(swaps.taken("mobileswap"), (std::array<int, 2>{0, 1}));
  EXPECT_EQ(swaps.gap("simswap"), "no real crop of set ffpp");
  swaps.add(ffpp, "ffpp");
  EXPECT_EQ(swaps.taken("simswap"), (std::array<int, 2>{2, 1}));
  EXPECT_EQ(swaps.gap("simswap"), "");
}

TEST(ProtocolItems, DeepfakeBenchListsGoByTheirSets) {
  LayoutTree tree;
  tree.files({"FaceForensics++/original_sequences/youtube/c23/frames/071/000.png",
              "FaceForensics++/manipulated_sequences/Deepfakes/c23/frames/071_054/000.png",
              "Celeb-DF-v2/Celeb-real/frames/id0_0001/000.png",
              "Celeb-DF-v2/Celeb-synthesis/frames/id0_id1_0001/000.png"});
  tree.file("FaceForensics++.json", R"({"FaceForensics++":{
    "FF-real":{"test":{"c23":{"071":{"label":"FF-real","frames":["FaceForensics++/original_sequences/youtube/c23/frames/071/000.png"]}}}},
    "FF-DF":{"test":{"c23":{"071_054":{"label":"FF-DF","frames":["FaceForensics++/manipulated_sequences/Deepfakes/c23/frames/071_054/000.png"]}}}}}})");
  tree.file("Celeb-DF-v2.json", R"({"Celeb-DF-v2":{
    "CelebDFv2_real":{"test":{"id0_0001":{"label":"CelebDFv2_real","frames":["Celeb-DF-v2/Celeb-real/frames/id0_0001/000.png"]}}},
    "CelebDFv2_fake":{"test":{"id0_id1_0001":{"label":"CelebDFv2_fake","frames":["Celeb-DF-v2/Celeb-synthesis/frames/id0_id1_0001/000.png"]}}}}})");
  Prepared bench("cross_dataset", tree, "dfb");
  EXPECT_EQ(bench.taken("FF"), kOneEach);
  EXPECT_EQ(bench.taken("CDFv2"), kOneEach);
}

// Lists of the authors' code and plain folders do not say which data set they are: they are in no test.
TEST(ProtocolItems, ListsWithoutASetAreInNoTest) {
  LayoutTree folders, official;
  folders.files({"test/real/a.png", "test/fake/b.png"});
  Prepared plain("cross_dataset", folders, "folders");
  EXPECT_EQ(plain.taken("CDFv2"), (std::array<int, 2>{0, 0}));
  EXPECT_EQ(plain.gap("CDFv2"), "no manifest or file of scores has set celebdf2");
  official.files({"pics/a.png", "pics/b.png"});
  official.file("image_lists/test/alltype.csv", "image,label\npics/a.png,0\npics/b.png,1\n");
  EXPECT_EQ(Prepared("cross_dataset", official, "official").taken("FF"), (std::array<int, 2>{0, 0}));
}

TEST(ProtocolItems, GapsSayWhatIsThereInstead) {
  LayoutTree tree;
  write_ffpp(tree, "c40");
  Prepared field("cross_dataset", tree, "ffpp");
  EXPECT_EQ(field.gap("FF"),
            "set ffpp has no real crop of role test, compression c23; there is role train; compression c40; set ffpp "
            "has no fake crop of role test, method Deepfakes, compression c23; there is role train; method "
            "FaceShifter; compression c40");
  const Protocol protocol = *find_protocol("table6");
  const ProtocolItems nothing(protocol);
  EXPECT_EQ(nothing.gap(0), "no data was given");
}

TEST(ProtocolItems, ScoresOfOthersAreTakenByTheirOwnNames) {
  const Protocol protocol = *find_protocol("cross_manipulation");
  ProtocolItems items(protocol);
  EXPECT_THAT(items.take({"a.png", "", "FaceForensics++", "", 0, {}}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(items.take({"b.png", "", "FF++", "FF-NT", 1, {}}), ElementsAre(3));
  EXPECT_THAT(items.take({"c.png", "", "FF++", "DFD", 1, {}}), IsEmpty());
  EXPECT_THAT(items.take({"d.png", "", "FF++", "FF-NT", {}, {}}), IsEmpty());
  EXPECT_THAT(items.take({"b.png", "", "FF++", "FF-NT", 1, {}}), IsEmpty());
  EXPECT_THAT(items.notes(3),
              testing::Contains("1 real crops whose path does not say their compression; taken for c23"));
  EXPECT_THAT(items.notes(3), testing::Contains("1 real crops come without a role; taken for the test part"));
}

}  // namespace
}  // namespace dfa::test
