#include "exchange/export.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "model/strict_json.hpp"

namespace dfa {
namespace {

// Shown of a long list; the JSON form holds all of it.
constexpr std::size_t kShown = 20;

}  // namespace

Result<Model> model_to_export(const ExportSettings& settings) {
  if (settings.model.empty()) return embedded_model();
  auto model = load_model(settings.model);
  if (!model) return tl::unexpected(model_error(std::move(model).error()));
  return model;
}

Error model_error(Error error) {
  if (error.code == ErrorCode::file_not_found || error.code == ErrorCode::file_unreadable)
    error.code = ErrorCode::model_missing;
  return error;
}

Status check_taken(const ExportSettings& settings, std::string_view form, TakesBase base, TakesDtype dtype) {
  if (base == TakesBase::no && !settings.base.empty())
    return fail(ErrorCode::usage, "--to {} takes no --base\n  next step: leave it out", form);
  if (dtype == TakesDtype::no && settings.weights_dtype)
    return fail(ErrorCode::usage, "--to {} takes no --dtype: its type of weights is fixed\n  next step: leave it out",
                form);
  return {};
}

void leave_out_scales(const Model& model, Exported& exported) {
  if (model.quantised)
    exported.left_out.push_back("quant.*, dfa.quant: int8 scales are for whole detectors in this program's own form");
}

Result<ExportedFile> exported_file(const std::filesystem::path& path) {
  ExportedFile file{.path = path, .bytes = 0, .sha256 = {}};
  std::error_code error;
  file.bytes = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorCode::file_unreadable, "{}: {}", path.string(), error.message());
  DFA_ASSIGN_OR_RETURN(file.sha256, sha256_file(path));
  return file;
}

std::string export_text(const Exported& exported) {
  std::string text = fmt::format("{}: {} tensors\n", exported.name, exported.tensors);
  for (const std::string& fact : exported.facts) text += fact + "\n";
  text += exported.report;
  if (!exported.left_out.empty()) text += fmt::format("left out ({})\n", exported.left_out.size());
  const std::size_t shown = std::min(kShown, exported.left_out.size());
  for (std::size_t i = 0; i < shown; ++i) text += "  " + exported.left_out[i] + "\n";
  if (shown < exported.left_out.size()) text += fmt::format("  ... and {} more\n", exported.left_out.size() - shown);
  for (const ExportedFile& file : exported.files)
    text += fmt::format("written: {}, {} bytes, sha256 {}\n", file.path.string(), file.bytes, file.sha256);
  return text;
}

std::string export_json(const Exported& exported, std::string_view form) {
  Json files = Json::array();
  for (const ExportedFile& file : exported.files)
    files.push_back(Json::object({{"file", file.path.string()}, {"bytes", file.bytes}, {"sha256", file.sha256}}));
  Json json = Json::object({{"schema", "dfa.exported/1"},
                            {"form", form},
                            {"name", exported.name},
                            {"tensors", exported.tensors},
                            {"facts", exported.facts},
                            {"left_out", exported.left_out},
                            {"files", std::move(files)}});
  if (!exported.record.empty()) json["record"] = Json::parse(exported.record, nullptr, false);
  return json_text(json);
}

}  // namespace dfa
