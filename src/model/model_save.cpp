// Writing a model file. See model_file.cpp for what a reader demands of it: save_model writes nothing that load_model
// would refuse.
#include <cmath>

#include "model/load_report.hpp"
#include "model/metadata.hpp"
#include "model/model_save.hpp"
#include "model/quantised_json.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/write_rounded.hpp"

namespace dfa {
namespace {

Status check_savable(const Model& model, Dtype weights_dtype) {
  if (weights_dtype != Dtype::f16 && weights_dtype != Dtype::f32)
    return fail(ErrorCode::usage, "weights cannot be written as {}, expected F16 or F32", dtype_name(weights_dtype));
  // What was just written must be readable: the same checks, before anything is written.
  DFA_TRY(parse_metadata(model_metadata(model)));
  if (model.quantised) DFA_TRY(check_quantisation(model.config, model.quantised->codes));
  const auto specs = model.kind == kBackbone ? trunk_parameters(model.config) : network_parameters(model.config);
  return require_all(compare_tensors(specs, model.weights), "weights and configuration are not of one network",
                     "correct the configuration");
}

// What a weight, a statistic and a counter are stored as.
Dtype stored_dtype(const ParameterSpec& spec, Dtype weights_dtype) {
  if (spec.kind == ParameterKind::counter) return Dtype::i64;
  return spec.kind == ParameterKind::statistic ? Dtype::f32 : weights_dtype;
}

Result<Tensor> stored_form(const ParameterSpec& spec, const Tensor& tensor, Dtype weights_dtype) {
  const Dtype dtype = stored_dtype(spec, weights_dtype);
  Tensor stored = convert_floats(tensor, dtype);
  if (dtype == Dtype::f16 && tensor.dtype != dtype) {
    DFA_ASSIGN_OR_RETURN(const auto values, stored.to_f32());
    for (const float value : values)
      if (!std::isfinite(value))
        return fail(ErrorCode::model_incompatible,
                    "tensor {} holds a value beyond 65504, which F16 cannot\n  next step: write F32 weights",
                    spec.name);
  }
  return stored;
}

Status add_golden(const GoldenVectors& golden, const Model& model, TensorMap& tensors) {
  const auto count = static_cast<std::size_t>(golden.count);
  const auto side = static_cast<std::size_t>(golden.side);
  if (golden.side != model.crop.stored_px || golden.crops.size() != count * side * side * 3 ||
      golden.logits.size() != count * static_cast<std::size_t>(model.config.classes) || golden.count < 1)
    return fail(ErrorCode::internal, "golden vectors: {} crops of side {} in {} bytes, {} logits; expected side {}",
                golden.count, golden.side, golden.crops.size(), golden.logits.size(), model.crop.stored_px);
  tensors["golden.crops"] = Tensor::from_u8({golden.count, golden.side, golden.side, 3}, golden.crops);
  tensors["golden.logits"] = Tensor::from_f32({golden.count, model.config.classes}, golden.logits);
  return {};
}

}  // namespace

Result<TensorMap> stored_weights(const Model& model, Dtype weights_dtype) {
  DFA_TRY(check_savable(model, weights_dtype));
  TensorMap stored;
  for (const ParameterSpec& spec : network_parameters(model.config)) {
    const auto found = model.weights.find(spec.name);
    if (found == model.weights.end()) continue;  // the head that a backbone has not
    DFA_ASSIGN_OR_RETURN(stored[spec.name], stored_form(spec, found->second, weights_dtype));
  }
  return stored;
}

Dtype held_dtype(const Model& model) {
  for (const ParameterSpec& spec : network_parameters(model.config)) {
    if (spec.kind != ParameterKind::weight) continue;
    const auto found = model.weights.find(spec.name);
    if (found != model.weights.end() && found->second.dtype != Dtype::f16) return Dtype::f32;
  }
  return Dtype::f16;
}

Result<TensorFile> model_tensor_file(const Model& model, Dtype weights_dtype) {
  TensorFile file;
  DFA_ASSIGN_OR_RETURN(file.tensors, stored_weights(model, weights_dtype));
  if (model.golden) DFA_TRY(add_golden(*model.golden, model, file.tensors));
  if (model.quantised) put_multipliers(model.quantised->codes, file.tensors);
  file.metadata = model_metadata(model);
  return file;
}

// Weights are rounded one by one as they are written: beside those of a large model there is no room for all of them in
// another type.
Status save_model(const Model& model, const std::filesystem::path& path, Dtype weights_dtype) {
  DFA_TRY(check_savable(model, weights_dtype));
  TensorFile file;
  StoredDtypes dtypes;
  for (const ParameterSpec& spec : network_parameters(model.config)) {
    const auto found = model.weights.find(spec.name);
    if (found == model.weights.end()) continue;  // the head that a backbone has not
    DFA_TRY(stored_form(spec, found->second, weights_dtype));
    file.tensors.insert(*found);
    dtypes.emplace(spec.name, stored_dtype(spec, weights_dtype));
  }
  if (model.golden) DFA_TRY(add_golden(*model.golden, model, file.tensors));
  if (model.quantised) put_multipliers(model.quantised->codes, file.tensors);
  file.metadata = model_metadata(model);
  return write_rounded_safetensors(file, dtypes, path);
}

}  // namespace dfa
