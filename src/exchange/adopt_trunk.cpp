#include "exchange/adopt_trunk.hpp"

#include <algorithm>

#include "base/forget_pages.hpp"

namespace dfa {
namespace {

constexpr std::string_view kPositions = "pos_embed";

Status resample(int stored_image, PositionRule rule, Imported& imported) {
  const NetworkConfig& config = imported.model.config;
  if (stored_image == config.image || config.positions != Positions::learned) return {};
  const auto found = imported.model.weights.find(kPositions);
  if (found == imported.model.weights.end())
    return fail(ErrorCode::internal, "the list of names makes no {}", kPositions);
  const int prefix = config.position_rows() - config.grid() * config.grid();
  DFA_ASSIGN_OR_RETURN(found->second, resample_positions(found->second, prefix, config.grid(), rule));
  imported.notes.push_back(resampling_text(stored_image / config.patch, config.grid(), rule));
  return {};
}

// Every value is a number, and nothing that the network needs is missing: a field that was set may ask for a tensor
// that files of this kind never have.
Status check_values(const NameMap& map, Imported& imported) {
  std::vector<ParameterSpec> specs = trunk_parameters(imported.model.config);
  for (const MappedTensor& mapped : map)
    if (std::ranges::find(specs, mapped.name, &ParameterSpec::name) == specs.end())
      specs.push_back({mapped.name, mapped.shape, ParameterGroup::head, ParameterKind::weight});
  LoadReport ours = compare_tensors(specs, imported.model.weights);
  ours.matched = imported.report.matched;
  ours.ignored = std::move(imported.report.ignored);
  imported.report = std::move(ours);
  return require_all(imported.report,
                     "values that are no numbers: a damaged file, or training that went astray; missing tensors: a "
                     "field was set that such files have nothing for",
                     "use another copy of the file, or leave the field alone");
}

}  // namespace

NetworkConfig at_image(NetworkConfig config, int image) {
  config.image = image;
  return config;
}

void tell(const ImportSettings& settings, std::string_view step) {
  if (settings.progress) settings.progress(step);
}

Status adopt_trunk(const NameMap& map, const TensorMap& theirs, int stored_image, PositionRule rule,
                   const Refusal& refusal, Imported& imported, const MappedFile* file) {
  const auto forget = [&] {
    if (file != nullptr) forget_pages(*file);
  };
  Renamed renamed = to_ours(map, theirs, forget);
  renamed.report.ignored = std::move(imported.report.ignored);
  imported.report = std::move(renamed.report);
  DFA_TRY(require_all(imported.report, refusal.likely_cause, refusal.next_step));
  imported.model.weights = std::move(renamed.tensors);
  DFA_TRY(resample(stored_image, rule, imported));
  return check_values(map, imported);
}

}  // namespace dfa
