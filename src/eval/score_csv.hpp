// Scores as CSV: what `--scores` and `--out` write, and what `--from` reads, from this program or another.
//
// Columns: path, label and p_fake are required; method, video, set, identity, outcome, frame, margin and problem may be
// there. A header is required; columns come in any order, unknown ones are named in a note and left alone.
//   label     0 or real, 1 or fake, empty = unknown
//   p_fake    in [0, 1]; with --logits any finite number. Empty where nothing was measured: then outcome says why
//   outcome   scored, no_face, low_quality, decode_error or abstained; empty = scored
//   video     what belongs together; empty = the path itself. Without the column, numbered files of one folder count as
//             one video, as in manifests. '\' becomes '/', doubled separators and "." parts go
//   margin    l1 - l0 before calibration, where the logits are known
#pragma once

#include <filesystem>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "base/csv.hpp"
#include "base/result.hpp"
#include "eval/evaluation.hpp"
#include "eval/score_table.hpp"

namespace dfa {

// What the column p_fake holds.
enum class ScoreScale {
  probability,  // in [0, 1]
  logit         // l1 - l0, or any score that the sigmoid turns into a probability
};

struct ScoreCsvOptions {
  ScoreScale scale = ScoreScale::probability;
  std::string set;  // of rows that name none
  std::size_t max_rows = 100'000'000;
  CsvLimits csv;
};

// What a file says besides its rows.
struct ScoreCsvReading {
  std::vector<std::string> notes;  // unknown columns, how videos were told apart
  // counted: every row states its outcome, so the writer kept count of what it could not score; unknown otherwise.
  DroppedInputs dropped = DroppedInputs::unknown;
};

// Adds the rows of `stream` to `table`; memory is that of the table's columns and 16 bytes a row. Errors, each with
// `what` and the line: manifest_invalid (no or a broken header, a value outside its range, a number without outcome
// scored or the other way round, a video of two labels, a row given twice), limit_exceeded, file_unreadable.
Result<ScoreCsvReading> read_scores_csv(std::istream& stream, std::string_view what, const ScoreCsvOptions& options,
                                        ScoreTable& table);
// The same of a file. Errors: also file_not_found.
Result<ScoreCsvReading> read_scores_file(const std::filesystem::path& path, const ScoreCsvOptions& options,
                                         ScoreTable& table);

// A row an item, in the table's order; numbers with 17 significant digits, so that they read back as the same. Where
// inputs were dropped without a trace, scored rows state no outcome.
Status write_scores_csv(const ScoreTable& table, DroppedInputs dropped, const std::filesystem::path& path);
// A row a video: video,set,method,label,p_fake,crops,scored_crops; p_fake by `options`, empty where there is none.
Status write_videos_csv(const ScoreTable& table, const LevelOptions& options, const std::filesystem::path& path);

// '\' as '/', no doubled separators, no "." parts: one spelling of one path.
std::string one_spelling(std::string_view path);

}  // namespace dfa
