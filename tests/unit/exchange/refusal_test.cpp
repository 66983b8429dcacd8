// A file of each kind with one thing wrong is refused, and the message says what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_dir.hpp"
#include "tensorfile/npz.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/state_dict.hpp"
#include "unit/exchange/backbone_kinds.hpp"
#include "unit/tensorfile/zip_builder.hpp"

namespace dfa {
namespace {

using test::BackboneKind;
using testing::HasSubstr;

struct Fault {
  std::string_view name;
  void (*apply)(TensorMap& tensors, const std::string& tensor);
  bool (*applies)(const Tensor& tensor);
};

const Fault kFaults[] = {
    {"missing", [](TensorMap& tensors, const std::string& name) { tensors.erase(name); },
     [](const Tensor&) { return true; }},
    {"renamed",
     [](TensorMap& tensors, const std::string& name) {
       auto node = tensors.extract(name);
       node.key() = name + "_other";
       tensors.insert(std::move(node));
     },
     [](const Tensor&) { return true; }},
    {"transposed",
     [](TensorMap& tensors, const std::string& name) {
       Tensor& tensor = tensors.at(name);
       std::swap(tensor.shape[0], tensor.shape[1]);
     },
     [](const Tensor& tensor) { return tensor.shape.size() == 2 && tensor.shape[0] != tensor.shape[1]; }}};

bool is_ignored(const BackboneKind& kind, const std::string& name) {
  return std::find(kind.ignored.begin(), kind.ignored.end(), name) != kind.ignored.end();
}

// Without them a network of DINOv2's authors is another one, which is whole.
bool may_be_absent(std::string_view fault, const std::string& name) {
  return fault == "missing" && name == "register_tokens";
}

// As numpy.savez writes f32 arrays.
std::string npz_of(const TensorMap& tensors) {
  test::ZipBuilder zip;
  for (const auto& [name, tensor] : tensors) {
    std::string shape;
    for (const std::int64_t side : tensor.shape) shape += std::to_string(side) + ", ";
    const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }\n";
    std::string array = "\x93NUMPY\x01";
    array += '\0';
    array += static_cast<char>(header.size() & 0xff);
    array += static_cast<char>(header.size() >> 8);
    array += header;
    array.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    zip.add(name + ".npy", array);
  }
  return zip.finish();
}

std::string safetensors_of(const TensorMap& tensors) {
  TensorFile file;
  file.tensors = tensors;
  const std::vector<std::byte> bytes = serialize_safetensors(file).value();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TensorMap tensors_of(const BackboneKind& kind) {
  if (kind.word != "google-npz") return read_state_dict(kind.paths.front())->tensors;
  const auto mapped = MappedFile::open(kind.paths.front(), 1 << 20).value();
  return parse_npz(mapped->bytes(), mapped).value();
}

class Refusal : public testing::Test {
 protected:
  // Not synced: hundreds of files are written.
  std::filesystem::path write(const BackboneKind& kind, const TensorMap& tensors) {
    const std::string bytes = kind.word == "google-npz" ? npz_of(tensors) : safetensors_of(tensors);
    std::ofstream(folder_ / "weights", std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return folder_ / "weights";
  }
  test::TempDir folder_;
};

TEST_F(Refusal, NamesTheTensor) {
  std::size_t tried = 0;
  for (const BackboneKind& kind : test::backbone_kinds()) {
    if (kind.word != "timm" && kind.word != "google-npz") continue;
    const TensorMap whole = tensors_of(kind);
    ASSERT_TRUE(test::import_kind(kind, write(kind, whole))) << kind.name << " is whole";
    for (const auto& [name, tensor] : whole) {
      if (is_ignored(kind, name)) continue;
      for (const Fault& fault : kFaults) {
        if (!fault.applies(tensor) || may_be_absent(fault.name, name)) continue;
        TensorMap changed = whole;
        fault.apply(changed, name);
        const auto refused = test::import_kind(kind, write(kind, changed));
        ASSERT_FALSE(refused) << kind.name << ": " << name << " " << fault.name;
        EXPECT_THAT(refused.error().message, HasSubstr(name)) << kind.name << " " << fault.name;
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 400u);
}

// Hugging Face's, OpenAI's, DeepfakeBench's and GenD's: in a folder with config.json where they have one.
TEST_F(Refusal, OfClipsAndDinosKindsNamesTheTensor) {
  std::size_t tried = 0;
  for (const BackboneKind& kind : test::backbone_kinds()) {
    if (kind.word == "timm" || kind.word == "google-npz") continue;
    const bool is_folder = std::filesystem::is_directory(kind.paths.front());
    const auto file = is_folder ? kind.paths.front() / "model.safetensors" : kind.paths.front();
    if (is_folder)
      std::filesystem::copy_file(kind.paths.front() / "config.json", folder_ / "config.json",
                                 std::filesystem::copy_options::overwrite_existing);
    else
      std::filesystem::remove(folder_ / "config.json");
    const TensorMap whole = read_state_dict(file)->tensors;
    const auto import = [&](const TensorMap& tensors) {
      const auto written = write(kind, tensors);
      if (!is_folder) return test::import_kind(kind, written);
      std::filesystem::rename(written, folder_ / "model.safetensors");
      return test::import_kind(kind, folder_.path());
    };
    const auto good = import(whole);
    ASSERT_TRUE(good) << kind.name << ": " << good.error().message;
    for (const auto& [name, tensor] : whole) {
      if (is_ignored(kind, name)) continue;
      for (const Fault& fault : kFaults) {
        if (!fault.applies(tensor)) continue;
        TensorMap changed = whole;
        fault.apply(changed, name);
        const auto refused = import(changed);
        ASSERT_FALSE(refused) << kind.name << ": " << name << " " << fault.name;
        EXPECT_THAT(refused.error().message, HasSubstr(name)) << kind.name << " " << fault.name;
        ++tried;
      }
    }
  }
  EXPECT_GT(tried, 600u);
}

TEST_F(Refusal, OfAnotherHeadCount) {
  for (const BackboneKind& kind : test::backbone_kinds()) {
    const auto refused = test::import_kind(kind, kind.paths.front(), {"heads=5"});
    ASSERT_FALSE(refused) << kind.name;
    EXPECT_THAT(refused.error().message, HasSubstr("heads is 5")) << kind.name;
  }
}

// What the shapes of an archive say is not overridden.
TEST_F(Refusal, OfAHeadCountThatTheShapesContradict) {
  for (const BackboneKind& kind : test::backbone_kinds()) {
    if (kind.word != "google-npz") continue;
    const auto refused = test::import_kind(kind, kind.paths.front(), {"heads=8"});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("query/kernel is F32 32x4x8, expected F32, F16 or BF16 32x8x4"));
  }
}

TEST_F(Refusal, OfFieldsThatSuchFilesHaveNothingFor) {
  for (const BackboneKind& kind : test::backbone_kinds()) {
    if (kind.word != "google-npz") continue;
    EXPECT_THAT(test::import_kind(kind, kind.paths.front(), {"registers=2"}).error().message, HasSubstr("reg_token"));
    EXPECT_EQ(test::import_kind(kind, kind.paths.front(), {"lsa=true"}).error().code, ErrorCode::usage);
  }
}

// Files from before Hugging Face's: the same table as one with registers, and no registers.
TEST_F(Refusal, UnlessItIsSaidThatThereAreNoRegisters) {
  for (const BackboneKind& kind : test::backbone_kinds()) {
    if (kind.name != "timm_dinov2_reg_swiglu") continue;
    TensorMap tensors = read_state_dict(kind.paths.front())->tensors;
    tensors.erase("reg_token");
    const auto imported = test::import_kind(kind, write(kind, tensors), {"registers=0"});
    ASSERT_TRUE(imported) << imported.error().message;
    EXPECT_EQ(imported->model.config.registers, 0);
  }
}

}  // namespace
}  // namespace dfa
