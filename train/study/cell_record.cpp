#include "train/study/cell_record.hpp"

#include <nlohmann/json.hpp>

#include "base/file.hpp"

namespace dfa::train {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "dfa.study.cell/1";
constexpr std::uint64_t kMaxRecordBytes = 1 << 20;

std::string dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Status write_cell_record(const std::filesystem::path& folder, const CellRecord& record) {
  Json tests = Json::array();
  for (const CellTest& test : record.tests)
    tests.push_back({{"name", test.name}, {"scores", test.scores_file}, {"sha256", test.scores_sha256}});
  const Json json = {{"schema", kSchema},
                     {"definition_sha256", record.definition_sha256},
                     {"model_sha256", record.model_sha256},
                     {"best_val_auc", record.best_val_auc},
                     {"best_epoch", record.best_epoch},
                     {"deviations", record.deviations},
                     {"tests", tests}};
  return write_file_atomically(folder / kCellFile, dump(json));
}

Result<std::optional<CellRecord>> read_cell_record(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kCellFile;
  if (!std::filesystem::exists(path)) return std::optional<CellRecord>();
  DFA_ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxRecordBytes));
  const Json json = Json::parse(text, nullptr, false);
  CellRecord record;
  try {
    if (json.at("schema") != kSchema)
      return fail(ErrorCode::model_format, "{}: schema {}, expected {}", path.string(), json.at("schema").dump(),
                  kSchema);
    json.at("definition_sha256").get_to(record.definition_sha256);
    json.at("model_sha256").get_to(record.model_sha256);
    json.at("best_val_auc").get_to(record.best_val_auc);
    json.at("best_epoch").get_to(record.best_epoch);
    json.at("deviations").get_to(record.deviations);
    for (const Json& test : json.at("tests"))
      record.tests.push_back({test.at("name").get<std::string>(), test.at("scores").get<std::string>(),
                              test.at("sha256").get<std::string>()});
  } catch (const Json::exception& error) {
    return fail(ErrorCode::model_format, "{}: damaged: {}\n  next step: remove it, and the cell is evaluated again",
                path.string(), error.what());
  }
  return std::optional(std::move(record));
}

Status write_cell_failure(const std::filesystem::path& folder, const CellFailure& failure) {
  const Json json = {{"schema", "dfa.study.failure/1"},
                     {"cell", failure.cell},
                     {"exit_status", failure.exit_status},
                     {"cause", failure.cause}};
  return write_file_atomically(folder / kFailureFile, dump(json));
}

}  // namespace dfa::train
