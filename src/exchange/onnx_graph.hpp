// An ONNX graph as a value: what src/exchange/onnx_network makes of a network and src/exchange/onnx_file writes.
// Private to the room.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tensorfile/tensor.hpp"

namespace dfa::onnx {

struct Attribute {
  std::string name;
  std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>> value;
};

struct Node {
  std::string op;
  std::vector<std::string> inputs;  // an empty name: that optional input is left out
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes = {};
};

// A weight under its name in the model file, or a constant. Types f32, f16 and bf16 are written as f32, i64 as i64.
struct Initializer {
  std::string name;
  Tensor value;
};

// An axis: its size, or a name where the size is open.
using Axis = std::variant<std::int64_t, std::string>;

// An input or output, f32.
struct Value {
  std::string name;
  std::vector<Axis> shape;
};

struct Graph {
  std::string name;
  std::vector<Node> nodes;  // each behind those whose outputs it reads
  std::vector<Initializer> initializers;
  std::vector<Value> inputs, outputs;
};

}  // namespace dfa::onnx
