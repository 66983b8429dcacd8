#include "exchange/trunk.hpp"

#include <map>

#include "base/hash.hpp"
#include "exchange/trunk_config.hpp"
#include "tensorfile/state_dict.hpp"

namespace dfa {

namespace {

// A file that says what trunk it holds is held against the configuration first: tensors of equal shapes may be those of
// another activation, or another number of heads.
Status check_trunk(const NetworkConfig& config, const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const std::optional<NetworkConfig> trunk, trunk_of_file(path));
  const std::string differences = trunk ? trunk_differences(config, *trunk) : "";
  if (differences.empty()) return {};
  return fail(ErrorCode::model_incompatible,
              "{}: its trunk is not this network's:{}\n  likely cause: the configuration sets these fields\n  next "
              "step: leave them out, they are then taken from the file; another image size is chosen when a trunk is "
              "imported",
              path.string(), differences);
}

}  // namespace

Status put_pretrained_trunk(const NetworkConfig& config, const std::filesystem::path& path, TensorMap& weights) {
  DFA_TRY(check_trunk(config, path));
  DFA_ASSIGN_OR_RETURN(StateDict file, read_state_dict(path));
  std::string problems;
  for (const ParameterSpec& spec : network_parameters(config)) {
    if (spec.group != ParameterGroup::trunk) continue;
    const auto found = file.tensors.find(spec.name);
    if (found == file.tensors.end()) {
      problems += "\n  missing: " + spec.name;
      continue;
    }
    if (found->second.shape != spec.shape)
      problems += fmt::format("\n  {}: got {}, expected {}", spec.name, shape_text(found->second.shape),
                              shape_text(spec.shape));
    else
      weights[spec.name] = found->second;
    file.tensors.erase(found);
  }
  for (const auto& [name, tensor] : file.tensors)
    if (!name.starts_with("head.") && !name.starts_with("pre_logits.") && !name.starts_with("golden."))
      problems += "\n  unexpected: " + name;
  if (!problems.empty())
    return fail(ErrorCode::model_tensors,
                "{}: its tensors are not those of this network's trunk:{}\n  likely cause: a trunk of another size, or "
                "no timm ViT",
                path.string(), problems);
  return {};
}

std::string trunk_sha256(const NetworkConfig& network, const TensorMap& weights) {
  std::map<std::string, std::vector<std::int64_t>> trunk;
  for (const ParameterSpec& spec : network_parameters(network))
    if (spec.group == ParameterGroup::trunk) trunk[spec.name] = spec.shape;
  Sha256 hash;
  for (const auto& [name, shape] : trunk) {
    const std::string head = name + "\n" + shape_text(shape) + "\n";
    hash.update(std::as_bytes(std::span(head)));
    hash.update(convert_floats(weights.at(name), Dtype::f32).bytes);
  }
  return hash.finish();
}

}  // namespace dfa
