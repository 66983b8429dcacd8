#include "media/sniff.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "media/read_picture.hpp"
#include "support/temp_dir.hpp"
#include "unit/media/clips.hpp"
#include "unit/media/pictures.hpp"

namespace dfa::test {
namespace {

using testing::HasSubstr;

class Sniff : public testing::Test {
 protected:
  // Under a name that lies.
  Result<MediaKind> of(std::string_view bytes) {
    write_bytes(folder_ / "holiday.jpg", bytes);
    return sniff(folder_ / "holiday.jpg");
  }
  void expect_error(std::string_view bytes, ErrorCode code, const char* words) {
    const auto kind = of(bytes);
    ASSERT_FALSE(kind) << words;
    EXPECT_EQ(kind.error().code, code) << words;
    EXPECT_THAT(kind.error().message, HasSubstr(words));
  }

  TempDir folder_;
};

TEST_F(Sniff, EveryPictureIsAPicture) {
  for (const ExpectedPicture& expected : expected_pictures()) {
    const auto kind = of(picture_bytes(expected.name));
    ASSERT_TRUE(kind) << expected.name << ": " << kind.error().message;
    EXPECT_EQ(*kind, MediaKind::picture) << expected.name;
  }
}

TEST_F(Sniff, EveryClipIsAVideo) {
  int clips = 0;
  for (const auto& entry : std::filesystem::directory_iterator(clip_path(""))) {
    const std::string name = entry.path().filename().string();
    const auto kind = of(clip_bytes(name));
    ASSERT_TRUE(kind) << name << ": " << kind.error().message;
    EXPECT_EQ(*kind, MediaKind::video) << name;
    ++clips;
  }
  EXPECT_GE(clips, 25);
}

TEST_F(Sniff, WhatElseThereIs) {
  expect_error("", ErrorCode::not_media, "empty");
  expect_error("Dear all,\nthe picture follows.\n", ErrorCode::not_media, "looks like text");
  expect_error("<html><head><title>Not found</title></head></html>", ErrorCode::not_media, "HTML text");
  expect_error("\n<!doctype HTML>\n<body>", ErrorCode::not_media, "HTML text");
  expect_error("{\"error\": \"no such file\"}", ErrorCode::not_media, "JSON text");
  expect_error("<?xml version=\"1.0\"?><a/>", ErrorCode::not_media, "XML text");
  expect_error("<svg xmlns='http://www.w3.org/2000/svg'/>", ErrorCode::not_media, "SVG");
  expect_error("version https://git-lfs.github.com/spec/v1\noid sha256:00\n", ErrorCode::not_media, "Git LFS pointer");
  expect_error(std::string(5000, '\0'), ErrorCode::not_media, "zero bytes");
  expect_error("PK\x03\x04rest", ErrorCode::not_media, "ZIP");
  expect_error(std::string("RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", 20), ErrorCode::not_media, "WAV");
  expect_error(std::string("\0\0\0\x1c"
                           "ftypavif\0\0\0\0",
                           16),
               ErrorCode::media_unsupported, "AVIF");
}

// Nothing that points to other files is followed, whatever it is called.
TEST_F(Sniff, PlaylistsAreNotVideos) {
  const std::string list = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n";
  expect_error(list, ErrorCode::not_media, "playlist");
  expect_error("ffconcat version 1.0\nfile '/etc/passwd'\n", ErrorCode::not_media, "list of files");
  write_bytes(folder_ / "movie.mp4", list);
  EXPECT_EQ(VideoReader::open(folder_ / "movie.mp4", MediaLimits{}).error().code, ErrorCode::not_media);
}

TEST_F(Sniff, RandomBytesAreNothing) {
  std::string bytes(20000, '\0');
  std::uint32_t state = 12345;
  for (char& c : bytes) c = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
  expect_error(bytes, ErrorCode::not_media, "unknown kind");
}

TEST_F(Sniff, ThingsThatAreNoFiles) {
  EXPECT_EQ(sniff(folder_.path()).error().code, ErrorCode::file_unreadable);
  EXPECT_THAT(sniff(folder_.path()).error().message, HasSubstr("is a directory"));
  EXPECT_EQ(sniff(folder_ / "absent").error().code, ErrorCode::file_not_found);
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(sniff(folder_ / "pipe").error().code, ErrorCode::file_unreadable) << "and it does not wait for a writer";
}

}  // namespace
}  // namespace dfa::test
