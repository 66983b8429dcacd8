#include "exchange/names_timm.hpp"

#include "model/load_report.hpp"

namespace dfa {
namespace {

using Spelling = TimmForm::Spelling;
using PositionRows = TimmForm::PositionRows;

// "blocks.3.mlp.fc1.weight" -> "blocks.3.mlp.w12.weight"
std::string respelled(std::string name, std::string_view ours, std::string_view theirs) {
  const std::size_t at = name.find(ours);
  if (at != std::string::npos) name.replace(at, ours.size(), theirs);
  return name;
}

std::string authors_name(const std::string& name, const NetworkConfig& config) {
  if (name == "reg_token") return "register_tokens";
  if (!config.gated_mlp) return name;
  return respelled(respelled(name, ".mlp.fc1.", ".mlp.w12."), ".mlp.fc2.", ".mlp.w3.");
}

std::vector<SourcePart> position_parts(const NetworkConfig& config, const TimmForm& form) {
  const std::int64_t patches = std::int64_t{config.grid()} * config.grid();
  const std::int64_t others = config.position_rows() - patches;
  if (form.rows == PositionRows::every_token) return {{"pos_embed", {1, others + patches, config.dim}}};
  return {{"", {1, others, config.dim}}, {"pos_embed", {1, patches, config.dim}}};
}

}  // namespace

NameMap names_timm(const NetworkConfig& config, const TimmForm& form) {
  NameMap map;
  for (const ParameterSpec& spec : trunk_parameters(config)) {
    if (spec.name == "pos_embed") {
      map.push_back({spec.name, spec.shape, position_parts(config, form)});
      continue;
    }
    const std::string theirs = form.spelling == Spelling::authors ? authors_name(spec.name, config) : spec.name;
    map.push_back({spec.name, spec.shape, {{theirs, spec.shape}}});
  }
  return map;
}

TimmForm timm_form(const NetworkConfig& config) {
  return {.spelling = Spelling::timm, .rows = config.registers > 0 ? PositionRows::patches : PositionRows::every_token};
}

}  // namespace dfa
