// The structure of ONNX files. Whether other programs compute the right numbers from them is for
// tests/golden/exchange/check_onnx.py, which needs those programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <span>

#include "base/file.hpp"
#include "exchange/onnx_file.hpp"
#include "exchange/onnx_network.hpp"
#include "nn/network.hpp"
#include "support/temp_dir.hpp"
#include "unit/exchange/protobuf_fields.hpp"

namespace dfa::onnx {
namespace {

using test::Message;
using testing::ElementsAre;
using testing::IsEmpty;

NetworkConfig plain() {
  NetworkConfig config;
  config.image = 32;
  config.dim = 24;
  config.depth = 3;
  config.heads = 2;
  config.mlp = 20;
  config.bottleneck = 4;
  config.lsa_heads = 3;
  config.spm_width = 2;
  config.stages = {{0, 0}, {1, 2}};
  return config;
}

struct Kind {
  std::string name;
  NetworkConfig config;
  Head head = Head::present;
};

void PrintTo(const Kind& kind, std::ostream* out) {
  *out << kind.name;
}

// Every field of the configuration that changes the graph, alone and together.
std::vector<Kind> kinds() {
  std::vector<Kind> list;
  const auto add = [&](const char* name, const auto& change) {
    list.push_back({name, plain()});
    change(list.back().config);
  };
  add("published", [](NetworkConfig&) {});
  add("adapters_none", [](NetworkConfig& c) { c.gba = c.lsa = false, c.readout = Readout::cls; });
  add("lsa_cls", [](NetworkConfig& c) { c.readout = Readout::cls; });
  add("level_mean", [](NetworkConfig& c) { c.readout = Readout::level_mean; });
  add("query", [](NetworkConfig& c) { c.readout = Readout::query, c.readout_norm = ReadoutNorm::own; });
  add("query_trunk", [](NetworkConfig& c) { c.lsa = false, c.readout = Readout::query, c.head = HeadKind::linear; });
  add("deit", [](NetworkConfig& c) { c.distilled = true; });
  add("clip", [](NetworkConfig& c) {
    c.pre_norm = true, c.patch_bias = false, c.activation = Activation::quick_gelu, c.head = HeadKind::l2_linear;
  });
  add("dinov2", [](NetworkConfig& c) {
    c.image = 28, c.patch = 14, c.layer_scale = true, c.registers = 4, c.spatial_source = SpatialSource::patch;
  });
  add("dinov3", [](NetworkConfig& c) {
    c.positions = Positions::rotary, c.registers = 4, c.layer_scale = true, c.gated_mlp = true;
    c.activation = Activation::silu;
  });
  list.push_back({"backbone", list[1].config, Head::absent});
  return list;
}

// What no output of these networks needs, by the end of its name.
bool may_be_missing(const Kind& kind, const std::string& name) {
  if (name.ends_with("num_batches_tracked")) return true;
  if (kind.head == Head::absent) return name.starts_with("head.");
  if (kind.config.readout_norm == ReadoutNorm::own) return name.starts_with("norm.");
  return kind.name == "lsa_cls" && name.starts_with("interactions.1.extractor.");
}

class OnnxFile : public testing::TestWithParam<Kind> {
 protected:
  OnnxFile() : weights_(hash_weights(GetParam().config)) {}

  // Writes the graph and gives what lies in the file.
  Message write(const FileOptions& options) {
    const Graph graph = network_graph(GetParam().config, weights_, GetParam().head);
    const auto written = write_graph(graph, options, folder_ / "m.onnx");
    EXPECT_TRUE(written);
    paths_ = *written;
    bytes_ = *read_text_file(folder_ / "m.onnx", 1 << 28);
    return Message(bytes_);
  }

  test::TempDir folder_;
  TensorMap weights_;
  std::vector<std::filesystem::path> paths_;
  std::string bytes_;
};

std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// "images N 3 32 32"
std::vector<std::string> values_of(const Message& graph, std::uint64_t field) {
  std::vector<std::string> values;
  for (const Message& value : graph.messages(field)) {
    const Message tensor = value.messages(2).at(0).messages(1).at(0);
    EXPECT_EQ(tensor.integer(1), 1) << "not f32";
    std::string text = value.text(1);
    for (const Message& axis : tensor.messages(2).at(0).messages(1))
      text += " " + (axis.texts(2).empty() ? std::to_string(axis.integer(1)) : axis.text(2));
    values.push_back(text);
  }
  return values;
}

TEST_P(OnnxFile, SaysWhatItIs) {
  const Message model = write({.opset = kOpset, .metadata = {{"dfa.name", "n"}, {"dfa.opset", "17"}}});
  EXPECT_EQ(model.integer(1), 8);
  ASSERT_EQ(model.messages(8).size(), 1U);
  EXPECT_EQ(model.messages(8)[0].integer(2), 17);
  std::map<std::string, std::string> metadata;
  for (const Message& entry : model.messages(14)) metadata[entry.text(1)] = entry.text(2);
  EXPECT_EQ(metadata, (std::map<std::string, std::string>{{"dfa.name", "n"}, {"dfa.opset", "17"}}));
  const Message graph = model.messages(7).at(0);
  const std::string side = std::to_string(GetParam().config.image);
  EXPECT_THAT(values_of(graph, 11), ElementsAre("images N 3 " + side + " " + side));
  if (GetParam().head == Head::present)
    EXPECT_THAT(values_of(graph, 12), ElementsAre("logits N 2", "probs N 2", "feature N 24"));
  else
    EXPECT_THAT(values_of(graph, 12), ElementsAre("feature N 24"));
}

TEST_P(OnnxFile, HoldsTheWeightsUnderTheirNames) {
  const Message model = write({.opset = kOpset});
  std::set<std::string> held;
  for (const Message& tensor : model.messages(7).at(0).messages(5)) {
    const std::string name = tensor.text(8);
    EXPECT_TRUE(held.insert(name).second) << name << " twice";
    const auto weight = weights_.find(name);
    if (weight == weights_.end()) {
      EXPECT_TRUE(name.starts_with("constant.") || name.starts_with("rotary.")) << name;
      continue;
    }
    EXPECT_EQ(tensor.integers(1), weight->second.shape) << name;
    EXPECT_EQ(tensor.integer(2), 1) << name;
    EXPECT_TRUE(tensor.text(9) == as_text(weight->second.bytes)) << name;
  }
  for (const auto& [name, weight] : weights_) EXPECT_NE(held.contains(name), may_be_missing(GetParam(), name)) << name;
}

TEST_P(OnnxFile, EveryNodeReadsWhatIsThereAndEverythingIsRead) {
  const Message model = write({.opset = kOpset});
  const Message graph = model.messages(7).at(0);
  std::set<std::string> known = {"images", ""}, unread;
  for (const Message& tensor : graph.messages(5)) unread.insert(tensor.text(8));
  known.insert(unread.begin(), unread.end());
  for (const Message& node : graph.messages(1)) {
    for (const std::string& input : node.texts(1)) {
      EXPECT_TRUE(known.contains(input)) << node.text(3) << " reads " << input << " before it is there";
      unread.erase(input);
    }
    for (const std::string& output : node.texts(2)) {
      EXPECT_TRUE(known.insert(output).second) << output << " twice";
      unread.insert(output);
    }
  }
  for (const Message& output : graph.messages(12)) EXPECT_TRUE(known.contains(output.text(1))) << output.text(1);
  for (const char* output : {"logits", "probs", "feature"}) unread.erase(output);
  EXPECT_THAT(unread, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, OnnxFile, testing::ValuesIn(kinds()), [](const auto& kind) { return kind.param.name; });

using OnnxPlaces = OnnxFile;

TEST_P(OnnxPlaces, WeightsBeyondTheLimitLieInAFileBeside) {
  weights_["norm.bias"] = convert_floats(weights_.at("norm.bias"), Dtype::f16);
  const Message model = write({.opset = kOpset, .metadata = {}, .most_inline_bytes = 0});
  EXPECT_THAT(paths_, ElementsAre(folder_ / "m.onnx", folder_ / "m.onnx.data"));
  const std::string data = read_text_file(folder_ / "m.onnx.data", 1 << 28).value();
  std::size_t external = 0;
  for (const Message& tensor : model.messages(7).at(0).messages(5)) {
    if (tensor.integer(2) != 1) {
      EXPECT_EQ(tensor.texts(9).size(), 1U) << "integers stay where the graph is";
      continue;
    }
    ++external;
    EXPECT_THAT(tensor.texts(9), IsEmpty());
    EXPECT_EQ(tensor.integer(14), 1);
    std::map<std::string, std::string> place;
    for (const Message& entry : tensor.messages(13)) place[entry.text(1)] = entry.text(2);
    EXPECT_EQ(place.at("location"), "m.onnx.data");
    const std::size_t offset = std::stoul(place.at("offset")), length = std::stoul(place.at("length"));
    EXPECT_EQ(offset % 4096, 0U);
    const auto weight = weights_.find(tensor.text(8));
    if (weight == weights_.end()) continue;
    EXPECT_TRUE(data.substr(offset, length) == as_text(convert_floats(weight->second, Dtype::f32).bytes))
        << weight->first;
  }
  EXPECT_GT(external, 10U);
}

INSTANTIATE_TEST_SUITE_P(One, OnnxPlaces, testing::Values(kinds().front()));

}  // namespace
}  // namespace dfa::onnx
