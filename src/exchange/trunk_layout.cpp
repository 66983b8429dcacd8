#include "exchange/trunk_layout.hpp"

#include <algorithm>

#include "exchange/adopt_trunk.hpp"
#include "exchange/names_clip.hpp"
#include "exchange/names_dinov2.hpp"
#include "exchange/names_dinov3.hpp"
#include "exchange/names_openai_clip.hpp"
#include "exchange/shape_reader.hpp"

namespace dfa {
namespace {

constexpr int kHeadWidth = 64;  // of CLIP and DINO up to the large sizes; OpenAI's own rule
constexpr int kRotaryImage = 224;

struct Settled {
  NetworkConfig stored;  // with the picture's side that the file's positions are for
  NetworkConfig config;
  std::vector<std::string> assumed;
};

void apply_stated(const LibraryConfig& stated, const std::vector<std::string>& set, Settled& settled) {
  NetworkConfig& config = settled.config;
  config.heads = stated.heads;
  config.norm_eps = stated.norm_eps;
  if (stated.mlp) config.mlp = *stated.mlp;
  if (stated.registers) config.registers = *stated.registers;
  // Dinov2's gate is always silu, whatever hidden_act says.
  if (!config.gated_mlp || stated.model_type == "dinov3_vit") config.activation = stated.activation;
  if (config.positions == Positions::rotary) config.rotary_base = stated.rotary_base;
  if (config.image == 0 && stated.image) config.image = *stated.image;
  for (const std::string& line : stated.defaults)
    if (!is_set(set, line.substr(0, line.find(' ')))) settled.assumed.push_back(line);
}

void assume_untold(std::string_view library, const std::vector<std::string>& set, Settled& settled) {
  NetworkConfig& config = settled.config;
  const auto assume = [&](std::string_view field, const auto& value, std::string_view why) {
    if (!is_set(set, field)) settled.assumed.push_back(fmt::format("{} = {} ({})", field, value, why));
  };
  if (config.dim % kHeadWidth == 0) {
    config.heads = config.dim / kHeadWidth;
    assume("heads", config.heads, "dim / 64");
  }
  assume("norm_eps", config.norm_eps, library);
  if (config.image == 0) {
    config.image = kRotaryImage;
    assume("image", config.image, "positions are computed: any size can be set");
  }
}

Status require_head_count(const Settled& settled) {
  if (settled.config.heads > 0) return {};
  return fail(ErrorCode::model_incompatible,
              "the number of attention heads cannot be told: dim {} is no multiple of {}, the usual width of a head\n"
              "  next step: say it, as in --set heads=4, or put the library's config.json beside the file",
              settled.config.dim, kHeadWidth);
}

Result<Settled> settle(const NetworkConfig& sizes, const TrunkSource& source, const std::vector<std::string>& set) {
  Settled settled{.stored = sizes, .config = sizes, .assumed = {}};
  if (source.stated) {
    DFA_TRY(check_against_shapes(*source.stated, sizes));
    apply_stated(*source.stated, set, settled);
  } else {
    assume_untold(source.layout->library, set, settled);
  }
  for (const std::string& assignment : set) DFA_TRY(set_network_field(settled.config, assignment));
  NetworkConfig& config = settled.config;
  if (config.gba || config.lsa || config.readout != Readout::cls)
    return fail(ErrorCode::usage,
                "these weights are a trunk whose class token is read: gba, lsa and readout cannot be set");
  DFA_TRY(require_head_count(settled));
  DFA_TRY(check_config(config));
  settled.stored = config;
  if (sizes.image > 0) settled.stored.image = sizes.image;
  DFA_TRY(check_config(settled.stored));
  return settled;
}

std::vector<std::string> drop_ignored(TensorMap& tensors, const std::vector<std::string>& prefixes) {
  std::vector<std::string> dropped;
  std::erase_if(tensors, [&](const auto& entry) {
    const std::string& name = entry.first;
    const Tensor& tensor = entry.second;
    const bool ignored = std::ranges::any_of(prefixes, [&](const auto& prefix) { return name.starts_with(prefix); });
    if (ignored) dropped.push_back(fmt::format("{} ({} {})", name, dtype_name(tensor.dtype), shape_text(tensor.shape)));
    return ignored;
  });
  return dropped;
}

void add_head(const std::string& name, const NetworkConfig& config, NameMap& map) {
  const std::int64_t classes = config.classes, dim = config.dim;
  map.push_back({"head.1.weight", {classes, dim}, {{name + ".weight", {classes, dim}}}});
  map.push_back({"head.1.bias", {classes}, {{name + ".bias", {classes}}}});
}

constexpr Refusal kRefusal = {
    .likely_cause = "another network, a file that holds a part of the weights, or a library version whose names differ",
    .next_step = "compare the lists above with docs/zoo.md; sizes that the shapes do not tell are given by --set"};

}  // namespace

const TrunkLayout kClipLayout = {.library = "CLIP's",
                                 .sizes = clip_sizes,
                                 .names = [](const NetworkConfig& config, const TensorMap&, const std::string& prefix) {
                                   return names_clip(config, prefix);
                                 }};
const TrunkLayout kOpenaiClipLayout = {
    .library = "CLIP's",
    .sizes = [](const TensorMap& theirs, const std::string&) { return openai_clip_sizes(theirs); },
    .names = [](const NetworkConfig& config, const TensorMap&,
                const std::string&) { return names_openai_clip(config); }};
const TrunkLayout kDinov2Layout = {.library = "DINOv2's",
                                   .sizes = dinov2_sizes,
                                   .names = [](const NetworkConfig& config, const TensorMap&,
                                               const std::string& prefix) { return names_dinov2(config, prefix); },
                                   .positions_with_registers = PositionRule::bicubic_antialias};
const TrunkLayout kDinov3Layout = {
    .library = "DINOv3's",
    .sizes = dinov3_sizes,
    .names = [](const NetworkConfig& config, const TensorMap& theirs, const std::string& prefix) {
      return names_dinov3(config, prefix, dinov3_biases(theirs, prefix));
    }};

bool is_set(const std::vector<std::string>& set, std::string_view key) {
  return std::ranges::any_of(
      set, [&](std::string_view assignment) { return assignment.substr(0, assignment.find('=')) == key; });
}

Status take_trunk(Imported& imported, TensorMap theirs, const TrunkSource& source, const ImportSettings& settings) {
  const TrunkLayout& layout = *source.layout;
  DFA_ASSIGN_OR_RETURN(NetworkConfig sizes, layout.sizes(theirs, source.prefix));
  if (!source.head.empty()) {
    sizes.head = source.head_kind;
    DFA_ASSIGN_OR_RETURN(sizes.classes, ShapeReader(theirs).size(source.head + ".bias", 1, 0));
  }
  DFA_ASSIGN_OR_RETURN(const Settled settled, settle(sizes, source, settings.set));
  imported.model.config = settled.config;
  imported.assumed.insert(imported.assumed.end(), settled.assumed.begin(), settled.assumed.end());
  imported.report.ignored = drop_ignored(theirs, source.ignored_prefixes);
  NameMap map = layout.names(settled.stored, theirs, source.prefix);
  if (!source.head.empty()) add_head(source.head, settled.stored, map);
  tell(settings, "looking at every value");
  DFA_TRY(adopt_trunk(map, theirs, settled.stored.image,
                      settled.stored.registers > 0 ? layout.positions_with_registers : layout.positions, kRefusal,
                      imported));
  return check_weights(source.head.empty() ? trunk_parameters(settled.config) : network_parameters(settled.config),
                       imported.model.weights);
}

}  // namespace dfa
