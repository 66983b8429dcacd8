// How other libraries lay a trunk out, and the steps that taking one out of a file consists of. Private to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/import.hpp"
#include "exchange/library_config.hpp"
#include "exchange/name_map.hpp"
#include "exchange/resample_positions.hpp"

namespace dfa {

struct TrunkLayout {
  std::string_view library;  // "CLIP", for messages
  // Sizes by the shapes of what lies below a prefix; see clip_sizes.
  Result<NetworkConfig> (*sizes)(const TensorMap& theirs, const std::string& prefix);
  // Names for `config`; `theirs` tells which optional tensors a file has.
  NameMap (*names)(const NetworkConfig& config, const TensorMap& theirs, const std::string& prefix);
  // How its library brings learned positions to another picture's size; with register tokens, where they differ.
  PositionRule positions = PositionRule::bicubic;
  PositionRule positions_with_registers = PositionRule::bicubic;
};

extern const TrunkLayout kClipLayout;        // transformers' CLIP
extern const TrunkLayout kOpenaiClipLayout;  // OpenAI's; the prefix is of no meaning
extern const TrunkLayout kDinov2Layout;
extern const TrunkLayout kDinov3Layout;

// Which trunk of a file, and what is known of it besides its shapes.
struct TrunkSource {
  const TrunkLayout* layout = nullptr;
  std::string prefix = {};
  std::optional<LibraryConfig> stated = {};
  // Left alone by name; their shapes do not matter.
  std::vector<std::string> ignored_prefixes = {};
  // A detector's linear layer beside the trunk, `head`.weight (classes, D) and `head`.bias; empty for a backbone.
  std::string head = {};
  HeadKind head_kind = HeadKind::linear;
};

// Fills configuration, weights, report and what was assumed of `imported`. `--set` comes last; an image size set there
// resamples positions. Errors: model_incompatible, model_tensors with the four lists, usage.
Status take_trunk(Imported& imported, TensorMap theirs, const TrunkSource& source, const ImportSettings& settings);

// Whether `set` assigns the field.
bool is_set(const std::vector<std::string>& set, std::string_view key);

}  // namespace dfa
