#include "exchange/import_source.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "model/strict_json.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/state_dict.hpp"

namespace dfa {
namespace {

constexpr int kGoldenCrops = 2;
// ViT-B with adapters has 103 million: the ref engine needs some ten seconds a crop. ViT-L has 303.
constexpr std::int64_t kMaxGoldenParameters = 150'000'000;

Status refuse_model_file(std::span<const std::byte> bytes) {
  if (!looks_like_safetensors(bytes)) return {};
  DFA_ASSIGN_OR_RETURN(const TensorFile file, parse_safetensors(bytes, nullptr));
  if (!file.metadata.contains("dfa.format")) return {};
  return fail(ErrorCode::usage,
              "this is a model file already, expected a checkpoint of another program\n  next step: use it as it is, "
              "--model FILE");
}

}  // namespace

Result<SourceTensors> read_source(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(path, TorchLimits{}.max_file_bytes));
  DFA_TRY(refuse_model_file(mapped->bytes()));
  auto state = parse_state_dict(mapped->bytes(), mapped);
  if (!state) return fail_within(path.string(), std::move(state).error());
  // Read in pieces: hashed through the mapping, the whole file would stay in memory.
  DFA_ASSIGN_OR_RETURN(std::string sha256, sha256_file(path));
  SourceTensors result;
  result.source = {.file = path.filename().string(),
                   .sha256 = std::move(sha256),
                   .container = state->container,
                   .wrapper = state->wrapper,
                   .stripped_prefixes = state->stripped_prefixes,
                   .ignored = std::move(state->ignored),
                   .foreign_globals = std::move(state->foreign_globals)};
  for (auto& [name, tensor] : state->tensors)
    result.tensors.emplace(name, tensor.dtype == Dtype::f64 ? convert_floats(tensor, Dtype::f32) : std::move(tensor));
  return result;
}

std::string provenance_json(std::string_view kind, const Imported& imported) {
  const ImportSource& source = imported.source;
  Json json;
  json["source"] = Json::object({{"kind", kind},
                                 {"file", source.file},
                                 {"sha256", source.sha256},
                                 {"container", source.container},
                                 {"wrapper", source.wrapper}});
  if (kind == "official") {
    json["selected_on"] = "test";
    json["selection"] = "by the authors' program: highest AUC over its test list, which data is not known";
  }
  json["assumed"] = imported.assumed;
  if (!imported.notes.empty()) json["notes"] = imported.notes;
  json["ignored"] = imported.report.ignored;
  return json_text(json);
}

int golden_count(const ImportSettings& settings, const NetworkConfig& config) {
  if (settings.golden_crops != kGoldenBySize) return settings.golden_crops;
  const ParameterCounts counts = count_parameters(config);
  return counts.trunk + counts.adapters > kMaxGoldenParameters ? 0 : kGoldenCrops;
}

std::string license_text(const ImportSettings& settings, std::string_view known) {
  return settings.license.empty() ? std::string(known) : settings.license;
}

std::string model_name(const ImportSettings& settings, const std::filesystem::path& path) {
  return settings.name.empty() ? path.stem().string() : settings.name;
}

}  // namespace dfa
