#include "cli/commands/export_int8.hpp"

#include <filesystem>
#include <ostream>
#include <vector>

#include "base/hash.hpp"
#include "eval/crop_batches.hpp"
#include "model/describe.hpp"
#include "model/model_save.hpp"
#include "model/quantised_json.hpp"
#include "preprocess/crop.hpp"
#include "quant/choose_crops.hpp"
#include "quant/quantise_model.hpp"
#include "version.hpp"

namespace dfa::cli {
namespace {

// A line that overwrites itself, on a terminal only.
auto progress_line(const CommandContext& context) {
  return [&context](std::string_view stage, std::size_t done, std::size_t of) {
    if (context.err_terminal != Terminal::yes || context.options.talk == Talk::quiet) return;
    context.err << fmt::format("\r{} {}/{}{}", stage, done, of, done == of ? "\n" : "") << std::flush;
  };
}

Status check_request(const ExportSettings& settings, const Int8Request& request, Role role) {
  DFA_TRY(check_taken(settings, "int8", TakesBase::no, TakesDtype::no));
  if (request.manifest.empty())
    return fail(ErrorCode::usage,
                "--to int8 needs crops to measure on\n  next step: dfa export MODEL --to int8 --calibrate MANIFEST "
                "--out FILE");
  if (role == Role::test)
    return fail(ErrorCode::usage,
                "scales chosen on role test would make every figure on that part doubtful\n  next step: --role train, "
                "val or calibration");
  return {};
}

// The chosen crops of the manifest, as the network sees them.
Result<CropSource> open_crops(const Model& model, const Int8Request& request, Role role) {
  DFA_ASSIGN_OR_RETURN(const Manifest manifest, read_manifest(request.manifest));
  DFA_TRY(check_crop_recipe(manifest, request.manifest, model.crop, request.recipe));
  const auto chosen = choose_crops(manifest, role, static_cast<std::size_t>(request.crops), request.seed);
  if (!chosen) return fail_within(request.manifest, chosen.error());
  const std::filesystem::path root = manifest_root(manifest, request.manifest);
  std::vector<std::filesystem::path> files;
  for (const std::size_t entry : *chosen) files.push_back(root / manifest.entries[entry].path);
  CropSource source;
  source.count = files.size();
  source.read = [files = std::move(files), &model](std::size_t index, std::span<float> image) -> Status {
    const auto crop = read_stored_crop(files[index], model.crop);
    if (!crop) return fail_within(files[index].string(), crop.error());
    return crop_to_tensor(crop->view(), model.crop, model.config.image, image);
  };
  return source;
}

std::uint64_t scale_bytes(const Quantisation& codes) {
  std::uint64_t bytes = 0;
  for (const auto& [site, own] : codes) bytes += own.multipliers.size() * sizeof(float);
  return bytes;
}

}  // namespace

Result<Exported> export_int8(const ExportSettings& settings, const Int8Request& request,
                             const CommandContext& context) {
  DFA_ASSIGN_OR_RETURN(const Role role, role_by_name(request.role));
  DFA_TRY(check_request(settings, request, role));
  DFA_ASSIGN_OR_RETURN(Model model, model_to_export(settings));
  DFA_ASSIGN_OR_RETURN(const CropSource crops, open_crops(model, request, role));
  QuantiseOptions options;
  options.budget = request.budget;
  options.spatial_prior = request.spatial_prior == "codes" ? SpatialPrior::codes : SpatialPrior::wide;
  options.seed = request.seed;
  options.threads = settings.threads;
  options.progress = progress_line(context);
  DFA_ASSIGN_OR_RETURN(model.quantised, quantise_model(model, crops, options, *context.cancel));
  ModelQuantisation& quantised = *model.quantised;
  DFA_ASSIGN_OR_RETURN(quantised.manifest_sha256, sha256_file(request.manifest));
  quantised.role = role_name(role);
  quantised.made_by = fmt::format("dfa {} ({})", kVersion, kBuildId);
  DFA_TRY(save_model(model, settings.out, held_dtype(model)));
  DFA_ASSIGN_OR_RETURN(const Model written, load_model(settings.out));  // the proof that it can be read

  Exported exported;
  exported.name = written.name;
  exported.tensors = written.weights.size() + quantised.codes.size();
  exported.facts = {fmt::format("the weights as they were, and {} bytes of int8 scales: the file runs on every engine",
                                scale_bytes(quantised.codes)),
                    quantised_text(quantised)};
  exported.report = distortion_text(quantised);
  exported.record = quantised_json(quantised);
  DFA_ASSIGN_OR_RETURN(exported.files.emplace_back(), exported_file(settings.out));
  return exported;
}

}  // namespace dfa::cli
