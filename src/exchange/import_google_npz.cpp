#include <algorithm>

#include "base/file.hpp"
#include "base/forget_pages.hpp"
#include "base/hash.hpp"
#include "exchange/adopt_trunk.hpp"
#include "exchange/import.hpp"
#include "exchange/import_source.hpp"
#include "exchange/infer_timm.hpp"
#include "exchange/names_google.hpp"
#include "exchange/shape_reader.hpp"
#include "model/model.hpp"
#include "tensorfile/npz.hpp"
#include "tensorfile/torch_file.hpp"

namespace dfa {
namespace {

// Checkpoints of Google's training program have everything below this; published ones mostly lie bare.
constexpr std::string_view kTarget = "opt/target/";
// Beside the trunk: the classifiers, and what the optimiser keeps.
constexpr std::string_view kBeside[] = {"head/", "pre_logits/", "opt/"};

constexpr Refusal kRefusal = {
    "not a plain ViT of Google's vision_transformer or augreg (another network, or big_vision's names)",
    "use an archive of the augreg collection; see docs/zoo.md"};

std::string bare_name(std::string_view name) {
  return std::string(name.starts_with(kTarget) ? name.substr(kTarget.size()) : name);
}

struct Archive {
  std::shared_ptr<const MappedFile> file;
  TensorMap tensors;
};

Result<Archive> read_archive(const std::filesystem::path& path, Imported& imported) {
  Archive archive;
  DFA_ASSIGN_OR_RETURN(archive.file, MappedFile::open(path, TorchLimits{}.max_file_bytes));
  auto arrays = parse_npz(archive.file->bytes(), archive.file);
  if (!arrays) return fail_within(path.string(), std::move(arrays).error());
  forget_pages(*archive.file);  // every checksum was looked at
  DFA_ASSIGN_OR_RETURN(imported.source.sha256, sha256_file(path));
  imported.source.file = path.filename().string();
  imported.source.container = "npz";
  for (auto& [key, tensor] : *arrays) {
    const std::string name = bare_name(key);
    if (std::ranges::any_of(kBeside, [&](std::string_view prefix) { return name.starts_with(prefix); })) {
      imported.report.ignored.push_back(
          fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
      continue;
    }
    if (tensor.dtype == Dtype::f64) tensor = convert_floats(tensor, Dtype::f32);
    if (!archive.tensors.emplace(name, std::move(tensor)).second)
      return fail(ErrorCode::model_format, "{}: two arrays are named {} once {} is stripped", path.string(), name,
                  kTarget);
  }
  return archive;
}

// How many of encoderblock_0, encoderblock_1 ... have a tensor below them.
int count_blocks(const TensorMap& theirs) {
  int blocks = 0;
  while (blocks < kMaxTensorSide) {
    const std::string next = fmt::format("Transformer/encoderblock_{}/", blocks);
    const auto found = theirs.lower_bound(next);
    if (found == theirs.end() || !found->first.starts_with(next)) break;
    ++blocks;
  }
  return blocks;
}

// The head count is in the shapes, for once.
Result<NetworkConfig> infer(const TensorMap& theirs) {
  const ShapeReader shapes(theirs);
  NetworkConfig config;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  DFA_ASSIGN_OR_RETURN(config.dim, shapes.size("cls", 3, 2));
  DFA_ASSIGN_OR_RETURN(config.patch, shapes.size("embedding/kernel", 4, 0));
  config.depth = count_blocks(theirs);
  const std::string block = "Transformer/encoderblock_0/";
  DFA_ASSIGN_OR_RETURN(config.heads, shapes.size(block + "MultiHeadDotProductAttention_1/query/kernel", 3, 1));
  DFA_ASSIGN_OR_RETURN(config.mlp, shapes.size(block + "MlpBlock_3/Dense_1/kernel", 2, 0));
  const std::string positions = "Transformer/posembed_input/pos_embedding";
  DFA_ASSIGN_OR_RETURN(const int rows, shapes.size(positions, 3, 1));
  DFA_ASSIGN_OR_RETURN(const int side, square_side(positions, rows, 1));
  if (std::int64_t{side} * config.patch > kMaxTensorSide)
    return fail(ErrorCode::model_incompatible, "{} and patches of {} give an image of more than {} pixels", positions,
                config.patch, kMaxTensorSide);
  config.image = side * config.patch;
  return config;
}

}  // namespace

Result<Imported> import_google_npz(const std::filesystem::path& path, const ImportSettings& settings) {
  Imported imported;
  Model& model = imported.model;
  tell(settings, "reading");
  DFA_ASSIGN_OR_RETURN(Archive archive, read_archive(path, imported));
  DFA_ASSIGN_OR_RETURN(model.config, infer(archive.tensors));
  const int stored_image = model.config.image;
  for (const std::string& assignment : settings.set) DFA_TRY(set_network_field(model.config, assignment));
  DFA_TRY(check_trunk_config(model.config));
  imported.assumed = trunk_assumptions(model.config, {"activation", "norm_eps"}, settings.set);
  tell(settings, "looking at every value");
  DFA_TRY(adopt_trunk(names_google(at_image(model.config, stored_image)), archive.tensors, stored_image,
                      PositionRule::bilinear, kRefusal, imported, archive.file.get()));
  model.kind = "backbone";
  model.name = model_name(settings, path);
  model.license = license_text(
      settings, "Not stated by the source file. Google published its ViT weights under the Apache License 2.0.");
  model.card = fmt::format("# {}\n\nA ViT trunk imported from {} (SHA-256 {}), to train adapters on.\n", model.name,
                           imported.source.file, imported.source.sha256);
  model.training = provenance_json("google-npz", imported);
  return imported;
}

}  // namespace dfa
