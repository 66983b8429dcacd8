#include "tensorfile/torch_script.hpp"

#include <algorithm>

namespace dfa {
namespace {

// Classes of the archive's own code live below this Python module.
constexpr std::string_view kOwnModule = "__torch__";
// Far beyond any network: modules are nested about ten deep, and the largest have some thousands.
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxObjects = 100'000;
// Of all modules together: a shared module of many attributes, met many times, would multiply.
constexpr std::size_t kMaxAttributes = 200'000;
constexpr std::size_t kMaxNameBytes = 512;

bool is_attribute_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(name, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

bool is_plain(const PickleValue& value) {
  switch (value.kind) {
    case PickleKind::none:
    case PickleKind::boolean:
    case PickleKind::integer:
    case PickleKind::big_integer:
    case PickleKind::real:
    case PickleKind::text:
    case PickleKind::bytes:
      return true;
    default:
      return false;
  }
}

class Walk {
 public:
  explicit Walk(const TorchFile& file) : file_(file), tree_(file.tree()) {}

  // Errors: as find_script_tensors.
  Status visit(const PickleValue& object, const std::string& path, int depth) {
    if (depth > kMaxDepth)
      return fail(ErrorCode::limit_exceeded, "modules more than {} deep; an honest archive has about ten", kMaxDepth);
    if (++objects_ > kMaxObjects)
      return fail(ErrorCode::limit_exceeded, "more than {} modules, shared ones counted each time", kMaxObjects);
    // Callable, arguments, attributes.
    if (object.items.size() != 3 || tree_.at(object.items[2]).kind != PickleKind::dict)
      return fail(ErrorCode::model_format, "module {} has no attributes", path.empty() ? "at the root" : path);
    const std::vector<ValueId>& attributes = tree_.at(object.items[2]).items;
    attributes_ += attributes.size() / 2;
    if (attributes_ > kMaxAttributes)
      return fail(ErrorCode::limit_exceeded, "more than {} attributes of modules, shared ones counted each time",
                  kMaxAttributes);
    for (std::size_t i = 0; i + 1 < attributes.size(); i += 2)
      DFA_TRY(take(tree_.at(attributes[i]), tree_.at(attributes[i + 1]), path, depth));
    return {};
  }

  ScriptTensors found;

 private:
  Status take(const PickleValue& key, const PickleValue& value, const std::string& path, int depth) {
    if (key.kind != PickleKind::text || !is_attribute_name(key.text))
      return fail(ErrorCode::model_format, "module {} has an attribute whose name is no name", path);
    std::string name = path.empty() ? std::string(key.text) : fmt::format("{}.{}", path, key.text);
    if (name.size() > kMaxNameBytes)
      return fail(ErrorCode::limit_exceeded, "a name of more than {} bytes", kMaxNameBytes);
    if (is_script_object(tree_, value)) return visit(value, name, depth + 1);
    // Anything else that would have to be called is taken for a tensor: reading it says what it needs.
    if (value.kind == PickleKind::call && (file_.is_tensor(value) || !is_list_builder(value))) {
      found.tensors.push_back({std::move(name), &value});
    } else if (!is_plain(value)) {
      found.ignored.push_back(fmt::format("{}: a list or dict, not read", name));
    }
    return {};
  }

  // torch.jit._pickle.build_intlist and its like.
  bool is_list_builder(const PickleValue& value) const {
    const PickleValue& callable = tree_.at(value.items[0]);
    return callable.kind == PickleKind::global && callable.text == "torch.jit._pickle";
  }

  const TorchFile& file_;
  const PickleTree& tree_;
  std::size_t objects_ = 0;
  std::size_t attributes_ = 0;
};

}  // namespace

bool is_script_class(std::string_view name) {
  return name.starts_with(kOwnModule) && (name.size() == kOwnModule.size() || name[kOwnModule.size()] == '.');
}

bool is_script_object(const PickleTree& tree, const PickleValue& value) {
  if (value.kind != PickleKind::call) return false;
  const PickleValue& callable = tree.at(value.items[0]);
  return callable.kind == PickleKind::global && is_script_class(callable.text);
}

Result<ScriptTensors> find_script_tensors(const TorchFile& file) {
  const PickleValue& root = file.tree().root_value();
  if (!is_script_object(file.tree(), root))
    return fail(ErrorCode::model_format, "a TorchScript archive whose root is no module");
  Walk walk(file);
  DFA_TRY(walk.visit(root, {}, 0));
  return std::move(walk.found);
}

}  // namespace dfa
