#include "model/quantised_json.hpp"

#include <limits>

#include "model/strict_json.hpp"

namespace dfa {
namespace {

constexpr std::string_view kRecord = "dfa.quant";
constexpr std::string_view kPrefix = "quant.";
constexpr std::string_view kSuffix = ".multipliers";
constexpr std::size_t kMostSites = 10'000;
constexpr double kMostDistortion = 1e12;
constexpr int kLargestZeroPoint = 255;

std::string tensor_name(std::string_view site) {
  return fmt::format("{}{}{}", kPrefix, site, kSuffix);
}

Json site_json(const std::string& name, const Codes& codes, const SiteFigures& figures) {
  return Json::object({{"name", name},
                       {"zero_point", codes.zero_point},
                       {"smoothing", figures.smoothing ? Json(*figures.smoothing) : Json(nullptr)},
                       {"range", figures.range},
                       {"distortion", figures.distortion}});
}

// The objects of a list, each read by `read`. Errors: model_incompatible.
template <class Read>
Status each_object(RecordReader& reader, const std::string& key, Read read) {
  DFA_ASSIGN_OR_RETURN(const Json* list, reader.list(key));
  if (list->size() > kMostSites)
    return fail(ErrorCode::model_incompatible, "{}: {} has {} entries, at most {} are read", kRecord, key, list->size(),
                kMostSites);
  for (const Json& entry : *list) {
    if (!entry.is_object()) return fail(ErrorCode::model_incompatible, "{}: {} holds what is no object", kRecord, key);
    RecordReader fields(entry, fmt::format("{} {}", kRecord, key));
    DFA_TRY(read(fields));
    DFA_TRY(fields.finish());
  }
  return {};
}

Status read_site(RecordReader& fields, ModelQuantisation& quantised) {
  DFA_ASSIGN_OR_RETURN(const std::string name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(const std::int64_t zero_point, fields.integer("zero_point", 0, kLargestZeroPoint));
  SiteFigures figures;
  DFA_ASSIGN_OR_RETURN(const Json* smoothing, fields.any("smoothing"));
  if (!smoothing->is_null()) {
    DFA_ASSIGN_OR_RETURN(figures.smoothing, fields.number("smoothing", 0, 1));
  }
  DFA_ASSIGN_OR_RETURN(figures.range, fields.number("range", 0, 1));
  DFA_ASSIGN_OR_RETURN(figures.distortion, fields.number("distortion", 0, kMostDistortion));
  if (!quantised.figures.emplace(name, figures).second)
    return fail(ErrorCode::model_incompatible, "{}: site {} comes twice", kRecord, name.substr(0, 100));
  quantised.codes[name] = Codes{.multipliers = {}, .zero_point = static_cast<int>(zero_point)};
  return {};
}

Status read_wide(RecordReader& fields, ModelQuantisation& quantised) {
  WideSite site;
  DFA_ASSIGN_OR_RETURN(site.name, fields.text("name"));
  DFA_ASSIGN_OR_RETURN(site.distortion, fields.number("distortion", 0, kMostDistortion));
  DFA_ASSIGN_OR_RETURN(site.reason, fields.text("reason"));
  quantised.wide.push_back(std::move(site));
  return {};
}

Status read_source(RecordReader& reader, ModelQuantisation& quantised) {
  DFA_ASSIGN_OR_RETURN(const Json* source, reader.object("calibration"));
  RecordReader fields(*source, "dfa.quant calibration");
  DFA_ASSIGN_OR_RETURN(quantised.manifest_sha256, fields.text("manifest_sha256"));
  DFA_ASSIGN_OR_RETURN(quantised.role, fields.text("role"));
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  DFA_ASSIGN_OR_RETURN(quantised.crops, fields.integer("crops", 1, kMost));
  DFA_ASSIGN_OR_RETURN(quantised.seed, fields.integer("seed", 0, kMost));
  return fields.finish();
}

Status check_version(RecordReader& reader) {
  DFA_ASSIGN_OR_RETURN(const std::int64_t version,
                       reader.integer("version", 1, std::numeric_limits<std::int32_t>::max()));
  DFA_ASSIGN_OR_RETURN(const std::string scheme, reader.text("scheme"));
  if (version == kQuantVersion && scheme == kQuantScheme) return {};
  return fail(ErrorCode::model_incompatible,
              "{}: version {}, scheme \"{}\"; this build reads version {}, scheme \"{}\"\n  likely cause: the file was "
              "exported by a newer dfa\n  next step: update dfa, or export the wide model again",
              kRecord, version, scheme.substr(0, 40), kQuantVersion, kQuantScheme);
}

}  // namespace

std::string quantised_json(const ModelQuantisation& quantised) {
  Json sites = Json::array(), wide = Json::array();
  for (const auto& [name, codes] : quantised.codes) {
    const auto figures = quantised.figures.find(name);
    sites.push_back(site_json(name, codes, figures == quantised.figures.end() ? SiteFigures{} : figures->second));
  }
  for (const WideSite& site : quantised.wide)
    wide.push_back(Json::object({{"name", site.name}, {"distortion", site.distortion}, {"reason", site.reason}}));
  return json_text(Json::object({{"version", kQuantVersion},
                                 {"scheme", kQuantScheme},
                                 {"calibration", Json::object({{"manifest_sha256", quantised.manifest_sha256},
                                                               {"role", quantised.role},
                                                               {"crops", quantised.crops},
                                                               {"seed", quantised.seed}})},
                                 {"budget", quantised.budget},
                                 {"difference", quantised.difference},
                                 {"isa", quantised.isa},
                                 {"made_by", quantised.made_by},
                                 {"sites", std::move(sites)},
                                 {"wide", std::move(wide)}}));
}

Result<ModelQuantisation> parse_quantised(std::string_view json) {
  DFA_ASSIGN_OR_RETURN(const Json record, parse_record(json, kRecord));
  RecordReader reader(record, std::string(kRecord));
  DFA_TRY(check_version(reader));
  ModelQuantisation quantised;
  DFA_TRY(read_source(reader, quantised));
  DFA_ASSIGN_OR_RETURN(quantised.budget, reader.number("budget", 0, 1));
  DFA_ASSIGN_OR_RETURN(quantised.difference, reader.number("difference", 0, 1));
  DFA_ASSIGN_OR_RETURN(quantised.isa, reader.text("isa"));
  DFA_ASSIGN_OR_RETURN(quantised.made_by, reader.text("made_by"));
  DFA_TRY(each_object(reader, "sites", [&](RecordReader& fields) { return read_site(fields, quantised); }));
  DFA_TRY(each_object(reader, "wide", [&](RecordReader& fields) { return read_wide(fields, quantised); }));
  DFA_TRY(reader.finish());
  if (quantised.codes.empty())
    return fail(ErrorCode::model_incompatible, "{}: no site is quantised, expected at least one", kRecord);
  return quantised;
}

void put_multipliers(const Quantisation& codes, TensorMap& tensors) {
  for (const auto& [site, own] : codes)
    tensors[tensor_name(site)] = Tensor::from_f32({static_cast<std::int64_t>(own.multipliers.size())}, own.multipliers);
}

Status take_multipliers(TensorMap& tensors, const NetworkConfig& config, ModelQuantisation& quantised) {
  for (auto& [site, codes] : quantised.codes) {
    const auto found = tensors.find(tensor_name(site));
    if (found == tensors.end())
      return fail(ErrorCode::model_tensors, "dfa.quant names site {}, there is no tensor {}", site.substr(0, 100),
                  tensor_name(site.substr(0, 100)));
    const Tensor& tensor = found->second;
    if (tensor.dtype != Dtype::f32 || tensor.shape.size() != 1)
      return fail(ErrorCode::model_tensors, "{} is {} {}, expected F32 and one size", found->first,
                  dtype_name(tensor.dtype), shape_text(tensor.shape));
    DFA_ASSIGN_OR_RETURN(codes.multipliers, tensor.to_f32());
    tensors.erase(found);
  }
  DFA_TRY(refuse_multipliers(tensors));
  return check_quantisation(config, quantised.codes);
}

Status refuse_multipliers(const TensorMap& tensors) {
  const auto found = tensors.lower_bound(kPrefix);
  if (found == tensors.end() || !found->first.starts_with(kPrefix)) return {};
  return fail(ErrorCode::model_tensors,
              "tensor {} belongs to no site of dfa.quant\n  likely cause: the file was changed by hand", found->first);
}

}  // namespace dfa
