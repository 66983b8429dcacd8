// What each layout should look like: printed by `dfa doctor --explain`, counted by `dfa doctor`.
#include <array>

#include "dataset/source_list.hpp"

namespace dfa {
namespace {

constexpr std::size_t kFfppVideos = 1000, kFfppTrain = 720, kFfppVal = 140, kFfppTest = 140;

ExpectedCount of_class(std::string what, int label, std::size_t count, std::size_t tolerance = 0) {
  ExpectedCount row;
  row.what = std::move(what);
  row.label = label;
  row.count = count;
  row.tolerance = tolerance;
  return row;
}

ExpectedCount of_role(std::string what, int label, Role role, std::size_t count, std::string method = "") {
  ExpectedCount row = of_class(std::move(what), label, count);
  row.role = role;
  row.method = std::move(method);
  return row;
}

ExpectedCount of_folder(std::string what, int label, std::string folder, std::size_t count) {
  ExpectedCount row = of_class(std::move(what), label, count);
  row.folder = std::move(folder);
  return row;
}

std::vector<ExpectedCount> ffpp_counts() {
  std::vector<ExpectedCount> rows = {
      of_class("real", 0, kFfppVideos), of_role("real, train", 0, Role::train, kFfppTrain),
      of_role("real, val", 0, Role::val, kFfppVal), of_role("real, test", 0, Role::test, kFfppTest)};
  for (const std::string method : {"Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter"}) {
    ExpectedCount all = of_class(method, 1, kFfppVideos);
    all.method = method;
    rows.push_back(all);
    rows.push_back(of_role(method + ", train", 1, Role::train, kFfppTrain, method));
    rows.push_back(of_role(method + ", val", 1, Role::val, kFfppVal, method));
    rows.push_back(of_role(method + ", test", 1, Role::test, kFfppTest, method));
  }
  return rows;
}

LayoutInfo ffpp() {
  return {
      "ffpp",
      "FaceForensics++",
      {"original_sequences/youtube/{raw,c23,c40}/videos/000.mp4 ... 999.mp4",
       "manipulated_sequences/{Deepfakes,Face2Face,FaceSwap,NeuralTextures,FaceShifter}/{raw,c23,c40}/videos/"
       "<target>_<source>.mp4",
       "manipulated_sequences/<method>/masks/videos/<target>_<source>.mp4",
       "{train,val,test}.json, in the root or in splits/: [[\"071\",\"054\"],...]"},
      {"label: original_sequences is real, manipulated_sequences is fake",
       "role: both ids of a pair and both orders a_b, b_a belong to the pair's split; ids are text with zeros in front",
       "identities: the ids, target first; a fake's source is the real video of its target at the same level",
       "frames/ or images/ with a folder a video stand for videos/ where that is absent"},
      ffpp_counts(),
      true};
}

LayoutInfo dfd() {
  return {"dfd",
          "DeepFakeDetection (in the tree of FaceForensics++)",
          {"original_sequences/actors/{raw,c23,c40}/videos/<actor>__<scene>.mp4",
           "manipulated_sequences/DeepFakeDetection/{raw,c23,c40}/videos/<target>_<source>__<scene>__<id>.mp4",
           "manipulated_sequences/DeepFakeDetection/masks/videos/..."},
          {"label: by folder", "role: none, there is no official split", "identities: the actors, target first"},
          {of_class("real", 0, 363), of_class("fake", 1, 3068, 10)},
          false};
}

std::vector<std::string> celeb_rules() {
  return {"label: the class folder; List_of_testing_videos.txt is compared with it (there 1 = real, 0 = fake)",
          "role: test by the list, everything else train; no official val split",
          "identities: id<target>_id<source>_<n>; the official split shares them between train and test",
          "a level videos/ below the class folders and the spelling Youtube-real are accepted"};
}

LayoutInfo celebdf1() {
  return {"celebdf1",
          "Celeb-DF v1",
          {"{Celeb-real,YouTube-real,Celeb-synthesis}/*.mp4", "List_of_testing_videos.txt: 1 YouTube-real/00170.mp4"},
          celeb_rules(),
          {of_class("real", 0, 408), of_class("fake", 1, 795)},
          false};
}

LayoutInfo celebdf2() {
  return {
      "celebdf2",
      "Celeb-DF v2",
      {"{Celeb-real,YouTube-real,Celeb-synthesis}/*.mp4", "List_of_testing_videos.txt: 1 YouTube-real/00170.mp4"},
      celeb_rules(),
      {of_folder("Celeb-real", 0, "Celeb-real", 590), of_folder("YouTube-real", 0, "YouTube-real", 300),
       of_class("fake", 1, 5639), of_role("real, test", 0, Role::test, 178), of_role("fake, test", 1, Role::test, 340)},
      false};
}

LayoutInfo dfdc() {
  return {"dfdc",
          "DFDC",
          {"dfdc_train_part_NN/{metadata.json,*.mp4}, at any depth",
           "labels.csv (filename,label) beside the test videos or above videos/"},
          {"label: REAL and FAKE of metadata.json, 0 and 1 (fake) of labels.csv",
           "polarity: a FAKE names its original, a REAL names none; null means none",
           "role: `split` of metadata.json; test for labels.csv",
           "identities: the original's name; all fakes of one original belong together"},
          {},
          true};
}

LayoutInfo dfdcp() {
  return {"dfdcp",
          "DFDC preview",
          {"dataset.json: {\"method_A/...mp4\":{\"label\":\"fake\",\"set\":\"train\"},...}",
           "{original_videos,method_A,method_B}/..."},
          {"label: the class folder, compared with `label`", "role: `set`; there is no val split",
           "identities: target_id and swapped_id, else the numbered folder"},
          {},
          false};
}

LayoutInfo deeperforensics() {
  std::vector<ExpectedCount> rows;
  for (const std::string variant :
       {"end_to_end", "end_to_end_level_1", "end_to_end_level_2", "end_to_end_level_3", "end_to_end_level_4",
        "end_to_end_level_5", "end_to_end_mix_2_distortions", "end_to_end_mix_3_distortions",
        "end_to_end_mix_4_distortions", "end_to_end_random_level", "reenact_postprocess"}) {
    ExpectedCount all = of_class(variant, 1, 1000);
    all.method = variant;
    rows.push_back(all);
    rows.push_back(of_role(variant + ", train", 1, Role::train, 703, variant));
    rows.push_back(of_role(variant + ", val", 1, Role::val, 96, variant));
    rows.push_back(of_role(variant + ", test", 1, Role::test, 201, variant));
  }
  return {"deeperforensics",
          "DeeperForensics-1.0",
          {"lists/splits/{train,val,test}.txt: 000_M101.mp4, one a line",
           "manipulated_videos/"
           "{end_to_end,end_to_end_level_1..5,end_to_end_mix_{2,3,4}_distortions,end_to_end_random_level,"
           "reenact_postprocess}/<target>_<source>.mp4",
           "source_videos/<M|W>ddd/... (rule source-videos), or FaceForensics++ at c23 (rule authors)"},
          {"real class `authors` (default): the c23 target videos of FaceForensics++, by the first three digits",
           "real class `source-videos`: the recorded actors; results under the two rules are not comparable",
           "role: the split lists, which name fakes only; a target has the role of its fakes",
           "identities: target and source actor"},
          rows,
          true};
}

LayoutInfo wilddeepfake() {
  return {"wilddeepfake",
          "WildDeepfake",
          {"{real_train,real_test,fake_train,fake_test}/<n>/{real,fake}/<sequence>/<frame>.png"},
          {"label and role: the outer folder; a class folder below it must agree",
           "a folder of numbered pictures is one sequence"},
          {of_class("real", 0, 3805), of_class("fake", 1, 3509)},
          false};
}

LayoutInfo ffiw() {
  return {"ffiw",
          "FFIW-10K",
          {"source/{train,val,test}/*.mp4 (real)", "target/{train,val,test}/*.mp4 (fake)"},
          {"label: source is real, target is fake", "role: the folder below", "a level videos/ below is accepted"},
          {of_class("real", 0, 10000), of_class("fake", 1, 10000), of_role("real, val", 0, Role::val, 250),
           of_role("fake, val", 1, Role::val, 250)},
          false};
}

LayoutInfo df40() {
  return {"df40",
          "DF40",
          {"<method>/{ff,cdf}/frames/<video>/<n>.png", "<method>/{real,fake}/... for the methods of unknown origin"},
          {"label: fake, but for what lies in a folder real", "role: only where a folder train or test says so"},
          {},
          false};
}

LayoutInfo official() {
  return {
      "official",
      "lists of the DeepFake-Adapter authors' code",
      {"image_lists/{train,test}/<name>.csv: image (or catimage), label",
       "image_lists/[test/]<name>_vid.json: [{\"video_dir\",\"video_frame\":[...],\"video_label\"}]"},
      {"label: 0 real, 1 fake, as written", "role: the folder train or test; test for lists directly in image_lists",
       "paths: as written, then below the root, then beside the list; two different hits are a fault"},
      {},
      false};
}

LayoutInfo dfb() {
  return {
      "dfb",
      "DeepfakeBench lists",
      {"*.json: "
       "{\"<set>\":{\"<label>\":{\"train\":{[\"c23\":]{\"<video>\":{\"label\",\"frames\":[...]}}},\"val\",\"test\"}}}"},
      {"label: by word; an unknown word is an error", "a level of compression below the split in the FF family only",
       "paths: \\ becomes /, leading folders that are not below the root are left out",
       "masks: frames replaced by masks in the path; what is not there is absent"},
      {},
      true};
}

LayoutInfo folders() {
  return {"folders",
          "plain folders, or one list",
          {"{real,fake}/**, {train,val,test}/{real,fake}/** or {real,fake}/{train,val,test}/**",
           "also original/manipulated, 0_real/1_fake; 0/1 with --fake-is",
           "or a file: path,label[,video][,method][,split][,mask] as CSV or JSON"},
          {"label: the class folder; 1 = fake in lists",
           "a last folder of numbered pictures is one video, other pictures are items of their own"},
          {},
          false};
}

}  // namespace

std::span<const LayoutInfo> layout_infos() {
  static const std::array infos = {ffpp(),         dfd(),  celebdf1(), celebdf2(), dfdc(), dfdcp(),  deeperforensics(),
                                   wilddeepfake(), ffiw(), df40(),     official(), dfb(),  folders()};
  return infos;
}

const LayoutInfo* layout_info(std::string_view name) {
  for (const LayoutInfo& info : layout_infos())
    if (info.name == name) return &info;
  return nullptr;
}

std::vector<std::string> layout_names() {
  std::vector<std::string> names;
  for (const LayoutInfo& info : layout_infos()) names.push_back(info.name);
  names.emplace_back("auto");
  return names;
}

}  // namespace dfa
