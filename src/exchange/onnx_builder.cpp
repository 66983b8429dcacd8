#include "exchange/onnx_builder.hpp"

#include <fmt/format.h>

#include <cassert>

namespace dfa::onnx {

void Builder::initialize(const std::string& name, Tensor value) {
  if (initialized_.insert(name).second) graph_.initializers.push_back({name, std::move(value)});
}

std::string Builder::weight(const std::string& name) {
  const auto found = weights_.find(name);
  assert(found != weights_.end());
  initialize(name, found->second);
  return name;
}

std::string Builder::weight(const std::string& name, const std::vector<std::int64_t>& shape) {
  const std::string whole = weight(name);
  return reshape(whole, shape);
}

std::string Builder::integers(const std::vector<std::int64_t>& values) {
  std::string name = fmt::format("constant.{}", fmt::join(values, "_"));
  initialize(name, Tensor::from_i64({static_cast<std::int64_t>(values.size())}, values));
  return name;
}

std::string Builder::scalar(float value) {
  std::string name = fmt::format("constant.{:a}", value);
  initialize(name, Tensor::from_f32({}, std::span(&value, 1)));
  return name;
}

std::string Builder::table(const std::string& name, std::vector<std::int64_t> shape, std::span<const float> values) {
  if (!initialized_.contains(name)) initialize(name, Tensor::from_f32(std::move(shape), values));
  return name;
}

std::string Builder::output_name(const std::string& op) {
  const std::string stem = module_ + "/" + op;
  const int number = outputs_of_[stem]++;
  return number == 0 ? stem : fmt::format("{}_{}", stem, number);
}

std::string Builder::add(const std::string& op, std::vector<std::string> inputs, std::vector<Attribute> attributes) {
  std::string output = output_name(op);
  add_named(output, op, std::move(inputs), std::move(attributes));
  return output;
}

void Builder::add_named(const std::string& output, const std::string& op, std::vector<std::string> inputs,
                        std::vector<Attribute> attributes) {
  graph_.nodes.push_back({op, std::move(inputs), {output}, std::move(attributes)});
}

std::vector<std::string> Builder::split(const std::string& x, std::int64_t axis,
                                        const std::vector<std::int64_t>& sizes) {
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < sizes.size(); ++i) pieces.push_back(output_name("Split"));
  graph_.nodes.push_back({"Split", {x, integers(sizes)}, pieces, {{"axis", axis}}});
  return pieces;
}

std::string Builder::transpose(const std::string& x, std::vector<std::int64_t> order) {
  return add("Transpose", {x}, {{"perm", std::move(order)}});
}

std::string Builder::reshape(const std::string& x, const std::vector<std::int64_t>& shape) {
  return add("Reshape", {x, integers(shape)});
}

Graph Builder::finish(std::string name, std::vector<Value> inputs, std::vector<Value> outputs) && {
  graph_.name = std::move(name);
  graph_.inputs = std::move(inputs);
  graph_.outputs = std::move(outputs);
  return std::move(graph_);
}

}  // namespace dfa::onnx
