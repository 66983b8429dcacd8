// The tensors of a TorchScript archive (torch.jit.save), read as data. Its data.pkl is a tree of module objects whose
// attributes bear the names that a state dict would give them; the code beside it is never looked at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tensorfile/torch_file.hpp"

namespace dfa {

struct ScriptTensor {
  std::string name;  // attributes from the root on, joined by dots: "visual.conv1.weight"
  const PickleValue* record = nullptr;
};

struct ScriptTensors {
  std::vector<ScriptTensor> tensors;
  std::vector<std::string> ignored;  // attributes that are neither tensor, module, number nor text, in words
};

// Whether a Python name is that of a class which the archive's own code defines: "__torch__.net.Net".
bool is_script_class(std::string_view name);
// Whether the value is an object of such a class.
bool is_script_object(const PickleTree& tree, const PickleValue& value);

// Errors: model_format (the root is no module, an object without attributes, a name that cannot be), limit_exceeded
// (objects that hold themselves, or more objects than any network has).
Result<ScriptTensors> find_script_tensors(const TorchFile& file);

}  // namespace dfa
