#include "exchange/onnx_file.hpp"

#include "base/file.hpp"
#include "base/protobuf.hpp"

namespace dfa::onnx {
namespace {

using namespace protobuf;

constexpr std::int64_t kIrVersion = 8;
constexpr std::int64_t kFloat = 1, kInt64 = 7;  // TensorProto.DataType
constexpr std::int64_t kExternal = 1;           // TensorProto.DataLocation
constexpr std::uint64_t kDataAlignment = 4096;  // pages, for readers that map the file
constexpr std::uint32_t kModelGraph = 7, kGraphInitializer = 5, kTensorRawData = 9;  // field numbers

template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string attribute_message(const Attribute& attribute) {
  // AttributeProto: 1 name, 2 f, 3 i, 4 s, 8 ints, 20 type
  std::string message;
  put_bytes(message, 1, attribute.name);
  const auto finish = [&](std::int64_t type) { put_integer(message, 20, type); };
  std::visit(Overloaded{[&](float value) {
                          put_float(message, 2, value);
                          finish(1);
                        },
                        [&](std::int64_t value) {
                          put_integer(message, 3, value);
                          finish(2);
                        },
                        [&](const std::string& value) {
                          put_bytes(message, 4, value);
                          finish(3);
                        },
                        [&](const std::vector<std::int64_t>& values) {
                          for (const std::int64_t value : values) put_integer(message, 8, value);
                          finish(7);
                        }},
             attribute.value);
  return message;
}

std::string node_message(const Node& node) {
  // NodeProto: 1 input, 2 output, 3 name, 4 op_type, 5 attribute
  std::string message;
  for (const std::string& input : node.inputs) put_bytes(message, 1, input);
  for (const std::string& output : node.outputs) put_bytes(message, 2, output);
  put_bytes(message, 3, node.outputs.front());
  put_bytes(message, 4, node.op);
  for (const Attribute& attribute : node.attributes) put_bytes(message, 5, attribute_message(attribute));
  return message;
}

std::string value_message(const Value& value) {
  // ValueInfoProto: 1 name, 2 type {1 tensor {1 element, 2 shape {1 axis {1 size, 2 name}}}}
  std::string shape, tensor, type, message;
  for (const Axis& axis : value.shape) {
    std::string dimension;
    std::visit(Overloaded{[&](std::int64_t size) { put_integer(dimension, 1, size); },
                          [&](const std::string& name) { put_bytes(dimension, 2, name); }},
               axis);
    put_bytes(shape, 1, dimension);
  }
  put_integer(tensor, 1, kFloat);
  put_bytes(tensor, 2, shape);
  put_bytes(type, 1, tensor);
  put_bytes(message, 1, value.name);
  put_bytes(message, 2, type);
  return message;
}

std::string pair_message(const std::string& key, const std::string& value) {
  std::string message;
  put_bytes(message, 1, key);
  put_bytes(message, 2, value);
  return message;
}

bool is_float(const Tensor& tensor) {
  return tensor.dtype != Dtype::i64;
}

std::uint64_t written_bytes(const Tensor& tensor) {
  return static_cast<std::uint64_t>(tensor.element_count()) * dtype_size(is_float(tensor) ? Dtype::f32 : Dtype::i64);
}

// f32 or i64; a view where the tensor is that already.
Tensor written_form(const Tensor& tensor) {
  return is_float(tensor) && tensor.dtype != Dtype::f32 ? convert_floats(tensor, Dtype::f32) : tensor;
}

// Where the weights go: into the messages, or (all floats) into a file beside.
class WeightPlaces {
 public:
  WeightPlaces(const Graph& graph, const FileOptions& options, const std::filesystem::path& path)
      : data_name_(path.filename().string() + ".data") {
    std::uint64_t bytes = 0;
    for (const Initializer& tensor : graph.initializers) bytes += written_bytes(tensor.value);
    external_ = bytes > options.most_inline_bytes;
  }

  bool any_external() const { return external_; }
  bool is_external(const Tensor& tensor) const { return external_ && is_float(tensor); }
  const std::string& data_name() const { return data_name_; }

  // All of a TensorProto but its raw data; places of external tensors follow each other in the order of the calls.
  std::string header(const Initializer& tensor) {
    // TensorProto: 1 dims, 2 data_type, 8 name, 9 raw_data, 13 external_data, 14 data_location
    std::string message;
    for (const std::int64_t size : tensor.value.shape) put_integer(message, 1, size);
    put_integer(message, 2, is_float(tensor.value) ? kFloat : kInt64);
    put_bytes(message, 8, tensor.name);
    const std::uint64_t bytes = written_bytes(tensor.value);
    if (!is_external(tensor.value)) {
      put_length(message, kTensorRawData, bytes);
      return message;
    }
    put_bytes(message, 13, pair_message("location", data_name_));
    put_bytes(message, 13, pair_message("offset", std::to_string(offset_)));
    put_bytes(message, 13, pair_message("length", std::to_string(bytes)));
    put_integer(message, 14, kExternal);
    offset_ += (bytes + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
    return message;
  }

 private:
  bool external_ = false;
  std::uint64_t offset_ = 0;
  std::string data_name_;
};

Status write_data(const Graph& graph, const WeightPlaces& places, const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  for (const Initializer& tensor : graph.initializers) {
    if (!places.is_external(tensor.value)) continue;
    DFA_TRY(file.write(written_form(tensor.value).bytes));
    const std::string padding((kDataAlignment - written_bytes(tensor.value) % kDataAlignment) % kDataAlignment, '\0');
    DFA_TRY(file.write(padding));
  }
  return file.commit();
}

struct TensorParts {
  std::string header;       // tag and length of the message, and all of it but the values
  std::uint64_t bytes = 0;  // values that follow
};

std::vector<TensorParts> tensor_parts(const Graph& graph, WeightPlaces& places) {
  std::vector<TensorParts> parts;
  for (const Initializer& tensor : graph.initializers) {
    const std::string message = places.header(tensor);
    TensorParts part;
    part.bytes = places.is_external(tensor.value) ? 0 : written_bytes(tensor.value);
    put_length(part.header, kGraphInitializer, message.size() + part.bytes);
    part.header += message;
    parts.push_back(std::move(part));
  }
  return parts;
}

// GraphProto but for its initializers: 1 node, 2 name, 11 input, 12 output
std::string graph_message(const Graph& graph) {
  std::string message;
  for (const Node& node : graph.nodes) put_bytes(message, 1, node_message(node));
  put_bytes(message, 2, graph.name);
  for (const Value& value : graph.inputs) put_bytes(message, 11, value_message(value));
  for (const Value& value : graph.outputs) put_bytes(message, 12, value_message(value));
  return message;
}

// ModelProto but for its graph: 1 ir_version, 2 producer_name, 8 opset_import {2 version}, 14 metadata_props
std::string model_message(const FileOptions& options) {
  std::string opset, message;
  put_integer(opset, 2, options.opset);
  put_integer(message, 1, kIrVersion);
  put_bytes(message, 2, "dfa");
  put_bytes(message, 8, opset);
  for (const auto& [key, value] : options.metadata) put_bytes(message, 14, pair_message(key, value));
  return message;
}

}  // namespace

Result<std::vector<std::filesystem::path>> write_graph(const Graph& graph, const FileOptions& options,
                                                       const std::filesystem::path& path) {
  WeightPlaces places(graph, options, path);
  std::vector<std::filesystem::path> written = {path};
  if (places.any_external()) {
    written.push_back(path.parent_path() / places.data_name());
    DFA_TRY(write_data(graph, places, written.back()));
  }
  const std::vector<TensorParts> tensors = tensor_parts(graph, places);
  const std::string nodes = graph_message(graph);
  std::uint64_t graph_bytes = nodes.size();
  for (const TensorParts& part : tensors) graph_bytes += part.header.size() + part.bytes;

  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  std::string head = model_message(options);
  put_length(head, kModelGraph, graph_bytes);
  DFA_TRY(file.write(head));
  DFA_TRY(file.write(nodes));
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    DFA_TRY(file.write(tensors[i].header));
    if (tensors[i].bytes > 0) DFA_TRY(file.write(written_form(graph.initializers[i].value).bytes));
  }
  DFA_TRY(file.commit());
  return written;
}

}  // namespace dfa::onnx
