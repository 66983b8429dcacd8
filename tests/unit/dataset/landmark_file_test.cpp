#include "dataset/landmark_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/rng.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

Landmarks68 made_points() {
  Landmarks68 landmarks;
  for (std::size_t k = 0; k < 68; ++k)
    landmarks.points[k] = {static_cast<double>(k) + 0.5, 200.25 - static_cast<double>(k)};
  return landmarks;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// As NumPy 1.26 writes it: 128 bytes before the values.
template <class T>
std::string npy(const std::string& descr, std::size_t rows, const std::string& order = "False") {
  std::string dict =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': (" + std::to_string(rows) + ", 2), }";
  dict.resize(117, ' ');
  dict += '\n';
  std::string file = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict;
  for (std::size_t i = 0; i < 2 * rows; ++i) {
    const T value = static_cast<T>(i);
    file.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return file;
}

Result<Landmarks68> parsed(const std::string& file) {
  return parse_landmark_file(std::as_bytes(std::span(file)), "x.npy");
}

TEST(LandmarkFile, HasTheBytesOfNumpy) {
  const std::string file = text_of(landmark_file_bytes(made_points()));
  EXPECT_EQ(file.size(), 128u + 68 * 2 * 4);
  EXPECT_EQ(file.substr(0, 128), npy<float>("<f4", 68).substr(0, 128));
  float second[2];
  std::memcpy(second, file.data() + 128 + 8, 8);
  EXPECT_EQ(second[0], 1.5F);
  EXPECT_EQ(second[1], 199.25F);
}

TEST(LandmarkFile, GivesBackWhatWasWritten) {
  const auto back = parsed(text_of(landmark_file_bytes(made_points())));
  ASSERT_TRUE(back) << back.error().message;
  for (std::size_t k = 0; k < 68; ++k) {
    EXPECT_EQ(back->points[k].x, made_points().points[k].x);
    EXPECT_EQ(back->points[k].y, made_points().points[k].y);
  }
}

TEST(LandmarkFile, ReadsWhatOthersWrite) {
  for (const std::string& file : {npy<float>("<f4", 68), npy<double>("<f8", 68), npy<std::int32_t>("<i4", 81),
                                  npy<std::int64_t>("<i8", 81), npy<double>("<f8", 81)}) {
    const auto points = parsed(file);
    ASSERT_TRUE(points) << points.error().message;
    EXPECT_EQ(points->points[67].x, 134);
    EXPECT_EQ(points->points[67].y, 135);
  }
}

TEST(LandmarkFile, RefusesEverythingElse) {
  std::string infinite = npy<float>("<f4", 68);
  const float inf = std::numeric_limits<float>::infinity();
  std::memcpy(infinite.data() + 140, &inf, 4);
  std::string version = npy<float>("<f4", 68);
  version[6] = 2;
  const struct {
    std::string file;
    const char* says;
  } cases[] = {{"", "does not begin"},
               {"\x93NUMPY", "does not begin"},
               {version, "does not begin"},
               {npy<float>("<f4", 68).substr(0, 60), "cut short"},
               {npy<float>("<f4", 68).substr(0, 300), "size"},
               {npy<float>("<f4", 68) + "x", "size"},
               {npy<float>("<f4", 67), "shape"},
               {npy<float>("<f4", 5), "shape"},
               {npy<float>("<f8", 68), "size"},
               {npy<float>("|O", 68), "neither"},
               {npy<float>(">f4", 68), "neither"},
               {npy<float>("<f4", 68, "True"), "Fortran"},
               {infinite, "finite"}};
  for (const auto& c : cases) {
    const auto points = parsed(c.file);
    ASSERT_FALSE(points) << c.says;
    EXPECT_EQ(points.error().code, ErrorCode::manifest_invalid);
    EXPECT_THAT(points.error().message, HasSubstr(c.says));
    EXPECT_THAT(points.error().message, HasSubstr("x.npy"));
  }
}

TEST(LandmarkFile, ADamagedOneIsRefusedOrReadSafely) {
  const std::string good = npy<double>("<f8", 81);
  RngStream rng(3, "npy");
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string file = good;
    for (int k = 0; k < 3; ++k) file[rng.below(160)] = static_cast<char>(rng.below(256));
    file.resize(rng.below(4) == 0 ? rng.below(good.size()) : good.size());
    const auto points = parsed(file);
    refused += points ? 0 : 1;
    for (std::size_t k = 0; points && k < 68; ++k) EXPECT_TRUE(std::isfinite(points->points[k].x));
  }
  EXPECT_GT(refused, 1000);
}

TEST(LandmarkFile, AFileThatIsNotThereIsNamed) {
  const test::TempDir dir;
  const auto points = read_landmark_file(dir / "gone.npy");
  ASSERT_FALSE(points);
  EXPECT_EQ(points.error().code, ErrorCode::file_not_found);
}

}  // namespace
}  // namespace dfa
