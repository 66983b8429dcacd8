#include "tensorfile/state_dict.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/torch_script.hpp"

namespace dfa {
namespace {

// Best first: where a file has the last and the best weights, the best are wanted.
constexpr std::string_view kWrappers[] = {"best_state_dict", "state_dict", "model"};
constexpr int kMaxWrapperDepth = 3;
constexpr std::string_view kParallelPrefix = "module.";

// NumPy scalars are written as calls of these; a best-metric value beside the weights may be one.
bool is_numpy_scalar(const PickleTree& tree, const PickleValue& value) {
  if (value.kind != PickleKind::call) return false;
  const PickleValue& callable = tree.at(value.items[0]);
  return callable.kind == PickleKind::global && callable.name == "scalar" &&
         (callable.text == "numpy.core.multiarray" || callable.text == "numpy._core.multiarray");
}

std::string describe(const PickleTree& tree, const PickleValue& value) {
  switch (value.kind) {
    case PickleKind::none:
      return "None";
    case PickleKind::boolean:
      return value.integer != 0 ? "True" : "False";
    case PickleKind::integer:
      return std::to_string(value.integer);
    case PickleKind::real:
      return fmt::format("{}", value.real);
    case PickleKind::dict:
      return fmt::format("dict of {}", value.items.size() / 2);
    case PickleKind::list:
    case PickleKind::tuple:
    case PickleKind::set:
      return fmt::format("list of {}", value.items.size());
    case PickleKind::text:
    case PickleKind::bytes:
      return fmt::format("text of {} bytes", value.text.size());
    case PickleKind::call: {
      const PickleValue& callable = tree.at(value.items[0]);
      return callable.kind == PickleKind::global ? fmt::format("object of {}, not built", global_name(callable))
                                                 : "object, not built";
    }
    default:
      return "value that is not read";
  }
}

bool holds_tensors(const TorchFile& file, const PickleValue& dict) {
  if (dict.kind != PickleKind::dict) return false;
  for (std::size_t i = 1; i < dict.items.size(); i += 2)
    if (file.is_tensor(file.tree().at(dict.items[i]))) return true;
  return false;
}

// Text keys of ours are printed; a hostile file may hold anything there.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, 200));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7f) c = '?';
  return out;
}

std::string key_text(const PickleValue& key) {
  return key.kind == PickleKind::text ? printable(key.text) : "(key that is no text)";
}

struct Wrapped {
  const PickleValue* dict = nullptr;
  std::string path;
};

// Whether tensors lie in the dict or, `depth` wrappers down, below it. The depth also ends dicts that hold themselves.
bool leads_to_tensors(const TorchFile& file, const PickleValue& dict, int depth) {
  if (dict.kind != PickleKind::dict) return false;
  if (holds_tensors(file, dict)) return true;
  return depth > 0 && std::any_of(std::begin(kWrappers), std::end(kWrappers), [&](std::string_view wrapper) {
           const PickleValue* inner = file.tree().find(dict, wrapper);
           return inner != nullptr && leads_to_tensors(file, *inner, depth - 1);
         });
}

// The wrapped dict one level below and its key, or nullptr.
const PickleValue* unwrap(const TorchFile& file, const PickleValue& dict, std::string_view& name) {
  for (const std::string_view wrapper : kWrappers) {
    const PickleValue* inner = file.tree().find(dict, wrapper);
    if (inner == nullptr || !leads_to_tensors(file, *inner, kMaxWrapperDepth)) continue;
    name = wrapper;
    return inner;
  }
  return nullptr;
}

void list_ignored(const TorchFile& file, const PickleValue& dict, const PickleValue* wanted, const std::string& path,
                  std::vector<std::string>& ignored) {
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& value = file.tree().at(dict.items[i + 1]);
    if (&value == wanted) continue;
    const std::string what = file.is_tensor(value) ? "tensor" : describe(file.tree(), value);
    ignored.push_back(fmt::format("{}{}: {}", path, key_text(file.tree().at(dict.items[i])), what));
  }
}

Result<Wrapped> locate(const TorchFile& file, std::vector<std::string>& ignored) {
  const PickleValue& root = file.tree().root_value();
  if (root.kind == PickleKind::call) {
    return fail(ErrorCode::model_format,
                "got a pickled object ({}), expected a dict of tensors\n"
                "  likely cause: the whole model was saved (torch.save(model)), which only its own program can load\n"
                "  next step: in that program, torch.save(model.state_dict(), ...), or save as safetensors",
                describe(file.tree(), root));
  }
  if (root.kind != PickleKind::dict)
    return fail(ErrorCode::model_format, "got a {} at the top, expected a dict of tensors",
                describe(file.tree(), root));
  Wrapped found{.dict = &root, .path = {}};
  for (int depth = 0; depth < kMaxWrapperDepth; ++depth) {
    std::string_view name;
    const PickleValue* inner = unwrap(file, *found.dict, name);
    if (inner == nullptr) break;
    list_ignored(file, *found.dict, inner, found.path.empty() ? "" : found.path + ".", ignored);
    found.path += (found.path.empty() ? "" : ".") + std::string(name);
    found.dict = inner;
  }
  if (!holds_tensors(file, *found.dict)) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < root.items.size() && keys.size() < 8; i += 2)
      keys.push_back(key_text(file.tree().at(root.items[i])));
    const std::vector<std::string> foreign = file.foreign_globals();
    return fail(
        ErrorCode::model_format,
        "found no tensors: expected a dict of tensors, bare or below `model`, `state_dict` or `best_state_dict`\n"
        "  its keys: {}\n  objects it would build: {}",
        fmt::join(keys, ", "), foreign.empty() ? "none" : fmt::format("{}", fmt::join(foreign, ", ")));
  }
  return found;
}

std::string_view without_prefix(std::string_view name) {
  while (name.starts_with(kParallelPrefix)) name.remove_prefix(kParallelPrefix.size());
  return name;
}

Status add_tensor(StateDict& state, std::string_view name, Tensor tensor) {
  const std::string_view bare = without_prefix(name);
  if (bare.size() != name.size()) ++state.stripped_prefixes;
  if (!state.tensors.emplace(bare, std::move(tensor)).second)
    return fail(ErrorCode::model_format, "two tensors are named {} once `module.` is stripped", printable(bare));
  return {};
}

Result<StateDict> read_script(TorchFile& file) {
  StateDict state;
  state.container = "torchscript archive";
  DFA_ASSIGN_OR_RETURN(ScriptTensors script, find_script_tensors(file));
  state.ignored = std::move(script.ignored);
  for (std::string& name : file.foreign_globals())
    if (!is_script_class(name)) state.foreign_globals.push_back(std::move(name));
  for (const ScriptTensor& named : script.tensors) {
    auto tensor = file.tensor(*named.record);
    if (!tensor) return fail_within(named.name, std::move(tensor).error());
    DFA_TRY(add_tensor(state, named.name, std::move(*tensor)));
  }
  if (state.tensors.empty()) return fail(ErrorCode::model_format, "a TorchScript archive without tensors");
  return state;
}

}  // namespace

Result<StateDict> find_state_dict(TorchFile& file) {
  if (file.container() == TorchContainer::script) return read_script(file);
  StateDict state;
  state.container = file.container() == TorchContainer::zip ? "torch zip" : "torch legacy";
  state.foreign_globals = file.foreign_globals();
  DFA_ASSIGN_OR_RETURN(const Wrapped found, locate(file, state.ignored));
  state.wrapper = found.path;
  for (std::size_t i = 0; i + 1 < found.dict->items.size(); i += 2) {
    const PickleValue& key = file.tree().at(found.dict->items[i]);
    const PickleValue& value = file.tree().at(found.dict->items[i + 1]);
    const bool plain = value.kind != PickleKind::call && value.kind != PickleKind::persistent;
    if (plain || is_numpy_scalar(file.tree(), value)) {
      state.ignored.push_back(fmt::format("{}: {}", key_text(key), describe(file.tree(), value)));
      continue;
    }
    if (key.kind != PickleKind::text) return fail(ErrorCode::model_format, "a tensor whose name is no text");
    auto tensor = file.tensor(value);
    if (!tensor) return fail_within(printable(key.text), std::move(tensor).error());
    DFA_TRY(add_tensor(state, key.text, std::move(*tensor)));
  }
  return state;
}

Result<StateDict> parse_state_dict(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                   const TorchLimits& limits) {
  if (looks_like_safetensors(bytes)) {
    DFA_ASSIGN_OR_RETURN(TensorFile file, parse_safetensors(bytes, std::move(owner)));
    StateDict state;
    state.container = "safetensors";
    for (auto& [name, tensor] : file.tensors) DFA_TRY(add_tensor(state, name, std::move(tensor)));
    return state;
  }
  DFA_ASSIGN_OR_RETURN(TorchFile file, parse_torch_file(bytes, std::move(owner), limits));
  return find_state_dict(file);
}

Result<StateDict> read_state_dict(const std::filesystem::path& path, const TorchLimits& limits) {
  DFA_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(path, limits.max_file_bytes));
  auto state = parse_state_dict(mapped->bytes(), mapped, limits);
  if (!state) return fail_within(path.string(), std::move(state).error());
  return state;
}

}  // namespace dfa
