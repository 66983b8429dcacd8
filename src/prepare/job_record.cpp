#include "prepare/job_record.hpp"

#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.hpp"
#include "prepare/output_names.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

std::string words(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// "faces.min_side_px: 40 before, 60 now; ..."; objects are compared field by field.
std::string difference(const Json& before, const Json& now, const std::string& prefix) {
  std::string text;
  const auto note = [&](const std::string& name, const std::string& was, const std::string& is) {
    text += fmt::format("{}{}: {} before, {} now", text.empty() ? "" : "; ", name, was, is);
  };
  for (const auto& [key, value] : now.items()) {
    const std::string name = prefix + key;
    if (!before.contains(key))
      note(name, "nothing", words(value));
    else if (value.is_object() && before.at(key).is_object())
      text += (text.empty() ? "" : "; ") + difference(before.at(key), value, name + ".");
    else if (before.at(key) != value)
      note(name, words(before.at(key)), words(value));
    if (text.ends_with("; ")) text.resize(text.size() - 2);
  }
  for (const auto& [key, value] : before.items())
    if (!now.contains(key)) note(prefix + key, words(value), "nothing");
  return text;
}

Status make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) return {};
  return fail(ErrorCode::file_unwritable, "{}: cannot be created ({})", folder.string(), error.message());
}

bool holds_something(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder, error) && !std::filesystem::is_empty(folder, error);
}

Json points_json(const CropPointFinder* points) {
  if (points == nullptr) return "none";
  return {{"name", points->name()}, {"model_sha256", points->model_sha256()}};
}

}  // namespace

std::string job_record(const SourceList& list, const PrepareOptions& options, const ItemTools& tools) {
  std::error_code error;
  const std::filesystem::path root = std::filesystem::weakly_canonical(list.root, error);
  const Json record = {
      {"schema", "dfa.prepare/1"},
      {"tool", options.tool},
      {"layout", list.layout},
      {"root", error ? list.root.string() : root.string()},
      {"crop", Json::parse(crop_recipe_json(options.recipe))},
      {"detector", {{"name", tools.detector->name()}, {"weights_sha256", tools.detector->weights_sha256()}}},
      {"faces",
       {{"min_probability", options.faces.min_probability},
        {"min_side_px", options.faces.min_side_px},
        {"max_faces", options.max_faces}}},
      {"masks", options.masks == MaskUse::crop ? "crop" : "ignore"},
      {"landmarks68", points_json(tools.points.get())}};
  return record.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status agree_on_job(const std::filesystem::path& out, const std::string& record) {
  const std::filesystem::path state = out / kStateFolder, file = state / kJobRecordName;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    if (holds_something(out) && !std::filesystem::exists(state, error))
      return fail(ErrorCode::file_unwritable,
                  "{}: holds other files, and nothing that was begun by dfa prepare\n  next step: give an empty or a "
                  "new folder with --out",
                  out.string());
    DFA_TRY(make_folder(state));
    return write_file_atomically(file, record);
  }
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(file, kMaxJobRecordBytes));
  const Json before = Json::parse(text, nullptr, false), now = Json::parse(record);
  if (!before.is_object())
    return fail(ErrorCode::file_unreadable, "{}: is damaged\n  next step: start again with a new --out", file.string());
  if (before == now) return {};
  return fail(ErrorCode::recipe_mismatch,
              "{}: was begun with other settings ({})\n  next step: repeat the first command, or give a new --out",
              out.string(), difference(before, now, ""));
}

}  // namespace dfa
