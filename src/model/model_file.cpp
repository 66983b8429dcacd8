// Reading a model file: metadata, then golden vectors, then weights; whatever is left over is an error.
#include <cmath>
#include <cstring>
#include <future>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "model/load_report.hpp"
#include "model/metadata.hpp"
#include "model/quantised_json.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/torch_file.hpp"

namespace dfa {
namespace {

// ViT-L in f32 takes 1.3 GB.
constexpr std::uint64_t kMaxModelFile = std::uint64_t{8} << 30;
// The proof is a few crops; scoring must not wait for it.
constexpr std::int64_t kMaxGoldenCrops = 1024;
constexpr std::string_view kGoldenCrops = "golden.crops";
constexpr std::string_view kGoldenLogits = "golden.logits";

// Takes a tensor out of the map, or nothing.
std::optional<Tensor> take(TensorMap& tensors, std::string_view name) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) return std::nullopt;
  Tensor tensor = std::move(found->second);
  tensors.erase(found);
  return tensor;
}

Result<std::optional<GoldenVectors>> take_golden(TensorMap& tensors, const Model& model) {
  const std::optional<Tensor> crops = take(tensors, kGoldenCrops);
  const std::optional<Tensor> logits = take(tensors, kGoldenLogits);
  if (!crops && !logits) return std::optional<GoldenVectors>{};
  if (!crops || !logits || model.kind != kDetector)
    return fail(ErrorCode::model_tensors, "{} and {} belong together, in a detector", kGoldenCrops, kGoldenLogits);
  const std::int64_t side = model.crop.stored_px;
  const std::int64_t count = crops->shape.empty() ? 0 : crops->shape[0];
  const bool fits = crops->dtype == Dtype::u8 && crops->shape == std::vector<std::int64_t>{count, side, side, 3} &&
                    count >= 1 && count <= kMaxGoldenCrops && logits->dtype == Dtype::f32 &&
                    logits->shape == std::vector<std::int64_t>{count, model.config.classes};
  if (!fits)
    return fail(ErrorCode::model_tensors,
                "golden vectors: crops are {} {}, logits {} {}; expected U8 Nx{}x{}x3 and F32 Nx{}, N from 1 to {}",
                dtype_name(crops->dtype), shape_text(crops->shape), dtype_name(logits->dtype),
                shape_text(logits->shape), side, side, model.config.classes, kMaxGoldenCrops);
  GoldenVectors golden{.count = static_cast<int>(count), .side = static_cast<int>(side), .crops = {}, .logits = {}};
  golden.crops.resize(crops->bytes.size());
  std::memcpy(golden.crops.data(), crops->bytes.data(), crops->bytes.size());
  DFA_ASSIGN_OR_RETURN(golden.logits, logits->to_f32());
  for (const float logit : golden.logits)
    if (!std::isfinite(logit))
      return fail(ErrorCode::model_tensors, "{} hold a value that is not finite", kGoldenLogits);
  return std::optional(std::move(golden));
}

// A torch checkpoint given as --model is the likeliest mistake; say what to do instead of "header too long".
Status refuse_checkpoint(std::span<const std::byte> bytes) {
  if (!looks_like_torch_file(bytes)) return {};
  return fail(ErrorCode::model_format,
              "got a torch checkpoint, expected a model file\n"
              "  next step: dfa import official FILE --out M (a detector), or dfa import timm FILE --out M (a trunk)");
}

}  // namespace

Result<Model> parse_model(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  DFA_TRY(refuse_checkpoint(bytes));
  DFA_ASSIGN_OR_RETURN(TensorFile file, parse_safetensors(bytes, std::move(owner)));
  DFA_ASSIGN_OR_RETURN(Model model, parse_metadata(file.metadata));
  // The hash and the look at every value take about as long as each other.
  auto sha256 = std::async([bytes] { return sha256_hex(bytes); });
  if (model.quantised)
    DFA_TRY(take_multipliers(file.tensors, model.config, *model.quantised));
  else
    DFA_TRY(refuse_multipliers(file.tensors));
  DFA_ASSIGN_OR_RETURN(model.golden, take_golden(file.tensors, model));
  model.weights = std::move(file.tensors);
  const LoadReport report = compare_tensors(
      model.kind == kBackbone ? trunk_parameters(model.config) : network_parameters(model.config), model.weights);
  DFA_TRY(require_all(report, "the file was changed by hand, or written by a program that is not this one",
                      "export or import the model again"));
  model.sha256 = sha256.get();
  return model;
}

Result<Model> load_model(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const auto mapped, MappedFile::open(path, kMaxModelFile));
  auto model = parse_model(mapped->bytes(), mapped);
  if (!model) return fail_within(path.string(), std::move(model).error());
  return model;
}

}  // namespace dfa
