// Builds an ONNX graph node by node. Values are named after the module that they come from ("blocks.0.attn/MatMul_2"),
// weights as in the model file, so that a viewer shows the network in its own words. Private to the room.
#pragma once

#include <map>
#include <set>
#include <span>

#include "exchange/onnx_graph.hpp"

namespace dfa::onnx {

class Builder {
 public:
  // `weights` outlives the builder and holds every name that is asked for.
  explicit Builder(const TensorMap& weights) : weights_(weights) {}

  // What follows belongs to this module.
  void enter(std::string module) { module_ = std::move(module); }

  // The weight of that name, which becomes an initializer when it is first asked for.
  std::string weight(const std::string& name);
  // The same tensor seen in another shape of as many elements.
  std::string weight(const std::string& name, const std::vector<std::int64_t>& shape);
  // Constants: equal ones exist once.
  std::string integers(const std::vector<std::int64_t>& values);
  std::string scalar(float value);
  std::string table(const std::string& name, std::vector<std::int64_t> shape, std::span<const float> values);

  // Adds a node and gives the name of its output.
  std::string add(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes = {});
  // The same under a name of the caller's.
  void add_named(const std::string& output, const std::string& op, std::vector<std::string> inputs,
                 std::vector<Attribute> attributes = {});
  // x cut along `axis` into pieces of the given sizes.
  std::vector<std::string> split(const std::string& x, std::int64_t axis, const std::vector<std::int64_t>& sizes);
  std::string transpose(const std::string& x, std::vector<std::int64_t> order);
  // 0 keeps an axis as it is.
  std::string reshape(const std::string& x, const std::vector<std::int64_t>& shape);

  Graph finish(std::string name, std::vector<Value> inputs, std::vector<Value> outputs) &&;

 private:
  std::string output_name(const std::string& op);
  void initialize(const std::string& name, Tensor value);

  const TensorMap& weights_;
  std::string module_;
  std::map<std::string, int> outputs_of_;  // by module and operator
  std::set<std::string> initialized_;
  Graph graph_;
};

}  // namespace dfa::onnx
