#include "exchange/export_adapter.hpp"

#include <algorithm>

#include "exchange/adapter_file.hpp"
#include "exchange/proven_model.hpp"
#include "exchange/trunk.hpp"
#include "model/strict_json.hpp"

namespace dfa {
namespace {

constexpr std::size_t kShownNames = 3;

// The trunk's tensors whose values differ once those of the base are rounded as the detector stores them.
std::vector<std::string> changed_tensors(const NetworkConfig& config, const TensorMap& detector,
                                         const TensorMap& base) {
  std::vector<std::string> changed;
  for (const ParameterSpec& spec : network_parameters(config)) {
    if (spec.group != ParameterGroup::trunk) continue;
    const Tensor& own = detector.at(spec.name);
    const Tensor rounded = convert_floats(base.at(spec.name), own.dtype);
    if (!std::ranges::equal(own.bytes, rounded.bytes)) changed.push_back(spec.name);
  }
  return changed;
}

Status check_trunk(const Model& model, const TensorMap& base, const std::filesystem::path& path) {
  const std::vector<std::string> changed = changed_tensors(model.config, model.weights, base);
  if (changed.empty()) return {};
  const std::vector<std::string> shown(
      changed.begin(), changed.begin() + static_cast<std::ptrdiff_t>(std::min(kShownNames, changed.size())));
  return fail(ErrorCode::model_incompatible,
              "{}: {} of its tensors are not those of the model's trunk ({}{})\n  likely cause: another trunk, or a "
              "training that changed it\n  next step: give the file that the run began with; for a changed trunk, "
              "dfa-train export RUN --adapter-only FILE",
              path.string(), changed.size(), fmt::join(shown, ", "), changed.size() > kShownNames ? ", ..." : "");
}

// The trunk that the adapters belong to, by name and hash.
Status take_base(const ExportSettings& settings, const Model& model, AdapterRecord& record) {
  if (settings.base.empty()) {
    record.base_name = "the trunk inside " + model.name;
    record.base_sha256 = trunk_sha256(model.config, model.weights);
    return {};
  }
  TensorMap base;
  DFA_TRY(put_pretrained_trunk(model.config, settings.base, base));
  DFA_TRY(check_trunk(model, base, settings.base));
  record.base_name = settings.base.filename().string();
  record.base_sha256 = trunk_sha256(model.config, base);
  return {};
}

std::vector<std::string> left_out(const Model& model, std::size_t held) {
  std::vector<std::string> lines = {
      fmt::format("{} tensors of the trunk: the base has them", model.weights.size() - held)};
  if (model.golden) lines.emplace_back("golden vectors: merging makes its own");
  if (model.calibration) lines.emplace_back("calibration: measure it again on the merged model (dfa calibrate)");
  return lines;
}

// An adapter file whose trunk stayed as it was.
Result<AdapterRecord> read_plain_adapter(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(AdapterRecord record, read_adapter_record(path));
  const std::string word = frozen_trunk_word(record.model.config);
  if (record.tuning != word)
    return fail(
        ErrorCode::model_incompatible,
        "{}: made by tuning \"{}\", this program joins \"{}\" for this network: adapters on a trunk that stayed "
        "as it was\n  next step: dfa-train merge {} --base TRUNK --out MODEL.dfa",
        path.string(), record.tuning.substr(0, 100), word, path.string());
  if (const Status fits = check_weights(parameters_beside_trunk(record.model.config), record.model.weights); !fits)
    return fail_within(path.string(), fits.error());
  return record;
}

}  // namespace

Result<Exported> export_adapter_file(const ExportSettings& settings) {
  DFA_TRY(check_taken(settings, "adapter", TakesBase::yes, TakesDtype::no));
  DFA_ASSIGN_OR_RETURN(const Model model, model_to_export(settings));
  if (model.kind != "detector")
    return fail(ErrorCode::model_incompatible,
                "{}: a {} has a trunk and nothing beside it\n  next step: export a detector", settings.model.string(),
                model.kind);
  AdapterRecord record;
  DFA_TRY(take_base(settings, model, record));
  record.model = model;
  record.model.golden.reset();
  record.model.weights.clear();
  record.tuning = frozen_trunk_word(model.config);
  for (const ParameterSpec& spec : parameters_beside_trunk(model.config))
    record.model.weights[spec.name] = model.weights.at(spec.name);
  DFA_TRY(write_adapter_record(record, settings.out));

  Exported exported;
  exported.name = model.name;
  exported.tensors = record.model.weights.size();
  exported.facts = {fmt::format("adapter-only file, tuning {}, f32", record.tuning),
                    fmt::format("base: {}, trunk sha256 {}", record.base_name, record.base_sha256)};
  exported.left_out = left_out(model, exported.tensors);
  leave_out_scales(model, exported);
  DFA_ASSIGN_OR_RETURN(exported.files.emplace_back(), exported_file(settings.out));
  return exported;
}

Result<Exported> export_merged(const ExportSettings& settings) {
  if (settings.model.empty() || settings.base.empty())
    return fail(
        ErrorCode::usage,
        "--to merged joins two files\n  next step: dfa export ADAPTER --to merged --base TRUNK --out MODEL.dfa");
  auto record = read_plain_adapter(settings.model);
  if (!record) return tl::unexpected(model_error(std::move(record).error()));
  Model model = record->model;
  model.kind = "detector";
  DFA_ASSIGN_OR_RETURN(model.weights, adapter_on_trunk(*record, settings.base));
  const Dtype dtype = settings.weights_dtype.value_or(Dtype::f16);
  DFA_ASSIGN_OR_RETURN(const Model written,
                       save_with_golden(std::move(model), settings.out, dtype, kGoldenCrops, settings.threads));

  Exported exported;
  exported.name = written.name;
  exported.tensors = written.weights.size();
  exported.facts = {fmt::format("detector, weights {}, on {}", dtype_name(dtype), record->base_name),
                    fmt::format("golden vectors of {} made crops, by engine ref", kGoldenCrops)};
  DFA_ASSIGN_OR_RETURN(exported.files.emplace_back(), exported_file(settings.out));
  return exported;
}

}  // namespace dfa
