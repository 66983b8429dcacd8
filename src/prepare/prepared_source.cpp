#include "prepare/prepared_source.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "prepare/job_record.hpp"
#include "prepare/output_names.hpp"

namespace dfa {
namespace {

using Json = nlohmann::ordered_json;

// Json::at and get throw on what is missing or of another type.
Result<PreparedSource> read_source(const Json& json) {
  PreparedSource source;
  source.root = json.at("root").get<std::string>();
  DFA_ASSIGN_OR_RETURN(source.recipe, parse_crop_recipe(json.at("crop").dump()));
  source.faces.min_probability = json.at("faces").at("min_probability").get<double>();
  source.faces.min_side_px = json.at("faces").at("min_side_px").get<int>();
  return source;
}

}  // namespace

Result<std::optional<PreparedSource>> read_prepared_source(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / kStateFolder / kJobRecordName;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::optional<PreparedSource>();
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(file, kMaxJobRecordBytes));
  try {
    DFA_ASSIGN_OR_RETURN(PreparedSource source, read_source(Json::parse(text)));
    return std::optional(std::move(source));
  } catch (const Json::exception& problem) {
    return fail(ErrorCode::file_unreadable, "{}: is no record of a preparation ({})", file.string(), problem.what());
  }
}

}  // namespace dfa
