#include "dataset/pack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "base/hash.hpp"
#include "base/rng.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using test::TempDir;
using testing::HasSubstr;

constexpr int kSide = 12;

Picture made_picture(std::size_t seed) {
  Picture picture{kSide, kSide, std::vector<std::uint8_t>(3 * kSide * kSide)};
  RngStream rng(seed, "pack");
  for (std::uint8_t& value : picture.rgb) value = static_cast<std::uint8_t>(rng.below(256));
  return picture;
}

ManifestEntry entry(const std::string& path, std::optional<int> label, Role role) {
  ManifestEntry entry;
  entry.path = path;
  entry.label = label;
  entry.role = role;
  return entry;
}

Manifest made_manifest() {
  Manifest manifest;
  manifest.crop_name = "aligned1.3";
  manifest.stored_px = kSide;
  manifest.crop_sha256 = std::string(64, 'b');
  ManifestEntry full = entry("a/1.png", 1, Role::val);
  full.set = "set";
  full.method = "method";
  full.identity = "id1+id2";
  full.source = "real/1.mp4";
  full.video = "v/1.mp4";
  full.frame = 7;
  full.pts_seconds = 0.25;
  full.box_px = Box{1, 2, 3.5, 4};
  full.landmarks_px = {{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10.5}}};
  full.mask = "a/1.png";
  full.crop_sha256 = std::string(64, 'c');
  ManifestEntry still = entry("b/3.png", 0, Role::test);
  still.video = "";
  still.mask = "b/3.png";
  still.landmarks68 = "b/3.png";
  manifest.entries = {full, entry("a/2.png", std::nullopt, Role::train), still};
  return manifest;
}

// Values that f32 holds exactly.
Landmarks68 made_points(std::size_t seed) {
  Landmarks68 landmarks;
  for (std::size_t k = 0; k < landmarks.points.size(); ++k)
    landmarks.points[k] = {static_cast<double>(k) + 0.25, static_cast<double>(seed) - 0.5 * static_cast<double>(k)};
  return landmarks;
}

PackPictures made_pictures() {
  return {[](std::size_t i) -> Result<Picture> { return made_picture(i); },
          [](std::size_t i) -> Result<Picture> { return made_picture(100 + i); },
          [](std::size_t i) -> Result<Landmarks68> { return made_points(i); }};
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::filesystem::path written(const TempDir& dir) {
  const Status status = write_pack(made_manifest(), made_pictures(), dir / "p.dfapack", {});
  EXPECT_TRUE(status) << status.error().message;
  return dir / "p.dfapack";
}

TEST(Pack, GivesBackWhatWasPutIn) {
  TempDir dir;
  const auto pack = Pack::open(written(dir));
  ASSERT_TRUE(pack) << pack.error().message;
  Manifest manifest = made_manifest();
  ASSERT_EQ((*pack)->size(), 3u);
  EXPECT_EQ((*pack)->stored_px(), kSide);
  EXPECT_EQ((*pack)->crop_name(), manifest.crop_name);
  EXPECT_EQ((*pack)->crop_sha256(), manifest.crop_sha256);
  Manifest back = manifest;
  for (std::size_t i = 0; i < 3; ++i) {
    back.entries[i] = (*pack)->entry(i);
    const PictureView crop = (*pack)->crop(i);
    EXPECT_EQ(std::memcmp(crop.rgb, made_picture(i).rgb.data(), 3 * kSide * kSide), 0) << i;
    EXPECT_EQ((*pack)->label(i), manifest.entries[i].label);
    EXPECT_EQ((*pack)->role(i), manifest.entries[i].role);
    const auto mask = (*pack)->mask(i);
    ASSERT_EQ(mask.has_value(), !manifest.entries[i].mask.empty());
    const auto points = (*pack)->landmarks68(i);
    ASSERT_EQ(points.has_value(), !manifest.entries[i].landmarks68.empty());
    for (std::size_t k = 0; points && k < 68; ++k) {
      EXPECT_EQ(points->points[k].x, made_points(i).points[k].x);
      EXPECT_EQ(points->points[k].y, made_points(i).points[k].y);
    }
    for (int k = 0; mask && k < kSide * kSide; ++k) EXPECT_EQ(mask->grey[k], made_picture(100 + i).rgb[3 * k]);
  }
  EXPECT_EQ(manifest_text(back), manifest_text(manifest));
  EXPECT_TRUE((*pack)->verify({}));
}

TEST(Pack, EveryCropLiesOnAPage) {
  TempDir dir;
  const std::string bytes = read(written(dir));
  EXPECT_EQ(bytes.compare(4096, 3 * kSide * kSide,
                          std::string(reinterpret_cast<const char*>(made_picture(0).rgb.data()), 3 * kSide * kSide)),
            0);
  EXPECT_EQ(bytes.substr(bytes.size() - 64), sha256_hex(std::string_view(bytes).substr(0, bytes.size() - 64)));
}

TEST(Pack, EqualContentGivesEqualBytesAndNothingIsLeftBehind) {
  TempDir dir;
  const std::string first = read(written(dir)), second = read(written(dir));
  EXPECT_EQ(first, second);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(Pack, AnEmptyOneIsAPackToo) {
  TempDir dir;
  Manifest manifest = made_manifest();
  manifest.entries.clear();
  ASSERT_TRUE(write_pack(manifest, made_pictures(), dir / "p", {}));
  const auto pack = Pack::open(dir / "p");
  ASSERT_TRUE(pack) << pack.error().message;
  EXPECT_EQ((*pack)->size(), 0u);
}

TEST(Pack, APictureOfAnotherSizeIsRefusedAndLeavesNothing) {
  TempDir dir;
  PackPictures pictures = made_pictures();
  pictures.crop = [](std::size_t) -> Result<Picture> { return Picture{1, 1, {0, 0, 0}}; };
  const Status status = write_pack(made_manifest(), pictures, dir / "p", {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::recipe_mismatch);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Pack, ACancelLeavesNothing) {
  TempDir dir;
  CancelFlag cancel;
  cancel.request(15);
  const Status status = write_pack(made_manifest(), made_pictures(), dir / "p", cancel);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

Result<std::unique_ptr<Pack>> open_bytes(const TempDir& dir, const std::string& bytes, const PackLimits& limits = {}) {
  test::write_bytes(dir / "x", bytes);
  return Pack::open(dir / "x", limits);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Pack, RefusesWhatIsNone) {
  TempDir dir;
  const std::string good = read(written(dir));
  const struct {
    std::string bytes;
    std::string_view says;
  } cases[] = {
      {"", "is no pack"},
      {"DFAPACK1", "is no pack"},
      {std::string(5000, 'x'), "is no pack"},
      {good.substr(0, good.size() - 1), "cut short"},
      {good + "x", "its header says"},
      {replaced(good, "\"count\":3", "\"count\":4"), "not that of its counts"},
      {replaced(good, "\"count\":3", "\"count\":-"), "no JSON"},
      {replaced(good, "[4096,", "[8192,"), "not that of its counts"},
      {replaced(good, "\"masks\":2", "\"masks\":9"), "at most 3"},
      {replaced(good, "\"landmarks68\":1", "\"landmarks68\":9"), "at most 3"},
      {replaced(good, "\"stored_px\":12", "\"stored_px\":0 "), "side 0"},
      {replaced(good, "\"dfa_pack\":2", "\"dfa_pack\":1"), "not that of its counts"},
      {replaced(good, "\"recipe\":\"", "\"recip_\":\""), "lacks a field"},
  };
  for (const auto& c : cases) {
    const auto pack = open_bytes(dir, c.bytes);
    ASSERT_FALSE(pack) << c.says;
    EXPECT_THAT(pack.error().message, HasSubstr(std::string(c.says)));
  }
}

TEST(Pack, HoldsItsLimits) {
  TempDir dir;
  const std::string good = read(written(dir));
  for (const PackLimits limits :
       {PackLimits{.max_bytes = 4096}, PackLimits{.max_crops = 2}, PackLimits{.max_string_bytes = 3}}) {
    const auto pack = open_bytes(dir, good, limits);
    ASSERT_FALSE(pack);
    EXPECT_EQ(pack.error().code, ErrorCode::limit_exceeded);
  }
}

// Whatever is changed, reading stays inside the file: every byte of every answer is touched. Pixels may change unseen
// by open(), never by verify().
TEST(Pack, ADamagedOneIsRefusedOrReadSafely) {
  TempDir dir;
  const std::string good = read(written(dir));
  RngStream rng(5, "damage");
  int refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::string bytes = good;
    // Half of them where the columns are.
    const std::size_t from = round % 2 == 0 ? 0 : 2 * 4096;
    for (int k = 0; k < 4; ++k) bytes[from + rng.below(bytes.size() - from)] = static_cast<char>(rng.below(256));
    const auto pack = open_bytes(dir, bytes);
    refused += pack ? 0 : 1;
    for (std::size_t i = 0; pack && i < (*pack)->size(); ++i) {
      EXPECT_LE((*pack)->entry(i).path.size(), bytes.size());
      unsigned sum = 0;
      for (int k = 0; k < 3 * kSide * kSide; ++k) sum += (*pack)->crop(i).rgb[k];
      EXPECT_GT(sum, 0u);
    }
    if (pack && bytes != good) {
      EXPECT_FALSE((*pack)->verify({}));
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Pack, ValuesOutOfRangeAreRefused) {
  TempDir dir;
  const std::string good = read(written(dir));
  const auto offset_of = [&](const std::string& section) {
    const std::size_t at = good.find("\"" + section + "\":[") + section.size() + 4;
    return static_cast<std::size_t>(std::stoull(good.substr(at)));
  };
  for (const std::string section : {"mask_rows", "landmark68_rows", "labels", "roles", "paths", "videos", "sets",
                                    "methods", "identities", "sources", "string_ends"}) {
    std::string bytes = good;
    bytes[offset_of(section)] = 0x7e;
    const auto pack = open_bytes(dir, bytes);
    ASSERT_FALSE(pack) << section;
    EXPECT_THAT(pack.error().message, HasSubstr("out of range")) << section;
  }
}

}  // namespace
}  // namespace dfa
