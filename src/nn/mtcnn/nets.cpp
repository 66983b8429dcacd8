#include "nn/mtcnn/nets.hpp"

#include <string>

#include "nn/mtcnn/weights_blob.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa::mtcnn {
namespace {

Result<std::vector<float>> values(const TensorMap& tensors, const std::string& name,
                                  const std::vector<std::int64_t>& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return fail(ErrorCode::model_tensors, "MTCNN weights: tensor {} is missing", name);
  if (found->second.shape != shape)
    return fail(ErrorCode::model_tensors, "MTCNN weights: {} is {}, expected {}", name, shape_text(found->second.shape),
                shape_text(shape));
  return found->second.to_f32();
}

int panels_of(int channels) {
  return (channels + kPanel - 1) / kPanel;
}

ConvLayer empty_layer(int kernel, int in_channels, int in_stride, int out_channels) {
  ConvLayer layer{kernel, in_channels, in_stride, panels_of(out_channels), {}, {}, {}};
  const std::size_t outputs = static_cast<std::size_t>(layer.out_stride());
  layer.weights.assign(outputs * static_cast<std::size_t>(kernel * kernel * in_channels), 0.0f);
  layer.bias.assign(outputs, 0.0f);
  layer.slope.assign(outputs, 1.0f);
  return layer;
}

// Place of the weight from input `tap` (ky, kx, c in this order) to output o.
std::size_t packed_index(const ConvLayer& layer, int o, int tap) {
  const int taps = layer.kernel * layer.kernel * layer.in_channels;
  return static_cast<std::size_t>((o / kPanel * taps + tap) * kPanel + o % kPanel);
}

Status add_prelu(const TensorMap& tensors, const std::string& name, int channels, ConvLayer& layer) {
  DFA_ASSIGN_OR_RETURN(const std::vector<float> slope, values(tensors, name + ".weight", {channels}));
  std::copy(slope.begin(), slope.end(), layer.slope.begin());
  return {};
}

// conv: (O, I, k, k).
Status add_conv(const TensorMap& tensors, const std::string& name, int outputs, int first_output, ConvLayer& layer) {
  const int k = layer.kernel, inputs = layer.in_channels;
  DFA_ASSIGN_OR_RETURN(const std::vector<float> weight, values(tensors, name + ".weight", {outputs, inputs, k, k}));
  DFA_ASSIGN_OR_RETURN(const std::vector<float> bias, values(tensors, name + ".bias", {outputs}));
  for (int o = 0; o < outputs; ++o) {
    for (int c = 0; c < inputs; ++c)
      for (int at = 0; at < k * k; ++at)
        layer.weights[packed_index(layer, first_output + o, at * inputs + c)] =
            weight[static_cast<std::size_t>((o * inputs + c) * k * k + at)];
    layer.bias[static_cast<std::size_t>(first_output + o)] = bias[static_cast<std::size_t>(o)];
  }
  return {};
}

// Map of side x side x channels that a dense layer reads. The weights count it column first, (x side + y) channels + c;
// our maps lie row first, with padded channels.
struct FlatMap {
  int side = 1;
  int channels = 0;
};

// dense: (O, side * side * channels).
Status add_dense(const TensorMap& tensors, const std::string& name, FlatMap map, int outputs, int first_output,
                 ConvLayer& layer) {
  const int inputs = map.side * map.side * map.channels;
  DFA_ASSIGN_OR_RETURN(const std::vector<float> weight, values(tensors, name + ".weight", {outputs, inputs}));
  DFA_ASSIGN_OR_RETURN(const std::vector<float> bias, values(tensors, name + ".bias", {outputs}));
  for (int o = 0; o < outputs; ++o) {
    for (int x = 0; x < map.side; ++x)
      for (int y = 0; y < map.side; ++y)
        for (int c = 0; c < map.channels; ++c)
          layer.weights[packed_index(layer, first_output + o, (y * map.side + x) * map.channels + c)] =
              weight[static_cast<std::size_t>(o * inputs + (x * map.side + y) * map.channels + c)];
    layer.bias[static_cast<std::size_t>(first_output + o)] = bias[static_cast<std::size_t>(o)];
  }
  return {};
}

struct TrunkShape {
  int kernel, outputs;
  PoolShape pool;
};
constexpr TrunkShape kTrunkP[] = {{3, 10, {2, 2}}, {3, 16, {}}, {3, 32, {}}};
constexpr TrunkShape kTrunkR[] = {{3, 28, {3, 2}}, {3, 48, {3, 2}}, {2, 64, {}}};
constexpr TrunkShape kTrunkO[] = {{3, 32, {3, 2}}, {3, 64, {3, 2}}, {3, 64, {2, 2}}, {2, 128, {}}};
constexpr int kColours = 3;

// Layers conv1 prelu1 conv2 prelu2 ...
Status add_trunk(const TensorMap& tensors, const std::string& net, std::span<const TrunkShape> shapes, Net& built) {
  int channels = kColours, stride = kColours;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const TrunkShape& shape = shapes[i];
    ConvLayer layer = empty_layer(shape.kernel, channels, stride, shape.outputs);
    const std::string number = std::to_string(i + 1);
    DFA_TRY(add_conv(tensors, net + ".conv" + number, shape.outputs, 0, layer));
    DFA_TRY(add_prelu(tensors, net + ".prelu" + number, shape.outputs, layer));
    channels = shape.outputs;
    stride = layer.out_stride();
    built.trunk.push_back({std::move(layer), shape.pool});
  }
  return {};
}

struct Head {
  const char* name;
  int outputs;
};

Status add_dense_layers(const TensorMap& tensors, const std::string& net, int number, FlatMap map, int hidden,
                        std::span<const Head> heads, Net& built) {
  ConvLayer layer = empty_layer(1, map.side * map.side * map.channels, map.side * map.side * map.channels, hidden);
  DFA_TRY(add_dense(tensors, fmt::format("{}.dense{}", net, number), map, hidden, 0, layer));
  DFA_TRY(add_prelu(tensors, fmt::format("{}.prelu{}", net, number), hidden, layer));
  built.dense.push_back(std::move(layer));
  ConvLayer last = empty_layer(1, hidden, hidden, kPanel);
  int first = 0;
  for (const Head& head : heads) {
    DFA_TRY(add_dense(tensors, net + "." + head.name, {1, hidden}, head.outputs, first, last));
    first += head.outputs;
  }
  built.dense.push_back(std::move(last));
  return {};
}

}  // namespace

Result<Nets> build_nets(const TensorMap& tensors) {
  Nets nets;
  DFA_TRY(add_trunk(tensors, "pnet", kTrunkP, nets.p));
  ConvLayer heads = empty_layer(1, 32, 32, kPanel);
  DFA_TRY(add_conv(tensors, "pnet.conv4_1", 2, 0, heads));
  DFA_TRY(add_conv(tensors, "pnet.conv4_2", 4, 2, heads));
  nets.p.trunk.push_back({std::move(heads), {}});

  nets.r.input_px = 24;
  DFA_TRY(add_trunk(tensors, "rnet", kTrunkR, nets.r));
  const Head r_heads[] = {{"dense5_1", 2}, {"dense5_2", 4}};
  DFA_TRY(add_dense_layers(tensors, "rnet", 4, {3, 64}, 128, r_heads, nets.r));

  nets.o.input_px = 48;
  DFA_TRY(add_trunk(tensors, "onet", kTrunkO, nets.o));
  const Head o_heads[] = {{"dense6_1", 2}, {"dense6_2", 4}, {"dense6_3", 10}};
  DFA_TRY(add_dense_layers(tensors, "onet", 5, {3, 128}, 256, o_heads, nets.o));
  return nets;
}

Result<std::shared_ptr<const Nets>> embedded_nets() {
  static const Result<std::shared_ptr<const Nets>> shared = []() -> Result<std::shared_ptr<const Nets>> {
    DFA_ASSIGN_OR_RETURN(const TensorFile file, parse_safetensors(mtcnn_weights_blob(), nullptr));
    DFA_ASSIGN_OR_RETURN(Nets nets, build_nets(file.tensors));
    return std::make_shared<const Nets>(std::move(nets));
  }();
  return shared;
}

}  // namespace dfa::mtcnn
