#include "exchange/library_config.hpp"

#include <fmt/format.h>

#include "base/file.hpp"
#include "exchange/shape_reader.hpp"
#include "model/strict_json.hpp"

namespace dfa {
namespace {

// A kind of model and what its configuration class assumes.
struct KnownType {
  std::string_view model_type;
  int heads;
  Activation activation;
  double norm_eps;
};
constexpr std::string_view kClip = "clip";  // vision and text; the vision tower's fields lie below vision_config
constexpr std::string_view kClipVision = "clip_vision_model";
constexpr KnownType kTypes[] = {{kClipVision, 12, Activation::quick_gelu, 1e-5},
                                {"dinov2", 12, Activation::gelu, 1e-6},
                                {"dinov2_with_registers", 12, Activation::gelu, 1e-6},
                                {"dinov3_vit", 6, Activation::gelu, 1e-5}};
constexpr double kRotaryBase = 100;

struct ActivationWord {
  std::string_view word;
  Activation activation;
};
constexpr ActivationWord kActivations[] = {
    {"gelu", Activation::gelu}, {"quick_gelu", Activation::quick_gelu}, {"silu", Activation::silu}};

Result<const KnownType*> known_type(std::string_view name) {
  std::string names(kClip);
  for (const KnownType& known : kTypes) {
    if (known.model_type == name) return &known;
    names += fmt::format(", {}", known.model_type);
  }
  return fail(ErrorCode::model_incompatible,
              "model_type is \"{}\", which has no trunk that this program computes; known: {}\n"
              "  likely cause: another kind of model\n  next step: see docs/zoo.md for what can be imported",
              name.substr(0, 60), names);
}

Status read_size(RecordReader& reader, const std::string& key, std::optional<int>& field) {
  if (!reader.has(key)) return {};
  DFA_ASSIGN_OR_RETURN(const std::int64_t value, reader.integer(key, 1, kMaxTensorSide));
  field = static_cast<int>(value);
  return {};
}

Status read_sizes(RecordReader& reader, LibraryConfig& stated) {
  DFA_TRY(read_size(reader, "image_size", stated.image));
  DFA_TRY(read_size(reader, "patch_size", stated.patch));
  DFA_TRY(read_size(reader, "hidden_size", stated.dim));
  DFA_TRY(read_size(reader, "num_hidden_layers", stated.depth));
  DFA_TRY(read_size(reader, "intermediate_size", stated.mlp));
  if (reader.has("num_register_tokens")) {
    DFA_ASSIGN_OR_RETURN(const std::int64_t count, reader.integer("num_register_tokens", 0, kMaxTensorSide));
    stated.registers = static_cast<int>(count);
  }
  for (const char* key : {"use_swiglu_ffn", "use_gated_mlp"})
    if (reader.has(key)) {
      DFA_ASSIGN_OR_RETURN(stated.gated_mlp, reader.boolean(key));
    }
  return {};
}

Result<Activation> read_activation(RecordReader& reader) {
  DFA_ASSIGN_OR_RETURN(const std::string word, reader.text("hidden_act"));
  for (const ActivationWord& known : kActivations)
    if (known.word == word) return known.activation;
  return reader.refuse("hidden_act", "gelu, quick_gelu or silu");
}

// What no shape tells, with the class's default where the file says nothing.
Status read_untold(RecordReader& reader, const KnownType& type, LibraryConfig& stated) {
  const auto assume = [&](std::string_view field, const auto& value) {
    stated.defaults.push_back(fmt::format("{} = {} (transformers' default for {})", field, value, type.model_type));
  };
  stated.heads = type.heads;
  if (reader.has("num_attention_heads")) {
    DFA_ASSIGN_OR_RETURN(const std::int64_t heads, reader.integer("num_attention_heads", 1, kMaxTensorSide));
    stated.heads = static_cast<int>(heads);
  } else {
    assume("heads", type.heads);
  }
  stated.activation = type.activation;
  if (reader.has("hidden_act")) {
    DFA_ASSIGN_OR_RETURN(stated.activation, read_activation(reader));
  }
  stated.norm_eps = type.norm_eps;
  if (reader.has("layer_norm_eps")) {
    DFA_ASSIGN_OR_RETURN(stated.norm_eps, reader.number("layer_norm_eps", 0, 1));
  } else {
    assume("norm_eps", type.norm_eps);
  }
  stated.rotary_base = kRotaryBase;
  if (reader.has("rope_theta")) {
    DFA_ASSIGN_OR_RETURN(stated.rotary_base, reader.number("rope_theta", 0, 1e9));
  }
  return {};
}

Result<LibraryConfig> parse_library_config(const std::string& text, const std::string& what) {
  DFA_ASSIGN_OR_RETURN(const Json json, parse_record(text, what));
  RecordReader reader(json, what);
  LibraryConfig stated;
  DFA_ASSIGN_OR_RETURN(stated.model_type, reader.text("model_type"));
  const Json nothing = Json::object();
  const Json* fields = &json;
  if (stated.model_type == kClip) {
    fields = &nothing;
    stated.model_type = kClipVision;
    if (reader.has("vision_config")) {
      DFA_ASSIGN_OR_RETURN(fields, reader.object("vision_config"));
    }
  }
  DFA_ASSIGN_OR_RETURN(const KnownType* type, known_type(stated.model_type));
  RecordReader trunk(*fields, fields == &json ? what : what + " vision_config");
  DFA_TRY(read_sizes(trunk, stated));
  DFA_TRY(read_untold(trunk, *type, stated));
  return stated;
}

}  // namespace

Result<LibraryConfig> read_library_config(const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxRecordBytes));
  auto stated = parse_library_config(text, path.filename().string());
  if (!stated) return fail_within(path.string(), std::move(stated).error());
  return stated;
}

Status check_against_shapes(const LibraryConfig& stated, const NetworkConfig& shapes) {
  std::string differences;
  const auto compare = [&](std::string_view key, const auto& said, auto found) {
    if (said && *said != found)
      differences += fmt::format("{}{}: {} against {}", differences.empty() ? "" : "; ", key, *said, found);
  };
  // A table of positions tells the picture's side; computed positions fit any.
  if (shapes.positions == Positions::learned) compare("image_size", stated.image, shapes.image);
  compare("patch_size", stated.patch, shapes.patch);
  compare("hidden_size", stated.dim, shapes.dim);
  compare("num_hidden_layers", stated.depth, shapes.depth);
  compare("a gated MLP", stated.gated_mlp, shapes.gated_mlp);
  if (differences.empty()) return {};
  return fail(ErrorCode::model_incompatible,
              "config.json and the tensors contradict each other ({})\n"
              "  likely cause: the two files belong to different models\n  next step: fetch both files again",
              differences);
}

}  // namespace dfa
