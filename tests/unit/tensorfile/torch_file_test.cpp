#include "tensorfile/torch_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/file.hpp"
#include "support/shared.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/state_dict.hpp"
#include "unit/tensorfile/zip_builder.hpp"

namespace dfa {
namespace {

using namespace std::string_literals;
using test::ZipBuilder;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::filesystem::path golden(std::string_view name) {
  return test::source_path("tests/golden/tensorfile") / name;
}

void expect_equal(const TensorMap& got, const TensorMap& want) {
  ASSERT_EQ(got.size(), want.size());
  ASSERT_FALSE(want.empty());
  for (const auto& [name, tensor] : want) {
    ASSERT_TRUE(got.contains(name)) << name;
    const Tensor& other = got.at(name);
    EXPECT_EQ(other.dtype, tensor.dtype) << name;
    EXPECT_EQ(other.shape, tensor.shape) << name;
    EXPECT_TRUE(std::equal(other.bytes.begin(), other.bytes.end(), tensor.bytes.begin(), tensor.bytes.end())) << name;
  }
}

std::string refusal(const std::filesystem::path& path) {
  const auto state = read_state_dict(path);
  if (state) return "(was read)";
  EXPECT_EQ(state.error().code, ErrorCode::model_format);
  return state.error().message;
}

// --- files written by torch itself (tests/golden/tensorfile/make_torch_files.py) ---

class TorchContainers : public testing::TestWithParam<const char*> {};

TEST_P(TorchContainers, GiveTheTensorsThatTorchGives) {
  const auto state = read_state_dict(golden(GetParam()));
  ASSERT_TRUE(state) << state.error().message;
  expect_equal(state->tensors, read_safetensors(golden("expected.safetensors")).value().tensors);
  EXPECT_EQ(state->wrapper, "");
  EXPECT_TRUE(state->foreign_globals.empty());
}

TEST_P(TorchContainers, EveryTruncationIsRefusedAndEveryFlippedByteSurvived) {
  const auto whole = read_file(golden(GetParam()), 1 << 20).value();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(parse_state_dict(std::span(whole).first(i), nullptr)) << i;
    auto damaged = whole;
    damaged[i] = ~damaged[i];
    (void)parse_state_dict(damaged, nullptr);
  }
}

INSTANTIATE_TEST_SUITE_P(Files, TorchContainers, testing::Values("plain.pt", "legacy.pt", "protocol4.pt", "nocrc.pt"),
                         [](const auto& test) { return std::string(test.param, std::strchr(test.param, '.')); });

TEST(TorchFile, ViewsAreNotCopied) {
  const auto mapped = MappedFile::open(golden("plain.pt"), 1 << 20).value();
  const auto state = parse_state_dict(mapped->bytes(), mapped).value();
  const auto inside = [&](const char* name) {
    const std::byte* at = state.tensors.at(name).bytes.data();
    return at >= mapped->bytes().data() && at < mapped->bytes().data() + mapped->bytes().size();
  };
  EXPECT_TRUE(inside("contiguous"));
  EXPECT_TRUE(inside("rows_of_shared"));
  EXPECT_FALSE(inside("transposed"));
  EXPECT_FALSE(inside("columns_of_shared"));
}

TEST(TorchFile, WrapperPrefixesAndWhatLiesBesideAreReported) {
  for (const char* name : {"wrapped.pt", "wrapped_legacy.pt"}) {
    const auto state = read_state_dict(golden(name));
    ASSERT_TRUE(state) << state.error().message;
    expect_equal(state->tensors, read_safetensors(golden("wrapped_expected.safetensors")).value().tensors);
    EXPECT_EQ(state->wrapper, "state_dict");
    EXPECT_EQ(state->stripped_prefixes, 7u);
    EXPECT_THAT(
        state->ignored,
        ElementsAre("epoch: 3", "best_val_auc: object of numpy._core.multiarray.scalar, not built",
                    "optimizer: dict of 2", "scaler: dict of 1", "args: object of argparse.Namespace, not built"));
    EXPECT_THAT(state->foreign_globals, Contains("argparse.Namespace"));
  }
}

TEST(TorchFile, HostileGlobalsStayInertBesideTheWeights) {
  for (const char* name : {"hostile_beside.pt", "hostile_legacy.pt"}) {
    const auto state = read_state_dict(golden(name));
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(state->tensors.size(), 1u);
    EXPECT_THAT(state->ignored, ElementsAre("note: object of posix.system, not built"));
    EXPECT_THAT(state->foreign_globals, ElementsAre("posix.system"));
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/dfa-was-executed"));
}

TEST(TorchFile, ATensorThatNeedsAnUnknownGlobalIsRefusedByName) {
  EXPECT_THAT(refusal(golden("hostile_inside.pt")), HasSubstr("x: it depends on posix.system"));
  EXPECT_THAT(refusal(golden("foreign_tensor.pt")), HasSubstr("__main__.Subclass"));
  EXPECT_FALSE(std::filesystem::exists("/tmp/dfa-was-executed"));
}

TEST(TorchFile, OtherKindsOfFilesAreNamed) {
  EXPECT_THAT(refusal(golden("whole_object.pt")),
              HasSubstr("got a pickled object (object of torch.nn.modules.container.Sequential"));
  EXPECT_THAT(refusal(golden("no_tensors.pt")), HasSubstr("found no tensors"));
  EXPECT_THAT(refusal(golden("compressed.pt")), HasSubstr("is compressed"));
  EXPECT_THAT(refusal(golden("big_endian.pt")), HasSubstr("big-endian"));
  EXPECT_THAT(refusal(golden("negated.pt")), HasSubstr("w: tensor record: metadata that changes the values"));
  EXPECT_THAT(refusal(golden("make_torch_files.py")), HasSubstr("begin like no torch file"));
  EXPECT_THAT(refusal(golden("make_torch_files.py")), HasSubstr("make_torch_files.py: "));
  EXPECT_EQ(read_state_dict(golden("none.pt")).error().code, ErrorCode::file_not_found);
  EXPECT_EQ(read_state_dict(golden("plain.pt"), {.max_file_bytes = 100}).error().code, ErrorCode::limit_exceeded);
}

std::string bytes_refusal(const std::string& bytes, const TorchLimits& limits = {}) {
  const auto state = parse_state_dict(std::as_bytes(std::span(bytes)), nullptr, limits);
  return state ? "(was read)" : state.error().message;
}

TEST(TorchFile, LooksAtTheFirstBytes) {
  EXPECT_THAT(bytes_refusal("<!DOCTYPE html>"), HasSubstr("looks like a web page"));
  EXPECT_THAT(bytes_refusal("\x80\x04N."), HasSubstr("plain Python pickle"));
  EXPECT_THAT(bytes_refusal(std::string(257, '\0') + "ustar" + std::string(300, '\0')), HasSubstr("got a tar archive"));
  EXPECT_THAT(bytes_refusal(""), HasSubstr("got 0 bytes"));
  EXPECT_THAT(bytes_refusal(ZipBuilder().add("a.npy", "x").finish()),
              HasSubstr("0 members named data.pkl, expected 1"));
  EXPECT_THAT(bytes_refusal(ZipBuilder().add("a/data.pkl", "x").add("b/data.pkl", "x").finish()),
              HasSubstr("2 members named data.pkl"));
}

// --- records that torch would not write ---

std::string integer(std::int64_t value) {
  std::string out = "\x8a\x08"s;
  out.append(reinterpret_cast<const char*>(&value), 8);
  return out;
}
std::string text(std::string_view value) {
  return "\x8c"s + static_cast<char>(value.size()) + std::string(value);
}
std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
std::string integers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(integer(value));
  return tuple(items);
}
std::string global(std::string_view module, std::string_view name) {
  return fmt::format("c{}\n{}\n", module, name);
}

struct Record {
  std::string type = global("torch", "FloatStorage");
  std::string key = text("0");
  std::int64_t count = 4;
  std::string location = text("cpu");
  std::string offset = integer(0);
  std::vector<std::int64_t> shape = {2, 2};
  std::vector<std::int64_t> strides = {2, 1};
  std::string rebuild = "_rebuild_tensor_v2";
  std::string tail = "\x89}";  // requires_grad, hooks
  std::string storage = {};    // in place of the record made of the fields above

  std::string pickled() const {
    const std::string id = tuple({text("storage"), type, key, location, integer(count)}) + "Q";
    return global("torch._utils", rebuild) +
           tuple({storage.empty() ? id : storage, offset, integers(shape), integers(strides), tail}) + "R";
  }
};

std::string pickle(const std::string& root) {
  return "\x80\x02" + root + ".";
}
std::string dict_of(const std::string& value) {
  return "}" + text("w") + value + "s";
}

std::string torch_zip(const std::string& root, const std::string& storage = std::string(16, '\0')) {
  return ZipBuilder().add("x/data.pkl", pickle(root)).add("x/data/0", storage).finish();
}

std::string record_refusal(const Record& record) {
  return bytes_refusal(torch_zip(dict_of(record.pickled())));
}

TEST(TorchRecord, TheBuilderOfTheseTestsMakesAGoodOne) {
  EXPECT_EQ(record_refusal({}), "(was read)");
  EXPECT_EQ(record_refusal({.shape = {}, .strides = {}}), "(was read)");
  EXPECT_EQ(record_refusal({.shape = {0, 1 << 20}, .strides = {1 << 20, 1}}), "(was read)");
  EXPECT_EQ(record_refusal({.rebuild = "_rebuild_tensor", .tail = ""}), "(was read)");
  EXPECT_EQ(record_refusal({.tail = "\x89" + global("collections", "OrderedDict") + ")R}"}), "(was read)");
}

TEST(TorchRecord, TensorsOfUntypedStoragesSayTheirDtype) {
  const std::string untyped = global("torch.storage", "UntypedStorage");
  const Record good{
      .type = untyped, .count = 16, .rebuild = "_rebuild_tensor_v3", .tail = "\x89}" + global("torch", "float32")};
  const std::string bytes = torch_zip(dict_of(good.pickled()));
  const auto state = parse_state_dict(std::as_bytes(std::span(bytes)), nullptr);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->tensors.at("w").dtype, Dtype::f32);
  EXPECT_THAT(record_refusal({.type = untyped, .count = 16}), HasSubstr("untyped storage without a dtype"));
  EXPECT_THAT(record_refusal({.rebuild = "_rebuild_tensor_v3", .tail = "\x89}" + global("torch", "float32")}),
              HasSubstr("a dtype that is not read"));
  EXPECT_THAT(
      record_refusal(
          {.type = untyped, .count = 16, .rebuild = "_rebuild_tensor_v3", .tail = "\x89}" + global("os", "system")}),
      HasSubstr("a dtype that is not read"));
}

TEST(TorchRecord, SizesAndStridesMustLieInTheStorage) {
  EXPECT_THAT(record_refusal({.shape = {2, 3}, .strides = {3, 1}}),
              HasSubstr("reaches outside its storage of 4 elements"));
  EXPECT_THAT(record_refusal({.offset = integer(1)}), HasSubstr("from offset 1 reaches outside"));
  EXPECT_THAT(record_refusal({.strides = {3, 1}}), HasSubstr("reaches outside"));
  EXPECT_THAT(record_refusal({.strides = {std::int64_t{1} << 62, 1}}), HasSubstr("reaches outside"));
  EXPECT_THAT(record_refusal({.shape = {5, 5, 5},
                              .strides = {std::int64_t{1} << 62, std::int64_t{1} << 62, std::int64_t{1} << 62}}),
              HasSubstr("reaches outside"));
  EXPECT_THAT(record_refusal({.offset = integer(std::int64_t{0x7fffffffffffffff})}), HasSubstr("reaches outside"));
  EXPECT_THAT(record_refusal({.offset = integer(-1)}), HasSubstr("an offset that is no count"));
  EXPECT_THAT(record_refusal({.offset = "N"}), HasSubstr("an offset that is no count"));
  EXPECT_THAT(record_refusal({.shape = {-1, 2}}), HasSubstr("no count of 63 bits"));
  EXPECT_THAT(record_refusal({.strides = {-2, 1}}), HasSubstr("no count of 63 bits"));
  EXPECT_THAT(record_refusal({.strides = {1}}), HasSubstr("as many strides as sizes"));
  EXPECT_THAT(record_refusal({.shape = std::vector<std::int64_t>(17, 1), .strides = std::vector<std::int64_t>(17, 1)}),
              HasSubstr("17 dimensions"));
}

TEST(TorchRecord, HugeSizesAreRefusedBeforeAnythingIsAllocated) {
  const std::int64_t huge = std::int64_t{1} << 60;
  EXPECT_THAT(record_refusal({.shape = {huge}, .strides = {1}}), HasSubstr("reaches outside"));
  EXPECT_THAT(record_refusal({.shape = {huge}, .strides = {0}}),
              HasSubstr("copies of strided tensors would take more than"));
  EXPECT_THAT(record_refusal({.shape = {huge, 4}, .strides = {0, 0}}), HasSubstr("more elements than can be"));
  EXPECT_THAT(record_refusal({.count = huge}),
              HasSubstr("storage 0 has 16 bytes, expected 1152921504606846976 elements"));
}

TEST(TorchRecord, StoragesMustBeWhatTheySay) {
  EXPECT_THAT(record_refusal({.count = 3}), HasSubstr("storage 0 has 16 bytes, expected 3 elements of 4 bytes"));
  EXPECT_THAT(record_refusal({.count = -1}), HasSubstr("an element count that is no count"));
  EXPECT_THAT(record_refusal({.key = text("1")}), HasSubstr("no member x/data/1"));
  EXPECT_THAT(record_refusal({.key = integer(0)}), HasSubstr("a key that is no text"));
  EXPECT_THAT(record_refusal({.type = global("os", "system")}), HasSubstr("type os.system is not one that is read"));
  EXPECT_THAT(record_refusal({.type = global("torch", "ComplexFloatStorage")}),
              HasSubstr("type torch.ComplexFloatStorage"));
  EXPECT_THAT(record_refusal({.type = "N"}), HasSubstr("type without a name"));
  EXPECT_THAT(record_refusal({.storage = "N"}), HasSubstr("no storage record"));
  EXPECT_THAT(record_refusal({.storage = "NQ"}), HasSubstr("expected (\"storage\", type, key, location, count)"));
  EXPECT_THAT(record_refusal({.storage = tuple({text("module"), "N", text("0"), text("cpu"), integer(4)}) + "Q"}),
              HasSubstr("names no storage"));
}

TEST(TorchRecord, ArgumentsMustBeTorchs) {
  EXPECT_THAT(record_refusal({.tail = "\x89"}), HasSubstr("a number of arguments that torch does not write"));
  EXPECT_THAT(record_refusal({.tail = "\x89}}}"}), HasSubstr("a number of arguments"));
  EXPECT_THAT(record_refusal({.rebuild = "_rebuild_tensor"}), HasSubstr("a number of arguments"));
  EXPECT_THAT(record_refusal({.tail = "\x89" + global("os", "system") + ")R"}), HasSubstr("backward hooks"));
  EXPECT_THAT(record_refusal({.rebuild = "_rebuild_parameter", .tail = ""}),
              HasSubstr("a parameter that holds no tensor"));
  const std::string parameter = global("torch._utils", "_rebuild_parameter");
  const std::string once = parameter + tuple({Record{}.pickled(), "\x88", "}"}) + "R";
  EXPECT_EQ(bytes_refusal(torch_zip(dict_of(once))), "(was read)");
  EXPECT_THAT(bytes_refusal(torch_zip(dict_of(parameter + tuple({once, "\x88", "}"}) + "R"))),
              HasSubstr("a parameter that holds no tensor"));
  EXPECT_THAT(bytes_refusal(torch_zip(dict_of(global("torch._utils", "_rebuild_tensor_v2") + "NR"))),
              HasSubstr("arguments that are no tuple"));
}

TEST(TorchRecord, CopiesOfOneStorageAreCounted) {
  // 1 MB of storage, read transposed again and again: 50 tensors of 1 MB from a file of 1 MB.
  constexpr std::int64_t kSide = 512;
  std::string body = "}";
  for (int i = 0; i < 50; ++i)
    body += text("w" + std::to_string(i)) +
            Record{.count = kSide * kSide, .shape = {kSide, kSide}, .strides = {1, kSide}}.pickled() + "s";
  EXPECT_THAT(bytes_refusal(torch_zip(body, std::string(4 * kSide * kSide, '\0'))),
              HasSubstr("copies of strided tensors would take more than"));
}

TEST(TorchRecord, OverlappingMembersAreRefused) {
  ZipBuilder zip;
  const std::string body = "}" + text("a") + Record{}.pickled() + "s" + text("b") + Record{.key = text("1")}.pickled() +
                           "s" + text("c") + Record{.key = text("2")}.pickled() + "s";
  // Members "0", "1" and "2" are one place of 4096 bytes in a file hardly larger.
  const std::string large(4096, '\0');
  const std::string big = "}" + text("a") + Record{.count = 1024}.pickled() + "s" + text("b") +
                          Record{.key = text("1"), .count = 1024}.pickled() + "s" + text("c") +
                          Record{.key = text("2"), .count = 1024}.pickled() + "s";
  zip.add("x/data/0", large);
  zip.add("x/data.pkl", pickle(big));
  const std::uint32_t crc = crc32_of(std::as_bytes(std::span(large)));
  zip.add("x/data/1", "", {.crc = crc, .size = 4096, .header_offset = 0});
  zip.add("x/data/2", "", {.crc = crc, .size = 4096, .header_offset = 0});
  EXPECT_THAT(bytes_refusal(zip.finish()), HasSubstr("members overlap"));
}

// --- TorchScript archives ---

std::string script_object(const std::string& attributes) {
  return global("__torch__.net.___torch_mangle_3", "Net") + ")\x81}(" + attributes + "ub";
}
std::string script_zip(const std::string& root) {
  return ZipBuilder()
      .add("x/data.pkl", pickle(root))
      .add("x/constants.pkl", pickle(")"))
      .add("x/data/0", std::string(16, '\0'))
      .finish();
}
std::string script_refusal(const std::string& root) {
  return bytes_refusal(script_zip(root));
}

TEST(TorchScript, AnArchiveOfTorchIsReadAsData) {
  const auto state = read_state_dict(golden("torchscript.pt"));
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->container, "torchscript archive");
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state->tensors) names.push_back(name + " " + shape_text(tensor.shape));
  EXPECT_THAT(names, ElementsAre("0.bias 2", "0.weight 2x3", "1.bias 2", "1.num_batches_tracked scalar",
                                 "1.running_mean 2", "1.running_var 2", "1.weight 2"));
  EXPECT_EQ(state->tensors.at("1.running_var").to_f32().value(), (std::vector<float>{1, 1}));
  EXPECT_TRUE(state->foreign_globals.empty());
}

TEST(TorchScript, EveryTruncationIsRefusedAndEveryFlippedByteSurvived) {
  const auto whole = read_file(golden("torchscript.pt"), 1 << 20).value();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_FALSE(parse_state_dict(std::span(whole).first(i), nullptr)) << i;
    auto damaged = whole;
    damaged[i] = ~damaged[i];
    (void)parse_state_dict(damaged, nullptr);
  }
}

TEST(TorchScript, NamesAreThePathsOfAttributes) {
  const std::string inner = script_object(text("weight") + Record{}.pickled() + text("training") + "\x88");
  const std::string list = global("torch.jit._pickle", "build_intlist") + "](K\1K\2e\x85R";
  const std::string bytes =
      script_zip(script_object(text("layers") + script_object(text("0") + inner) + text("sizes") + list));
  const auto state = parse_state_dict(std::as_bytes(std::span(bytes)), nullptr);
  ASSERT_TRUE(state) << state.error().message;
  ASSERT_EQ(state->tensors.size(), 1u);
  EXPECT_EQ(state->tensors.begin()->first, "layers.0.weight");
  EXPECT_THAT(state->ignored, ElementsAre("sizes: a list or dict, not read"));
}

TEST(TorchScript, HostileArchivesAreRefused) {
  const std::string tensor = Record{}.pickled();
  EXPECT_THAT(script_refusal(script_object(text("w") + global("posix", "system") + text("x") + "\x85R")),
              HasSubstr("w: it depends on posix.system"));
  EXPECT_THAT(script_refusal(dict_of(tensor)), HasSubstr("root is no module"));
  EXPECT_THAT(script_refusal(global("__torch__evil", "Net") + ")\x81"), HasSubstr("root is no module"));
  EXPECT_THAT(script_refusal(global("__torch__", "Net") + ")\x81"), HasSubstr("has no attributes"));
  EXPECT_THAT(script_refusal(script_object("")), HasSubstr("without tensors"));
  EXPECT_THAT(script_refusal(script_object(integer(1) + tensor)), HasSubstr("whose name is no name"));
  EXPECT_THAT(script_refusal(script_object(text("a b") + tensor)), HasSubstr("whose name is no name"));
  EXPECT_THAT(script_refusal(script_object(text("w") + tensor + text("w") + tensor)),
              HasSubstr("two tensors are named w"));
  // An object that holds itself, and a tree that doubles with every level.
  EXPECT_THAT(script_refusal(global("__torch__", "Net") + ")\x81q\0}("s + text("a") + "h\0ub"s),
              HasSubstr("modules more than 64 deep"));
  // One module of 1000 attributes, met 1000 times.
  std::string shared = text("m") + global("__torch__", "Net") + ")\x81}(";
  for (int i = 0; i < 1000; ++i) shared += text("a" + std::to_string(i)) + "N";
  shared += "ubq\1";
  for (int i = 0; i < 1000; ++i) shared += text("m" + std::to_string(i)) + "h\1";
  EXPECT_THAT(script_refusal(script_object(shared)), HasSubstr("more than 200000 attributes"));
  std::string doubled = script_object(text("w") + tensor);
  for (char level = 1; level < 40; ++level)
    doubled = script_object(text("a") + doubled + "q" + level + text("b") + "h" + level);
  EXPECT_THAT(script_refusal(doubled), HasSubstr("more than 100000 modules"));
}

// --- state dicts ---

TEST(StateDict, FindsEveryWrapper) {
  const std::string bare = dict_of(Record{}.pickled());
  const auto wrapped = [](const std::string& key, const std::string& inner) { return "}" + text(key) + inner + "s"; };
  const auto wrapper_of = [](const std::string& root) {
    const std::string bytes = torch_zip(root);
    const auto state = parse_state_dict(std::as_bytes(std::span(bytes)), nullptr);
    return state ? state->wrapper : state.error().message;
  };
  EXPECT_EQ(wrapper_of(bare), "");
  for (const char* key : {"model", "state_dict", "best_state_dict"}) EXPECT_EQ(wrapper_of(wrapped(key, bare)), key);
  EXPECT_EQ(wrapper_of(wrapped("model", wrapped("state_dict", bare))), "model.state_dict");
  EXPECT_THAT(wrapper_of(wrapped("net", bare)), HasSubstr("found no tensors"));
  EXPECT_THAT(wrapper_of(wrapped("net", bare)), HasSubstr("its keys: net"));
}

TEST(StateDict, TheBestWeightsAreTakenAndTheOthersReported) {
  const std::string bare = dict_of(Record{}.pickled());
  const std::string bytes = torch_zip("}" + text("state_dict") + bare + "s" + text("best_state_dict") + bare + "s" +
                                      text("auc") + Record{.shape = {}, .strides = {}}.pickled() + "s");
  const auto state = parse_state_dict(std::as_bytes(std::span(bytes)), nullptr).value();
  EXPECT_EQ(state.wrapper, "best_state_dict");
  EXPECT_THAT(state.ignored, ElementsAre("state_dict: dict of 1", "auc: tensor"));
}

TEST(StateDict, PlainValuesInsideAreIgnored) {
  const std::string numpy = global("numpy.core.multiarray", "scalar") + ")R";
  const std::string bytes =
      torch_zip(dict_of(Record{}.pickled()) + text("auc") + numpy + "s" + text("epoch") + integer(3) + "s");
  const auto state = parse_state_dict(std::as_bytes(std::span(bytes)), nullptr);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_THAT(state->ignored, ElementsAre("auc: object of numpy.core.multiarray.scalar, not built", "epoch: 3"));
}

TEST(StateDict, NamesThatBecomeEqualAreRefused) {
  const std::string tensor = Record{}.pickled();
  EXPECT_THAT(bytes_refusal(torch_zip("}" + text("module.w") + tensor + "s" + text("w") + tensor + "s")),
              HasSubstr("two tensors are named w"));
  EXPECT_THAT(bytes_refusal(torch_zip("}" + text("w") + tensor + "s" + text("w") + tensor + "s")),
              HasSubstr("two tensors are named w"));
  EXPECT_THAT(bytes_refusal(torch_zip("}" + integer(1) + tensor + "s")), HasSubstr("whose name is no text"));
}

TEST(StateDict, DictsThatHoldThemselvesEnd) {
  EXPECT_THAT(bytes_refusal(torch_zip("}q\0"s + text("model") + "h\0s"s)), HasSubstr("found no tensors"));
}

TEST(StateDict, LimitsReachThePickle) {
  const std::string bytes = torch_zip(dict_of(Record{}.pickled()));
  EXPECT_THAT(bytes_refusal(bytes, {.max_pickle_bytes = 10}), HasSubstr("at most 10 are read"));
  EXPECT_THAT(bytes_refusal(bytes, {.max_members = 1}), HasSubstr("2 members, at most 1 are read"));
  EXPECT_THAT(bytes_refusal(bytes, {.pickle = {.max_values = 3}}), HasSubstr("more than 3 "));
}

// --- the legacy stream ---

std::string legacy(const std::string& object, const std::string& keys, const std::string& data,
                   const std::string& system = "") {
  const std::string facts = system.empty() ? "}" + text("little_endian") + "\x88s" : system;
  return "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s + pickle("M\xe9\x03") + pickle(facts) +
         pickle(object) + pickle(keys) + data;
}
std::string legacy_record(std::int64_t count, const std::string& view = "N") {
  const std::string id =
      tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(count), view}) + "Q";
  return Record{.storage = id}.pickled();
}
std::string counted(std::int64_t count, std::size_t bytes) {
  std::string out(8 + bytes, '\0');
  std::memcpy(out.data(), &count, 8);
  return out;
}

TEST(TorchLegacy, IsReadInItsOrder) {
  const std::string keys = "]" + text("0") + "a";
  const std::string object = dict_of(legacy_record(4));
  EXPECT_EQ(bytes_refusal(legacy(object, keys, counted(4, 16))), "(was read)");
  EXPECT_THAT(bytes_refusal(legacy(object, keys, counted(4, 15))), HasSubstr("the file was cut short"));
  EXPECT_THAT(bytes_refusal(legacy(object, keys, counted(4, 17))), HasSubstr("1 bytes follow after the last storage"));
  EXPECT_THAT(bytes_refusal(legacy(object, keys, counted(5, 20))), HasSubstr("holds 5 elements, its tensors expect 4"));
  EXPECT_THAT(bytes_refusal(legacy(object, keys, "")), HasSubstr("ends before storage 0"));
  EXPECT_THAT(bytes_refusal(legacy(object, "]", "")), HasSubstr("storage 0 is not in the file"));
  EXPECT_THAT(bytes_refusal(legacy(object, "]" + text("7") + "a", counted(4, 16))),
              HasSubstr("storage 7 belongs to no tensor"));
  EXPECT_THAT(bytes_refusal(legacy(object, "](" + text("0") + text("0") + "e", counted(4, 16) + counted(4, 16))),
              HasSubstr("comes twice"));
  EXPECT_THAT(bytes_refusal(legacy(object, "]K\1a", "")), HasSubstr("a storage key that is no text"));
  EXPECT_THAT(bytes_refusal(legacy(object, "}", "")), HasSubstr("no list of storage keys"));
}

TEST(TorchLegacy, HugeCountsAreRefused) {
  const std::int64_t huge = std::int64_t{1} << 60;
  const std::string keys = "]" + text("0") + "a";
  EXPECT_THAT(bytes_refusal(legacy(dict_of(legacy_record(huge)), keys, counted(huge, 16))),
              HasSubstr("16 bytes are left; the file was cut short"));
  EXPECT_THAT(bytes_refusal(legacy(dict_of(legacy_record(4)), keys, counted(huge, 16))),
              HasSubstr("its tensors expect 4"));
}

TEST(TorchLegacy, FactsAreChecked) {
  const std::string keys = "]" + text("0") + "a";
  const std::string object = dict_of(legacy_record(4));
  EXPECT_THAT(bytes_refusal(legacy(object, keys, counted(4, 16), "}" + text("little_endian") + "\x89s")),
              HasSubstr("big-endian"));
  EXPECT_THAT(bytes_refusal(legacy(object, keys, counted(4, 16), "}")), HasSubstr("does not say its byte order"));
  EXPECT_THAT(bytes_refusal(legacy(object, keys, counted(4, 16), "N")), HasSubstr("does not say its byte order"));
  EXPECT_THAT(bytes_refusal(
                  legacy(dict_of(legacy_record(4, tuple({text("0"), integer(0), integer(4)}))), keys, counted(4, 16))),
              HasSubstr("a view of another storage"));
}

// --- the goldens outside the repository ---

TEST(SharedCheckpoint, IsTheSameInAllThreeContainers) {
  DFA_REQUIRE_SHARED();
  const auto want = read_safetensors(test::shared_path("oracle/tiny/weights.safetensors")).value().tensors;
  ASSERT_EQ(want.size(), 207u);
  for (const char* name : {"checkpoint.pt", "checkpoint_legacy.pt", "weights.safetensors"}) {
    const auto state = read_state_dict(test::shared_path(std::string("oracle/tiny/") + name));
    ASSERT_TRUE(state) << state.error().message;
    expect_equal(state->tensors, want);
  }
}

}  // namespace
}  // namespace dfa
