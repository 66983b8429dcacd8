#include "eval/prepared_data.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "prepare/item_result.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

constexpr const char* kCoverageName = "coverage.json";
constexpr const char* kSchema = "dfa.coverage/1";
constexpr std::uint64_t kMaxBytes = 1ull << 30;

std::optional<int> label_by_name(const std::string& name) {
  if (name == "real") return 0;
  if (name == "fake") return 1;
  return std::nullopt;
}

// Items that are too small or uncertain were seen, but may not be scored.
Outcome outcome_by_name(const std::string& name) {
  if (name == item_outcome_name(ItemOutcome::no_face)) return Outcome::no_face;
  if (name == item_outcome_name(ItemOutcome::unreadable)) return Outcome::decode_error;
  return Outcome::low_quality;
}

// Throws nlohmann's exceptions for what is not there or of another type.
MissingInput missing_input(const Json& json) {
  MissingInput missing;
  missing.path = json.at("path").get<std::string>();
  missing.label = label_by_name(json.at("label").get<std::string>());
  missing.method = json.at("method").get<std::string>();
  missing.set = json.at("set").get<std::string>();
  missing.identity = json.at("identity").get<std::string>();
  missing.outcome = outcome_by_name(json.at("outcome").get<std::string>());
  missing.reason = json.at("reason").get<std::string>();
  const Result<Role> role = role_by_name(json.at("role").get<std::string>());
  if (!role) throw Json::other_error::create(0, role.error().message, &json);
  missing.role = *role;
  return missing;
}

PreparedData prepared_data(const Json& json) {
  PreparedData data;
  data.layout = json.at("layout").get<std::string>();
  data.reading = json.at("reading").get<std::vector<std::string>>();
  data.compressions = json.at("compressions").get<std::vector<std::string>>();
  const Json& frames = json.at("all").at("frames");
  data.frames_wanted = frames.at("wanted").get<std::int64_t>();
  data.frames_used = frames.at("used").get<std::int64_t>();
  for (const Json& item : json.at("missing")) data.missing.push_back(missing_input(item));
  return data;
}

}  // namespace

Result<std::optional<PreparedData>> read_prepared_data(const std::filesystem::path& manifest) {
  const std::filesystem::path file = manifest.parent_path() / kCoverageName;
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return std::optional<PreparedData>();
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(file, kMaxBytes));
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return fail(ErrorCode::manifest_invalid, "{}: no JSON, expected what dfa prepare writes", file.string());
  // Other commands write a coverage.json of their own form; older ones of dfa prepare know no roles.
  if (!json.is_object() || json.value("schema", "") != kSchema || !json.contains("compressions"))
    return std::optional<PreparedData>();
  try {
    return std::optional<PreparedData>(prepared_data(json));
  } catch (const Json::exception& broken) {
    return fail(ErrorCode::manifest_invalid, "{}: damaged ({})\n  next step: dfa prepare again", file.string(),
                broken.what());
  }
}

ScoreRow row_of(const MissingInput& missing, std::string_view video) {
  ScoreRow row;
  row.path = missing.path;
  row.set = missing.set;
  row.method = missing.method;
  row.video = video;
  row.identity = missing.identity;
  row.problem = missing.reason;
  row.label = missing.label;
  row.outcome = missing.outcome;
  return row;
}

bool drops_without_trace(const PreparedData& data) {
  return data.layout == "dfb" || data.layout == "official";
}

}  // namespace dfa
