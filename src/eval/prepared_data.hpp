// What `dfa prepare` wrote beside a manifest (coverage.json) and evaluation must know: items of the data set that gave
// no crop, and how the data set was read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "eval/score_table.hpp"
#include "score/result.hpp"

namespace dfa {

// An item that gave no crop. It has no score and never gets one; it counts in the coverage.
struct MissingInput {
  std::string path;  // of the item in its data set
  std::optional<int> label;
  std::string method, set, identity;
  Role role = Role::test;
  Outcome outcome = Outcome::no_face;
  std::string reason;
};
// As a row without a score; views into `missing` and `video` (the key of its video).
ScoreRow row_of(const MissingInput& missing, std::string_view video);

struct PreparedData {
  std::string layout;
  std::vector<std::string> reading;       // split file used, label source, real-class rule
  std::vector<std::string> compressions;  // levels of the items
  std::vector<MissingInput> missing;      // of all roles
  std::int64_t frames_wanted = 0, frames_used = 0;
};

// The layouts whose own tools drop frames without a face before we see them: coverage is then unknown.
bool drops_without_trace(const PreparedData& data);

// Of the coverage.json in the manifest's folder; nothing where there is none, or one of another program or of a version
// that does not say which role the missing items had: then coverage is unknown. Errors: manifest_invalid for a
// dfa.coverage/1 that is damaged, limit_exceeded, file_unreadable.
Result<std::optional<PreparedData>> read_prepared_data(const std::filesystem::path& manifest);

}  // namespace dfa
