// Writing a model file. See model_file.cpp for what a reader demands of it: save_model writes nothing that load_model
// would refuse.
#include <cmath>

#include "model/load_report.hpp"
#include "model/metadata.hpp"
#include "model/model_save.hpp"
#include "tensorfile/safetensors.hpp"

namespace dfa {
namespace {

Status check_savable(const Model& model, Dtype weights_dtype) {
  if (weights_dtype != Dtype::f16 && weights_dtype != Dtype::f32)
    return fail(ErrorCode::usage, "weights cannot be written as {}, expected F16 or F32", dtype_name(weights_dtype));
  // What was just written must be readable: the same checks, before anything is written.
  DFA_TRY(parse_metadata(model_metadata(model)));
  const auto specs = model.kind == kBackbone ? trunk_parameters(model.config) : network_parameters(model.config);
  return require_all(compare_tensors(specs, model.weights), "weights and configuration are not of one network",
                     "correct the configuration");
}

Result<Tensor> stored_form(const ParameterSpec& spec, const Tensor& tensor, Dtype weights_dtype) {
  if (spec.kind == ParameterKind::counter) return tensor;
  if (spec.kind == ParameterKind::statistic) return convert_floats(tensor, Dtype::f32);
  Tensor stored = convert_floats(tensor, weights_dtype);
  if (weights_dtype == Dtype::f16) {
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

Result<TensorFile> model_tensor_file(const Model& model, Dtype weights_dtype) {
  TensorFile file;
  DFA_ASSIGN_OR_RETURN(file.tensors, stored_weights(model, weights_dtype));
  if (model.golden) DFA_TRY(add_golden(*model.golden, model, file.tensors));
  file.metadata = model_metadata(model);
  return file;
}

Status save_model(const Model& model, const std::filesystem::path& path, Dtype weights_dtype) {
  DFA_ASSIGN_OR_RETURN(const TensorFile file, model_tensor_file(model, weights_dtype));
  return write_safetensors(file, path);
}

}  // namespace dfa
