#include "tensorfile/zip_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.hpp"
#include "support/shared.hpp"
#include "unit/tensorfile/zip_builder.hpp"

namespace dfa {
namespace {

using test::ZipBuilder;
using testing::HasSubstr;

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::span<const std::byte> view(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

std::string open_refusal(const std::string& bytes) {
  const auto archive = ZipArchive::open(view(bytes), 100);
  return archive ? "(was opened)" : archive.error().message;
}

std::string read_refusal(const std::string& bytes, std::string_view member) {
  const auto archive = ZipArchive::open(view(bytes), 100);
  if (!archive) return "not even opened: " + archive.error().message;
  const auto content = archive->read(member);
  if (content) return "(was read)";
  EXPECT_EQ(content.error().code, ErrorCode::model_format);
  return content.error().message;
}

TEST(Zip, ReadsStoredMembers) {
  const std::string bytes = ZipBuilder().add("a/data.pkl", "hello").add("a/empty", "").finish();
  const auto archive = ZipArchive::open(view(bytes), 100).value();
  EXPECT_EQ(archive.members().size(), 2u);
  EXPECT_EQ(text(archive.read("a/data.pkl").value()), "hello");
  EXPECT_EQ(text(archive.read("a/empty").value()), "");
}

TEST(Zip, ReadsZip64AndComments) {
  const std::string bytes =
      ZipBuilder().zip64().add("a", "hello").add("b", "world").comment("PK\5\6 a comment").finish();
  const auto archive = ZipArchive::open(view(bytes), 100).value();
  EXPECT_EQ(text(archive.read("b").value()), "world");
}

TEST(Zip, ReadsPythonsArchive) {
  const auto bytes = read_file(test::source_path("tests/golden/tensorfile/compressed.pt"), 1 << 20).value();
  const auto archive = ZipArchive::open(bytes, 100).value();
  EXPECT_TRUE(archive.members().contains("no_tensors/data.pkl"));
  EXPECT_THAT(archive.read("no_tensors/data.pkl").error().message, HasSubstr("is compressed (method 8)"));
}

TEST(Zip, ChecksumOfTheStandard) {
  const std::string digits = "123456789";
  EXPECT_EQ(crc32_of(view(digits)), 0xcbf43926u);  // the check value every CRC-32 page gives
  EXPECT_EQ(crc32_of({}), 0u);
}

TEST(Zip, RefusesMembersThatItDoesNotRead) {
  EXPECT_THAT(read_refusal(ZipBuilder().add("a", "x", {.method = 8}).finish(), "a"),
              HasSubstr("compressed (method 8)"));
  EXPECT_THAT(read_refusal(ZipBuilder().add("a", "x", {.flags = 1}).finish(), "a"), HasSubstr("encrypted"));
  EXPECT_THAT(read_refusal(ZipBuilder().add("a", "x").finish(), "b"), HasSubstr("no member b"));
  EXPECT_THAT(read_refusal(ZipBuilder().add("a", "x", {.crc = 1}).finish(), "a"),
              HasSubstr("does not match its checksum"));
  EXPECT_THAT(read_refusal(ZipBuilder().add("a", "x", {.size = 1000}).finish(), "a"),
              HasSubstr("ends outside the file"));
  EXPECT_THAT(read_refusal(ZipBuilder().add("a", "x", {.header_offset = 1}).finish(), "a"),
              HasSubstr("not where the directory says"));
  EXPECT_THAT(read_refusal(ZipBuilder().zip64().add("a", "x", {.header_offset = ~std::uint64_t{0} - 8}).finish(), "a"),
              HasSubstr("not where"));
  EXPECT_THAT(read_refusal(ZipBuilder().zip64().add("a", "x", {.size = std::uint64_t{1} << 60}).finish(), "a"),
              HasSubstr("ends outside"));
}

TEST(Zip, AMissingChecksumIsNotCompared) {
  const std::string bytes = ZipBuilder().add("a", "x", {.crc = 0}).finish();
  EXPECT_EQ(text(ZipArchive::open(view(bytes), 100)->read("a").value()), "x");
}

TEST(Zip, RefusesDamagedDirectories) {
  EXPECT_THAT(open_refusal(""), HasSubstr("no end record"));
  EXPECT_THAT(open_refusal("PK\3\4" + std::string(100, 'x')), HasSubstr("no end record"));
  EXPECT_THAT(open_refusal(ZipBuilder().add("a", "x").add("a", "y").finish()), HasSubstr("the same name"));
  EXPECT_THAT(open_refusal(ZipBuilder().add("a", "x").directory_offset(1'000'000).finish()),
              HasSubstr("directory lies outside"));
  EXPECT_THAT(open_refusal(ZipBuilder().add("a", "x").directory_offset(1).finish()),
              HasSubstr("directory entry is damaged"));
  EXPECT_THAT(open_refusal(ZipBuilder().add("a", "x").entries(2).finish()), HasSubstr("directory entry is damaged"));
  EXPECT_THAT(open_refusal(ZipBuilder().zip64().add("a", "x").directory_offset(~std::uint64_t{0}).finish()),
              HasSubstr("directory lies outside"));
  EXPECT_THAT(open_refusal(ZipBuilder().zip64().add("a", "x").end64_offset(~std::uint64_t{0} - 3).finish()),
              HasSubstr("zip64 end record"));
  EXPECT_THAT(open_refusal(ZipBuilder().add("a", "x", {.marks_zip64 = true}).finish()),
              HasSubstr("zip64 field that it does not have"));
  const auto many =
      ZipArchive::open(view(ZipBuilder().zip64().add("a", "x").entries(std::uint64_t{1} << 60).finish()), 100);
  EXPECT_EQ(many.error().code, ErrorCode::limit_exceeded);
}

TEST(Zip, EveryTruncationAndEveryFlippedByteIsSurvived) {
  for (const bool wide : {false, true}) {
    ZipBuilder builder;
    if (wide) builder.zip64();
    const std::string whole = builder.add("a/data.pkl", "hello").add("a/data/0", "world").finish();
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_FALSE(ZipArchive::open(view(whole.substr(0, i)), 100)) << i;
      std::string damaged = whole;
      damaged[i] = static_cast<char>(~damaged[i]);
      if (const auto archive = ZipArchive::open(view(damaged), 100))
        for (const auto& [name, member] : archive->members()) (void)archive->read(name);
    }
  }
}

}  // namespace
}  // namespace dfa
