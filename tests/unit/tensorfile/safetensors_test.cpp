#include "tensorfile/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.hpp"
#include "support/shared.hpp"
#include "support/temp_dir.hpp"

namespace dfa {
namespace {

using testing::HasSubstr;

// A file with this header and `data` bytes of zeros. `claimed`: header length to write instead of the true one.
std::vector<std::byte> file_bytes(std::string_view header, std::size_t data,
                                  std::optional<std::uint64_t> claimed = {}) {
  const std::uint64_t length = claimed.value_or(header.size());
  std::vector<std::byte> bytes(8 + header.size() + data);
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

// The message of what must be refused as a damaged container.
std::string refusal(const std::vector<std::byte>& bytes) {
  const auto file = parse_safetensors(bytes, nullptr);
  if (file) return "(was read)";
  EXPECT_EQ(file.error().code, ErrorCode::model_format);
  return file.error().message;
}

TensorFile sample() {
  TensorFile file;
  file.tensors["b.weight"] = Tensor::from_f32({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  file.tensors["a.odd"] = Tensor::from_u8({3}, std::vector<std::uint8_t>{7, 8, 9});
  file.tensors["counter"] = Tensor::from_i64({}, std::vector<std::int64_t>{42});
  file.tensors["half"] = convert_floats(Tensor::from_f32({1}, std::vector<float>{0.5f}), Dtype::f16);
  file.tensors["none"] = Tensor::from_f32({0, 4}, {});
  file.metadata = {{"dfa.format", "1"}, {"note", "ümlaut \"quoted\"\n"}};
  return file;
}

void expect_equal(const TensorFile& got, const TensorFile& want) {
  EXPECT_EQ(got.metadata, want.metadata);
  ASSERT_EQ(got.tensors.size(), want.tensors.size());
  for (const auto& [name, tensor] : want.tensors) {
    ASSERT_TRUE(got.tensors.contains(name)) << name;
    const Tensor& other = got.tensors.at(name);
    EXPECT_EQ(other.dtype, tensor.dtype) << name;
    EXPECT_EQ(other.shape, tensor.shape) << name;
    EXPECT_TRUE(std::equal(other.bytes.begin(), other.bytes.end(), tensor.bytes.begin(), tensor.bytes.end())) << name;
  }
}

TEST(Safetensors, RoundTrip) {
  const test::TempDir folder;
  ASSERT_TRUE(write_safetensors(sample(), folder / "m.safetensors"));
  expect_equal(read_safetensors(folder / "m.safetensors").value(), sample());
}

TEST(Safetensors, TheFileInMemoryIsTheFileOnDisk) {
  const test::TempDir folder;
  ASSERT_TRUE(write_safetensors(sample(), folder / "m"));
  EXPECT_EQ(read_file(folder / "m", 1 << 20).value(), serialize_safetensors(sample()).value());
}

TEST(Safetensors, EqualContentGivesEqualBytesHoweverItWasMade) {
  TensorFile other;
  const TensorFile file = sample();
  for (auto at = file.tensors.rbegin(); at != file.tensors.rend(); ++at) other.tensors[at->first] = at->second;
  other.metadata = file.metadata;
  EXPECT_EQ(serialize_safetensors(other).value(), serialize_safetensors(file).value());
}

TEST(Safetensors, EveryTensorIsAlignedToItsElements) {
  const auto bytes = serialize_safetensors(sample()).value();
  const auto file = parse_safetensors(bytes, nullptr).value();
  for (const auto& [name, tensor] : file.tensors)
    EXPECT_EQ(static_cast<std::size_t>(tensor.bytes.data() - bytes.data()) % dtype_size(tensor.dtype), 0u) << name;
  std::uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 64, 0u);
}

TEST(Safetensors, TensorsKeepTheirFileAlive) {
  const test::TempDir folder;
  ASSERT_TRUE(write_safetensors(sample(), folder / "m"));
  Tensor kept;
  {
    auto file = read_safetensors(folder / "m").value();
    kept = file.tensors.at("b.weight");
  }
  EXPECT_EQ(kept.to_f32().value(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Safetensors, ReadsWhatTheReferenceLibraryWrote) {
  const auto file = read_safetensors(test::source_path("tests/golden/tensorfile/expected.safetensors")).value();
  EXPECT_EQ(file.tensors.size(), 19u);
  EXPECT_EQ(file.tensors.at("bfloat").dtype, Dtype::bf16);
  EXPECT_EQ(file.tensors.at("bool").dtype, Dtype::boolean);
  EXPECT_EQ(file.tensors.at("transposed").shape, (std::vector<std::int64_t>{5, 3}));
  EXPECT_FLOAT_EQ(file.tensors.at("contiguous").to_f32().value()[2], 2 * 0.37f - 1.5f);
}

TEST(Safetensors, ReadsTheSharedCheckpoint) {
  DFA_REQUIRE_SHARED();
  const auto file = read_safetensors(test::shared_path("oracle/tiny/weights.safetensors")).value();
  EXPECT_EQ(file.tensors.size(), 207u);
  EXPECT_EQ(file.tensors.at("head.0.num_batches_tracked").dtype, Dtype::i64);
  EXPECT_EQ(read_safetensors(test::shared_path("oracle/tiny/golden.safetensors")).value().metadata.at("stages"),
            "[[0, 1], [2, 3], [4, 5]]");
}

TEST(Safetensors, TrailingSpacesOfTheHeaderAreAllowedAndMissingMetadataToo) {
  const auto file =
      parse_safetensors(file_bytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}    )", 4), nullptr);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->metadata.empty());
  EXPECT_TRUE(parse_safetensors(file_bytes("{}", 0), nullptr));
}

TEST(Safetensors, HeaderLengthIsCheckedBeforeAnythingIsAllocated) {
  EXPECT_THAT(refusal(file_bytes("", 0)), HasSubstr("not JSON at byte 1"));
  EXPECT_THAT(refusal(std::vector<std::byte>(7)), HasSubstr("7 bytes are too few"));
  EXPECT_THAT(refusal(file_bytes("{}", 0, 100)), HasSubstr("claims 100 bytes, 2 are left"));
  EXPECT_THAT(refusal(file_bytes("{}", 0, 3)), HasSubstr("claims 3 bytes, 2 are left"));
  EXPECT_THAT(refusal(file_bytes("{}", 0, 100'000'001)), HasSubstr("at most 100000000 are read"));
  EXPECT_THAT(refusal(file_bytes("{}", 0, ~std::uint64_t{0})), HasSubstr("at most 100000000 are read"));
}

TEST(Safetensors, DuplicatesAreRefused) {
  EXPECT_THAT(
      refusal(file_bytes(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
          2)),
      HasSubstr("a: comes twice"));
  EXPECT_THAT(refusal(file_bytes(R"({"__metadata__":{"k":"1","k":"2"}})", 0)), HasSubstr("metadata key k comes twice"));
  EXPECT_THAT(refusal(file_bytes(R"({"__metadata__":{},"__metadata__":{}})", 0)),
              HasSubstr("__metadata__: comes twice"));
  EXPECT_THAT(refusal(file_bytes(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", 1)),
              HasSubstr("dtype comes twice"));
}

TEST(Safetensors, MisplacedValuesAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"[]", "a list where none belongs"},
      {"7", "a number where none belongs"},
      {"null", "null"},
      {R"({"a":[]})", "a list where none belongs"},
      {R"({"a":{}})", "dtype, shape and data_offsets are expected"},
      {R"({"a":{"dtype":"U8","shape":[1]}})", "dtype, shape and data_offsets are expected"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}})", "unknown key x"},
      {R"({"a":{"dtype":7}})", "a number where none belongs"},
      {R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", "dtype F8_E4M3 is not one that is read"},
      {R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", "a negative number"},
      {R"({"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}})", "number 1.0, counts are expected"},
      {R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,1]}})", "a size of more than 63 bits"},
      {R"({"a":{"dtype":"U8","shape":[99999999999999999999999],"data_offsets":[0,1]}})", "counts are expected"},
      {R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
       "more than 16 dimensions"},
      {R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", "a list where none belongs"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", "two data_offsets are expected"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}})", "a number where none belongs"},
      {R"({"a":{"dtype":"U8","shape":true,"data_offsets":[0,1]}})", "a boolean"},
      {R"({"__metadata__":{"k":1}})", "a number where none belongs"},
      {R"({"__metadata__":{"k":{}}})", "an object where none belongs"},
      {R"({"__metadata__":"text"})", "a text where none belongs"},
      {R"({"a":)", "not JSON at byte"},
      {"{} {}", "not JSON at byte"},
      {"{\"\xff\":{}}", "not JSON at byte"},
  };
  for (const auto& [header, problem] : cases) EXPECT_THAT(refusal(file_bytes(header, 1)), HasSubstr(problem)) << header;
}

TEST(Safetensors, DeepNestingEndsAtTheFirstLevelThatDoesNotBelong) {
  EXPECT_THAT(refusal(file_bytes(std::string(1'000'000, '['), 0)), HasSubstr("a list where none belongs"));
  EXPECT_THAT(refusal(file_bytes(R"({"a":)" + std::string(1'000'000, '{'), 0)), HasSubstr("a: "));
}

TEST(Safetensors, OffsetsMustFitShapeAndData) {
  const auto entry = [](const char* dtype, const char* shape, const char* offsets) {
    return fmt::format(R"({{"a":{{"dtype":"{}","shape":{},"data_offsets":{}}}}})", dtype, shape, offsets);
  };
  EXPECT_THAT(refusal(file_bytes(entry("F32", "[2]", "[0,4]"), 4)),
              HasSubstr("F32 2 takes 8 bytes, its offsets hold 4"));
  EXPECT_THAT(refusal(file_bytes(entry("F32", "[2]", "[0,8]"), 4)), HasSubstr("bytes 0 to 8 of 4 bytes of data"));
  EXPECT_THAT(refusal(file_bytes(entry("F32", "[2]", "[8,0]"), 8)), HasSubstr("bytes 8 to 0 of 8"));
  EXPECT_THAT(refusal(file_bytes(entry("F32", "[1]", "[4,8]"), 8)),
              HasSubstr("begins at byte 4, expected 0 (there is a gap"));
  EXPECT_THAT(refusal(file_bytes(entry("F32", "[1]", "[0,4]"), 8)),
              HasSubstr("the tensors take 4 bytes, the file has 8"));
  EXPECT_THAT(refusal(file_bytes(entry("F64", "[1152921504606846976]", "[0,8]"), 8)), HasSubstr("its offsets hold 8"));
  EXPECT_THAT(refusal(file_bytes(entry("F64", "[4611686018427387904,4]", "[0,0]"), 0)),
              HasSubstr("more elements than can be"));
  EXPECT_THAT(refusal(file_bytes(entry("U8", "[0]", "[0,18446744073709551615]"), 0)), HasSubstr("of 0 bytes of data"));
  EXPECT_THAT(
      refusal(file_bytes(
          R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
          6)),
      HasSubstr("b: begins at byte 2, expected 4 (it overlaps"));
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const auto whole = serialize_safetensors(sample()).value();
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(parse_safetensors(std::span(whole).first(length), nullptr)) << length;
}

TEST(Safetensors, WriterRefusesWhatItCouldNotRead) {
  TensorFile file;
  file.tensors["a"] = Tensor{.dtype = Dtype::f32, .shape = {2}, .bytes = {}, .owner = nullptr};
  EXPECT_EQ(serialize_safetensors(file).error().code, ErrorCode::internal);
  file.tensors.clear();
  file.tensors["__metadata__"] = Tensor::from_u8({0}, {});
  EXPECT_EQ(serialize_safetensors(file).error().code, ErrorCode::internal);
  file.tensors.clear();
  file.metadata["k"] = "\xff\xfe";
  EXPECT_EQ(serialize_safetensors(file).error().code, ErrorCode::internal);
}

TEST(Safetensors, FailedWriteLeavesTheOldFile) {
  const test::TempDir folder;
  ASSERT_TRUE(write_safetensors(sample(), folder / "m"));
  const auto before = read_file(folder / "m", 1 << 20).value();
  TensorFile broken = sample();
  broken.tensors["a"] = Tensor{.dtype = Dtype::f32, .shape = {2}, .bytes = {}, .owner = nullptr};
  EXPECT_FALSE(write_safetensors(broken, folder / "m"));
  EXPECT_EQ(read_file(folder / "m", 1 << 20).value(), before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Safetensors, MissingFileAndLimit) {
  const test::TempDir folder;
  EXPECT_EQ(read_safetensors(folder / "none").error().code, ErrorCode::file_not_found);
  ASSERT_TRUE(write_safetensors(sample(), folder / "m"));
  EXPECT_EQ(read_safetensors(folder / "m", 10).error().code, ErrorCode::limit_exceeded);
}

}  // namespace
}  // namespace dfa
