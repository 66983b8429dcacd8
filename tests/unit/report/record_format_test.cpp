#include "report/record_format.hpp"

#include <gmock/gmock.h>

#include <sstream>

#include "json_schema.hpp"
#include "records.hpp"
#include "score/outcome.hpp"

namespace dfa {
namespace {

using nlohmann::json;
using test::face_at;
using test::frame_at;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

ItemRecord scored(const std::string& name, double p_fake, std::int64_t frames = 1) {
  ItemRecord item;
  item.input = name;
  item.sha256 = std::string(64, 'd');
  item.kind = frames > 1 ? MediaKind::video : MediaKind::picture;
  item.work.frames_searched = frames;
  std::vector<SampledFrame> sampled;
  for (std::int64_t k = 0; k < frames; ++k)
    sampled.push_back(frame_at(10 * k, 0.4 * static_cast<double>(k), {face_at(20, 30, 100, p_fake)}));
  conclude_item(item, std::move(sampled), {}, FaceRules(), test::some_run().operating_point);
  return item;
}

ItemRecord unread(const std::string& name, const std::string& why) {
  ItemRecord item;
  item.input = name;
  conclude_unread(item, {ErrorCode::not_media, why});
  return item;
}

std::string written(std::string_view format, const std::vector<ItemRecord>& items, RunRecord run = test::some_run(),
                    FormatOptions options = {.name_width = 12, .detail = Detail::normal}) {
  auto writer = make_record_format(format, options);
  EXPECT_TRUE(writer);
  SummaryRecord summary;
  std::string text = (*writer)->begin(run);
  for (const ItemRecord& item : items) {
    text += (*writer)->item(item);
    summary.count(item);
  }
  summary.inputs = static_cast<std::int64_t>(items.size());
  return text + (*writer)->end(summary);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(RecordFormat, JsonIsOneValidRecordAlsoWithoutItems) {
  for (const auto& items :
       {std::vector<ItemRecord>{}, {scored("a", 0.25)}, {scored("a", 0.25, 9), unread("b", "text")}}) {
    const json record = json::parse(written("json", items));
    EXPECT_THAT(test::schema_violations(test::result_schema(), record), IsEmpty());
    EXPECT_EQ(record["items"].size(), items.size());
  }
}

TEST(RecordFormat, JsonLinesHasOneObjectAnItem) {
  const auto lines = lines_of(written("jsonl", {scored("a", 0.25), unread("b", "text\nfile")}));
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(json::parse(lines[0])["p_fake"], 0.25);
  EXPECT_TRUE(json::parse(lines[1])["p_fake"].is_null());
  EXPECT_EQ(json::parse(lines[1])["model"]["name"], "tiny");
}

TEST(RecordFormat, CsvQuotesAndLeavesTheUnmeasuredEmpty) {
  const auto lines = lines_of(written("csv", {scored("a,\"b\".png", 0.1 + 0.2), unread("c.png", "plain")}));
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], StartsWith("input,sha256,kind,outcome,reason,p_fake,verdict,"));
  EXPECT_THAT(lines[1], StartsWith("\"a,\"\"b\"\".png\"," + std::string(64, 'd') +
                                   ",image,scored,,0.30000000000000004,inconclusive,not validated,,,1,1,1,1,"));
  EXPECT_THAT(lines[2], StartsWith("c.png,,unknown,decode_error,not_media: plain,,,"));
  const auto columns = [](const std::string& line) { return std::count(line.begin(), line.end(), ','); };
  EXPECT_EQ(columns(lines[0]), columns(lines[2]));
}

TEST(RecordFormat, TextShowsOneRowAnItemAndASummaryThatAddsUp) {
  const std::string text =
      written("text", {scored("a.png", 0.123), scored("b.mp4", 0.9999, 8), unread("c.png", "a text file")});
  const auto lines = lines_of(text);
  EXPECT_EQ(lines[0], "file          outcome       p_fake  verdict         faces  frames  note");
  EXPECT_EQ(lines[1], "a.png         scored          0.12  inconclusive        1       1");
  EXPECT_EQ(lines[2], "b.mp4         scored         >0.99  inconclusive        8       8");
  EXPECT_EQ(lines[3], "c.png         decode_error       -  -                   0       0  not_media: a text file");
  EXPECT_EQ(lines[5], "3 inputs: 2 scored, 0 no_face, 0 low_quality, 1 decode_error, 0 abstained; 0.0 s");
  EXPECT_THAT(text, HasSubstr("not validated"));
  EXPECT_THAT(text, HasSubstr("1 = fake"));
  EXPECT_THAT(text, HasSubstr("Model tiny (aaaaaaaaaaaa), engine f32, faces by mtcnn, crops aligned1.3"));
  EXPECT_THAT(text, Not(HasSubstr("FORCED")));
}

TEST(RecordFormat, TextSaysWhatWasForcedSkippedAndStopped) {
  RunRecord run = test::some_run();
  run.crop.forced = CropForced::yes;
  run.crop.difference = "detector: mtcnn against yunet";
  EXPECT_THAT(written("text", {}, run),
              HasSubstr("FORCED: the model was made for other crops (detector: mtcnn against yunet)"));
  const auto writer = make_text_format({});
  (void)writer->begin(test::some_run());
  SummaryRecord summary;
  summary.inputs = summary.not_analysed = 4;
  summary.skipped = {.hidden = 2, .links = 1, .other = 5};
  const std::string text = writer->end(summary);
  EXPECT_THAT(text, HasSubstr("4 not analysed (stopped)"));
  EXPECT_THAT(text, HasSubstr("skipped in folders: 2 hidden, 1 symbolic links, 5 not pictures or videos by name\n"));
}

TEST(RecordFormat, TextShowsPersonsOnRequest) {
  ItemRecord item;
  item.input = "v.mp4";
  item.kind = MediaKind::video;
  std::vector<SampledFrame> frames;
  for (int k = 0; k < 8; ++k)
    frames.push_back(frame_at(k, k, {face_at(0, 0, 100, k < 4 ? 0.1 : 0.7), face_at(300, 0, 50, 0.2)}));
  conclude_item(item, std::move(frames), {}, FaceRules(), test::some_run().operating_point);
  const std::string text = written("text", {item}, test::some_run(), {.name_width = 5, .detail = Detail::every_person});
  EXPECT_THAT(text, HasSubstr("2 persons"));
  EXPECT_THAT(text, HasSubstr("    person 1: p_fake 0.40, 8 faces, 100 x 100 px at (0, 0), 0.0 to 7.0 s; highest 0.70 "
                              "from 4.0 to 7.0 s\n"));
  EXPECT_THAT(text, HasSubstr("    person 2: p_fake 0.20"));
}

TEST(RecordFormat, NamesCannotSteerTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\nc\td\x7f"), "a?[31mb c?d?");
  EXPECT_EQ(printable("caf\xc3\xa9"), "caf\xc3\xa9");
  EXPECT_EQ(printable("caf\xe9!"), "caf?!");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");
  EXPECT_EQ(printable("\xe6\xbc\xa2\xf0\x9f\x98\x80"), "\xe6\xbc\xa2\xf0\x9f\x98\x80");
  EXPECT_EQ(printable("\xf0\x9f"), "??");
  EXPECT_EQ(display_width("caf\xc3\xa9"), 4U);
  EXPECT_THAT(written("text", {unread("a\x1b[2Jb", "why")}), Not(HasSubstr("\x1b")));
}

TEST(RecordFormat, PFakeHasTheDigitsThatPeopleCanUse) {
  EXPECT_EQ(p_fake_text(std::nullopt), "-");
  EXPECT_EQ(p_fake_text(0.0), "<0.01");
  EXPECT_EQ(p_fake_text(0.0049), "<0.01");
  EXPECT_EQ(p_fake_text(0.0051), "0.01");
  EXPECT_EQ(p_fake_text(0.5), "0.50");
  EXPECT_EQ(p_fake_text(0.9949), "0.99");
  EXPECT_EQ(p_fake_text(0.9951), ">0.99");
}

TEST(RecordFormat, AnUnknownFormatIsAUsageError) {
  const auto format = make_record_format("xml", {});
  ASSERT_FALSE(format);
  EXPECT_EQ(format.error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace dfa
