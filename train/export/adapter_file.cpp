#include "train/export/adapter_file.hpp"

#include "train/nets/factors.hpp"

namespace dfa::train {

std::vector<ParameterSpec> adapter_parameters(const NetworkConfig& network, const Tuning& tuning) {
  std::vector<ParameterSpec> specs = network_parameters(network);
  std::erase_if(
      specs, [&](const ParameterSpec& spec) { return spec.group == ParameterGroup::trunk && !learns(tuning, spec); });
  const std::vector<ParameterSpec> factors = factor_parameters(network, tuning);
  specs.insert(specs.end(), factors.begin(), factors.end());
  return specs;
}

Status write_adapter(const AdapterFile& adapter, const std::filesystem::path& path) {
  if (adapter.tuning.groups.contains(ParameterGroup::trunk))
    return fail(ErrorCode::usage,
                "tuning \"full\" trains every weight: an adapter file of it would be the whole model\n  next step: "
                "dfa-train export RUN --out FILE");
  DFA_TRY(check_weights(adapter_parameters(adapter.record.model.config, adapter.tuning), adapter.record.model.weights));
  AdapterRecord record = adapter.record;
  record.tuning = tuning_word(adapter.tuning);
  return write_adapter_record(record, path);
}

Result<AdapterFile> read_adapter(const std::filesystem::path& path) {
  AdapterFile adapter;
  DFA_ASSIGN_OR_RETURN(adapter.record, read_adapter_record(path));
  const NetworkConfig& network = adapter.record.model.config;
  auto tuning = parse_tuning(adapter.record.tuning);
  if (!tuning) return fail(ErrorCode::model_incompatible, "{}: dfa.base: {}", path.string(), tuning.error().message);
  adapter.tuning = std::move(*tuning);
  if (const Status fits = check_tuning(adapter.tuning, network); !fits)
    return fail(ErrorCode::model_incompatible, "{}: {}", path.string(), fits.error().message);
  if (const Status fits = check_weights(adapter_parameters(network, adapter.tuning), adapter.record.model.weights);
      !fits)
    return fail_within(path.string(), fits.error());
  return adapter;
}

Result<TensorMap> merged_weights(const AdapterFile& adapter, const std::filesystem::path& base) {
  DFA_ASSIGN_OR_RETURN(const TensorMap weights, adapter_on_trunk(adapter.record, base));
  return merge_factors(adapter.record.model.config, adapter.tuning, weights);
}

}  // namespace dfa::train
