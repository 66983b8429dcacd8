// `dfa evaluate --protocol` called in this process, on crops made by rule under the names that `dfa prepare` writes.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/rng.hpp"
#include "cli_run.hpp"
#include "dataset/source_list.hpp"
#include "eval/protocol.hpp"
#include "support/made_crops.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"
#include "tiny_model.hpp"

namespace dfa::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// What `dfa prepare` writes down for one video of a set.
struct Video {
  std::string set, method, path;
  int label;
  Role role = Role::test;
};

class EvaluateProtocol : public testing::Test {
 protected:
  void SetUp() override {
    write_tiny_model(model(), [&](Model& tiny) {
      tiny.crop = made_recipe(made_);
      tiny.golden.reset();  // its crops have another side
    });
  }
  std::string model() const { return (dir_ / "m.dfa").string(); }

  // A prepared folder below all/, with two crops a video.
  std::string prepared(const std::string& name, const std::vector<Video>& videos) {
    const std::filesystem::path folder = dir_ / "all" / name;
    Manifest manifest;
    manifest.crop_name = "square1.3-inside";
    manifest.stored_px = made_.side;
    manifest.crop_sha256 = crop_recipe_hash(made_recipe(made_));
    for (const Video& video : videos)
      for (int frame = 0; frame < 2; ++frame) {
        ManifestEntry entry;
        entry.path = fmt::format("crops/{}/{:06}.bmp", video.path, frame);
        entry.label = video.label;
        entry.role = video.role;
        entry.set = video.set;
        entry.method = video.method;
        entry.video = video.path;
        entry.frame = frame;
        std::filesystem::create_directories((folder / entry.path).parent_path());
        RngStream stream = RngStream(3, "protocol crops").child(manifest.entries.size());
        std::vector<std::uint8_t> rgb(3u * 48 * 48);
        for (std::uint8_t& value : rgb) value = static_cast<std::uint8_t>(stream.below(256));
        write_bytes(folder / entry.path, bmp_bytes(made_.side, made_.side, rgb));
        manifest.entries.push_back(std::move(entry));
      }
    const std::filesystem::path path = folder / "manifest.jsonl";
    EXPECT_TRUE(write_manifest(manifest, path));
    return path.string();
  }
  std::string prepare_ffpp(const std::string& level) {
    std::vector<Video> videos;
    for (const std::string id : {"100", "999"})
      videos.push_back({"ffpp", "", "original_sequences/youtube/" + level + "/videos/" + id + ".mp4", 0});
    for (const std::string method : {"Deepfakes", "FaceSwap", "Face2Face", "NeuralTextures"})
      for (const std::string pair : {"100_999", "999_100"})
        videos.push_back(
            {"ffpp", method, "manipulated_sequences/" + method + "/" + level + "/videos/" + pair + ".mp4", 1});
    videos.push_back({"ffpp", "", "original_sequences/youtube/" + level + "/videos/000.mp4", 0, Role::train});
    return prepared("ffpp_" + level, videos);
  }
  std::string prepare_celebdf(const std::string& set = "celebdf2") {
    return prepared(set, {{set, "", "Celeb-real/id0_0001.mp4", 0},
                          {set, "", "YouTube-real/00001.mp4", 0},
                          {set, "Celeb-synthesis", "Celeb-synthesis/id0_id1_0001.mp4", 1},
                          {set, "Celeb-synthesis", "Celeb-synthesis/id1_id0_0001.mp4", 1}});
  }
  std::string prepare_simple(const std::string& set, Role role = Role::test) {
    return prepared(set, {{set, "", "a.mp4", 0, role},
                          {set, "", "b.mp4", 0, role},
                          {set, "x", "c.mp4", 1, role},
                          {set, "x", "d.mp4", 1, role}});
  }
  std::string prepare_deeperforensics(const std::string& reals) {
    return prepared("deeperforensics_" + reals.substr(0, 6),
                    {{"deeperforensics", "", reals + "/000.mp4", 0},
                     {"deeperforensics", "", reals + "/001.mp4", 0},
                     {"deeperforensics", "end_to_end", "manipulated_videos/end_to_end/000_M101.mp4", 1},
                     {"deeperforensics", "end_to_end", "manipulated_videos/end_to_end/001_W101.mp4", 1}});
  }
  void prepare_everything() {
    prepare_ffpp("c23");
    prepare_ffpp("c40");
    prepare_celebdf("celebdf1");
    prepare_celebdf("celebdf2");
    prepared("dfd", {{"dfd", "", "original_sequences/actors/c23/videos/01__walking.mp4", 0},
                     {"dfd", "DeepFakeDetection", "manipulated_sequences/DeepFakeDetection/c23/videos/01_02.mp4", 1}});
    for (const std::string set : {"dfdc", "dfdcp", "wilddeepfake"}) prepare_simple(set);
    prepare_simple("ffiw", Role::val);
    prepare_deeperforensics("original_sequences/youtube/c23/videos");
    prepare_deeperforensics("source_videos/M101");
    std::vector<Video> swaps;
    for (const std::string swap :
         {"uniface", "blendface", "mobileswap", "e4s", "facedancer", "fsgan", "inswap", "simswap"})
      swaps.push_back({"df40", swap, swap + "/ff/frames/100_999", 1});
    prepared("df40", swaps);
  }

  Ran run(const std::string& protocol, const std::vector<std::string>& arguments) {
    std::vector<std::string> argv = {"evaluate", "--protocol", protocol, "--bootstrap", "20"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_dfa(argv);
  }
  static const json& cell(const json& read, const std::string& row, const std::string& test) {
    for (const json& one : read["cells"])
      if (one["row"] == row && one["test"] == test) return one;
    ADD_FAILURE() << row << "->" << test;
    static const json none;
    return none;
  }

  const TempDir dir_;
  const MadeCrops made_{};
};

TEST_F(EvaluateProtocol, EveryProtocolRunsWholeOnPreparedFolders) {
  prepare_everything();
  for (const std::string& name : protocol_names()) {
    std::vector<std::string> arguments = {"--data-root", (dir_ / "all").string(), "--format", "json"};
    const Protocol protocol = *find_protocol(name);
    for (const ProtocolRow& row : protocol.rows)
      arguments.insert(arguments.end(), {"--model", row.name + "=" + model()});
    const Ran outcome = run(name, arguments);
    ASSERT_EQ(outcome.status, 0) << name << ": " << outcome.err << outcome.out.substr(0, 3000);
    const json read = json::parse(outcome.out);
    EXPECT_EQ(read["summary"]["run"], read["summary"]["cells"]) << name;
    for (const json& one : read["cells"])
      for (const json& level : one["ours"]) EXPECT_TRUE(level["auc"]["value"].is_number()) << name << one.dump();
    for (const json& average : read["averages"])
      for (const json& level : average["ours"]) EXPECT_TRUE(level["auc"]["value"].is_number()) << name;
  }
}

TEST_F(EvaluateProtocol, ASetThatIsTakenAwayLeavesAGap) {
  const std::string celebdf = prepare_celebdf(), dfdc = prepare_simple("dfdc");
  const Ran whole = run("table6", {"--data", celebdf, dfdc, "--model", model(), "--format", "json"});
  ASSERT_EQ(whole.status, 0) << whole.err;
  const Ran part = run("table6", {"--data", dfdc, "--model", model(), "--format", "json"});
  EXPECT_EQ(part.status, 6);
  const json before = json::parse(whole.out), after = json::parse(part.out);
  EXPECT_EQ(cell(before, "FF", "DFDC")["ours"], cell(after, "FF", "DFDC")["ours"]);
  EXPECT_EQ(cell(after, "FF", "CDF")["gap"], "no manifest or file of scores has set celebdf2");
  EXPECT_TRUE(cell(after, "FF", "CDF")["ours"]["frame"]["auc"]["value"].is_null());
  EXPECT_EQ(cell(before, "FF", "CDF")["ours"]["frame"]["reals"], 4);
  EXPECT_FALSE(cell(before, "FF", "CDF")["ours"].contains("video"));  // the table's level is the frame
  EXPECT_EQ(cell(after, "FF", "CDF")["published"].size(), 12u);
  EXPECT_THAT(after["rows"][0]["card"]["items"]["aggregation"].get<std::string>(), HasSubstr("mean"));
}

TEST_F(EvaluateProtocol, ThePageHoldsTheTablesAndWhereTheyCameFrom) {
  prepare_celebdf("celebdf2");
  const std::string page = (dir_ / "page.html").string(), manifest = (dir_ / "all/celebdf2/manifest.jsonl").string();
  const Ran outcome = run("table6", {"--data", manifest, "--model", model(), "--report", page});
  ASSERT_EQ(outcome.status, 6) << outcome.err;  // DFDC is not there
  std::ifstream file(page);
  const std::string html{std::istreambuf_iterator<char>(file), {}};
  const std::vector<std::string> shown = {">measured here<",       ">71.74<",
                                          "<b>1 of 2</b>",         "SHA-256 of " + manifest,
                                          "FF-&gt;DFDC: not run:", "<summary>FF-&gt;CDF</summary>"};
  for (const std::string& words : shown) EXPECT_NE(html.find(words), std::string::npos) << words;
  EXPECT_EQ(run("table6", {"--data", manifest, "--model", model(), "--report", page, "--no-thumbnails"}).status, 2);
}

TEST_F(EvaluateProtocol, AModelThatIsMissingLeavesItsRowEmpty) {
  const std::string ffpp = prepare_ffpp("c40");
  const Ran outcome = run("table4", {"--data", ffpp, "--model", "DF=" + model()});
  EXPECT_EQ(outcome.status, 6) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("FS->DF: not run: nothing stands for row FS (--model FS=FILE)"));
  EXPECT_THAT(outcome.out, HasSubstr("2 of 4 cells run"));
}

TEST_F(EvaluateProtocol, NothingGivenPrintsWhatWasPublishedAndNoFigureOfOurs) {
  const Ran outcome = run("table7", {"--format", "csv"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.out, HasSubstr("published,DeepFake-Adapter,paper,frame,auc,DF,DF1.0,91.2"));
  EXPECT_THAT(outcome.out, HasSubstr("ours,,,frame,auc,DF,DFDC,,,,,,not run: nothing stands for row DF"));
}

TEST_F(EvaluateProtocol, CropsOfAnotherLevelAreLeftAlone) {
  const std::string c23 = prepare_ffpp("c23");
  const Ran outcome = run("table4", {"--data", c23, "--model", "DF=" + model(), "--model", "FS=" + model()});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.out, HasSubstr("compression c40; there is role train; compression c23"));
}

TEST_F(EvaluateProtocol, WhatTrainedTheModelIsNoTest) {
  const std::string celebdf = prepare_celebdf(),
                    made_on = prepared("made_on", {{"celebdf2", "", "Celeb-real/id0_0001.mp4", 0, Role::train}});
  const std::vector<std::string> arguments = {"--data", celebdf, "--model", model(), "--trained-on", made_on};
  const Ran refused = run("table6", arguments);
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("--i-know"));
  std::vector<std::string> knowing = arguments;
  knowing.emplace_back("--i-know");
  EXPECT_THAT(run("table6", knowing).out, HasSubstr("ATTENTION: row FF: --i-know"));
}

TEST_F(EvaluateProtocol, TakesScoresOfOtherPrograms) {
  const std::string csv = (dir_ / "s.csv").string();
  write_bytes(csv,
              "path,label,p_fake,set,method,video\n"
              "r/1.png,0,0.1,Celeb-DF-v2,,r\nr/2.png,0,0.3,Celeb-DF-v2,,r\n"
              "f/1.png,1,0.2,Celeb-DF-v2,x,f\nf/2.png,1,0.9,Celeb-DF-v2,x,f\n");
  const std::string out = (dir_ / "out").string();
  const Ran outcome = run("table6", {"--from", "FF=" + csv, "--format", "json", "--out", out});
  EXPECT_EQ(outcome.status, 6) << outcome.err;
  const json read = json::parse(outcome.out);
  EXPECT_EQ(cell(read, "FF", "CDF")["ours"]["frame"]["auc"]["value"], 0.75);
  EXPECT_THAT(cell(read, "FF", "CDF")["notes"].dump(), HasSubstr("without a role"));
  EXPECT_TRUE(std::filesystem::exists(out + "/protocol.tex"));
}

TEST_F(EvaluateProtocol, OwnFileAndItsWords) {
  std::ifstream source(source_path("protocols/table6.json"));
  json own = json::parse(source);
  own["name"] = "ours";
  own["tests"].erase(1);
  for (json& row : own["published"]) row["values"]["FF"].erase("DFDC");
  const std::string file = (dir_ / "own.json").string();
  write_bytes(file, own.dump());
  const Ran outcome = run(file, {"--data", prepare_celebdf(), "--model", model(), "--format", "markdown"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("1 of 1 cells run"));
  EXPECT_THAT(run("table6", {"--explain"}).out, HasSubstr("dfa prepare celebdf2 ROOT --out DIR"));
  EXPECT_THAT(run_dfa({"evaluate", "--list-protocols"}).out, HasSubstr("leave_one_out"));
}

TEST_F(EvaluateProtocol, RefusesWhatItCannotAnswer) {
  EXPECT_EQ(run("tabel6", {}).status, 2);
  EXPECT_EQ(run("table4", {"--model", model()}).status, 2);  // which row?
  EXPECT_EQ(run("table4", {"--model", "DF=a.dfa", "--model", "DF=b.dfa"}).status, 2);
  EXPECT_EQ(run("table6", {"--role", "val"}).status, 2);  // would have no effect
  EXPECT_EQ(run_dfa({"evaluate", "--explain"}).status, 2);
  EXPECT_EQ(run("table6", {"--data", prepare_celebdf(), "--model", "none.dfa"}).status, 5);
  EXPECT_EQ(run_dfa({"evaluate", "--data", "x", "--model", "a", "--model", "b"}).status, 2);
}

}  // namespace
}  // namespace dfa::test
