#include "tensorfile/npz.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.hpp"
#include "support/shared.hpp"
#include "tensorfile/npy.hpp"
#include "unit/tensorfile/zip_builder.hpp"

namespace dfa {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class... Numbers>
std::string bytes_of(Numbers... numbers) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&numbers), sizeof(numbers)), ...);
  return bytes;
}

std::string array(std::string header, const std::string& data, char version = 1) {
  header += '\n';
  std::string length = version == 1 ? bytes_of(static_cast<std::uint16_t>(header.size()))
                                    : bytes_of(static_cast<std::uint32_t>(header.size()));
  return std::string("\x93NUMPY") + version + '\0' + length + header + data;
}

std::string plain(std::string_view shape, std::string_view descr = "<f4", std::string_view order = "False") {
  return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, order, shape);
}

Result<Tensor> parse(const std::string& text) {
  return parse_npy(std::as_bytes(std::span(text)), nullptr, "a.npy");
}

std::string refusal(const std::string& text) {
  const auto tensor = parse(text);
  return tensor ? "(was read)" : std::string(error_code_name(tensor.error().code)) + ": " + tensor.error().message;
}

const std::string kSix = bytes_of(1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F);

TEST(Npy, BothOrdersAndAllVersions) {
  for (const char version : {1, 2, 3}) {
    const std::string text = array(plain("(2, 3)"), kSix, version);
    EXPECT_THAT(parse(text)->to_f32().value(), ElementsAre(1, 2, 3, 4, 5, 6));
  }
  const std::string text = array(plain("(2, 3)", "<f4", "True"), kSix);
  EXPECT_THAT(parse(text)->to_f32().value(), ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_EQ(parse(text)->shape, (std::vector<std::int64_t>{2, 3}));
}

TEST(Npy, DtypesAndRanks) {
  EXPECT_THAT(parse(array(plain("(2,)", "<f8"), bytes_of(0.5, -2.0)))->to_f32().value(), ElementsAre(0.5F, -2));
  EXPECT_THAT(parse(array(plain("(1,)", "<f2"), bytes_of(std::uint16_t{0x3c00})))->to_f32().value(), ElementsAre(1));
  EXPECT_TRUE(parse(array(plain("()"), bytes_of(1.0F)))->shape.empty());
  EXPECT_EQ(parse(array(plain("(0, 4)"), ""))->element_count(), 0);
  EXPECT_EQ(parse(array(plain("(1,)", "<i8"), bytes_of(std::int64_t{7})))->dtype, Dtype::i64);
}

TEST(Npy, HostileHeadersAreRefused) {
  const std::string whole = array(plain("(2, 3)"), kSix);
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(parse(whole.substr(0, length))) << length;
  EXPECT_THAT(refusal(whole + "x"), HasSubstr("F32 2x3 does not take the 25 bytes"));
  EXPECT_THAT(refusal("NUMPY" + whole.substr(5)), HasSubstr("does not begin as an array"));
  EXPECT_THAT(refusal(array(plain("(2, 3)"), kSix, 4)), HasSubstr("format version 4"));
  EXPECT_THAT(refusal(array(plain("(1152921504606846976,)"), kSix)), HasSubstr("does not take"));
  EXPECT_THAT(refusal(array(plain("(1152921504606846976, 16)"), kSix)), HasSubstr("does not take"));
  EXPECT_THAT(refusal(array(plain("(99999999999999999999,)"), kSix)), HasSubstr("a shape that cannot be"));
  EXPECT_THAT(refusal(array(plain("(-2, -3)"), kSix)), HasSubstr("a shape that cannot be"));
  EXPECT_THAT(refusal(array(plain("(2, 3)", ">f4"), kSix)), HasSubstr("dtype '>f4'"));
  EXPECT_THAT(refusal(array(plain("(1,)", "|O"), kSix)), HasSubstr("dtype '|O'"));
  EXPECT_THAT(refusal(array("{'descr': '<f4', 'shape': (6,)}", kSix)), HasSubstr("a key is missing"));
  EXPECT_THAT(refusal(array(plain("(2, 3)") + "+ f()", kSix)), HasSubstr("text behind the dict"));
  EXPECT_THAT(refusal(array("{'descr': '<f4', 'descr': '<f4', 'shape': (6,)}", kSix)), HasSubstr("repeated key"));
  std::string ones;
  for (int i = 0; i < 33; ++i) ones += "1, ";
  EXPECT_THAT(refusal(array(plain("(" + ones + ")"), bytes_of(1.0F))), HasSubstr("a shape that cannot be"));
}

TEST(Npz, ArchivesOfNumpyAreRead) {
  const auto mapped = MappedFile::open(test::source_path("tests/golden/backbones/google_npz/model.npz"), 1 << 20);
  const auto tensors = parse_npz((*mapped)->bytes(), *mapped);
  ASSERT_TRUE(tensors) << tensors.error().message;
  EXPECT_EQ(tensors->at("embedding/kernel").shape, (std::vector<std::int64_t>{4, 4, 3, 32}));
}

TEST(Npz, OtherArchivesAreRefused) {
  const auto refused = [](const test::ZipBuilder& zip) {
    const std::string bytes = zip.finish();
    const auto tensors = parse_npz(std::as_bytes(std::span(bytes)), nullptr);
    return tensors ? "(was read)" : tensors.error().message;
  };
  const std::string six = array(plain("(6,)"), kSix);
  EXPECT_EQ(refused(test::ZipBuilder().add("a.npy", six)), "(was read)");
  EXPECT_THAT(refused(test::ZipBuilder().add("data.pkl", six)), HasSubstr("data.pkl is no array"));
  EXPECT_THAT(refused(test::ZipBuilder().add("a.npy", six, {.method = 8})), HasSubstr("savez_compressed"));
  EXPECT_THAT(refused(test::ZipBuilder()), HasSubstr("no members"));
  // Many members over the same bytes, each of which would be copied into C order.
  const std::string turned = array(plain("(64, 64)", "<f4", "True"), std::string(64 * 64 * 4, 'x'));
  test::ZipBuilder bomb;
  bomb.add("a.npy", turned);
  for (int i = 0; i < 3; ++i)
    bomb.add(fmt::format("b{}.npy", i), "",
             {.crc = crc32_of(std::as_bytes(std::span(turned))), .size = turned.size(), .header_offset = 0});
  EXPECT_THAT(refused(bomb), HasSubstr("take more than the"));
}

}  // namespace
}  // namespace dfa
