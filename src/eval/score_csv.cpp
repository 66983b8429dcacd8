#include "eval/score_csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>

#include "dataset/layouts/words.hpp"
#include "dataset/manifest.hpp"

namespace dfa {
namespace {

enum Column { kPath, kLabel, kScore, kMethod, kVideo, kSet, kIdentity, kOutcome, kFrame, kMargin, kProblem, kColumns };
constexpr std::array<std::string_view, kColumns> kNames = {"path",     "label",   "p_fake", "method", "video",  "set",
                                                           "identity", "outcome", "frame",  "margin", "problem"};
constexpr std::array kRequired = {kPath, kLabel, kScore};
constexpr std::array kOutcomes = {Outcome::scored, Outcome::no_face, Outcome::low_quality, Outcome::decode_error,
                                  Outcome::abstained};
constexpr std::size_t kShownBytes = 80;  // of a value, in messages

std::string_view shown(std::string_view text) {
  return text.substr(0, kShownBytes);
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  T value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

double sigmoid(double logit) {
  return logit >= 0 ? 1 / (1 + std::exp(-logit)) : std::exp(logit) / (1 + std::exp(logit));
}

// Where each known column stands.
struct Header {
  std::array<std::optional<std::size_t>, kColumns> place;
  std::size_t fields = 0;
  bool has(Column column) const { return place[column].has_value(); }
  std::string_view of(Column column, std::span<const std::string_view> record) const {
    return has(column) ? record[*place[column]] : std::string_view();
  }
};

Result<Header> read_header(CsvReader& csv, std::vector<std::string>& notes) {
  DFA_ASSIGN_OR_RETURN(const std::span<const std::string_view> names, csv.next());
  Header header;
  header.fields = names.size();
  std::string unknown;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = std::find(kNames.begin(), kNames.end(), names[i]);
    if (found == kNames.end()) {
      unknown += fmt::format("{}{}", unknown.empty() ? "" : ", ", shown(names[i]));
      continue;
    }
    auto& place = header.place[static_cast<std::size_t>(found - kNames.begin())];
    if (place) return csv.invalid("column \"{}\" comes twice in the header", names[i]);
    place = i;
  }
  for (const Column column : kRequired)
    if (!header.has(column))
      return csv.invalid("the header has no column \"{}\", expected at least path,label,p_fake\n  got: {}",
                         kNames[column], shown(fmt::format("{}", fmt::join(names, ","))));
  if (!unknown.empty()) notes.push_back(fmt::format("columns that are not known and not read: {}", unknown));
  return header;
}

Result<std::optional<int>> read_label(const CsvReader& csv, std::string_view text) {
  if (text.empty()) return std::optional<int>();
  if (text == "0" || text == "real") return std::optional<int>(0);
  if (text == "1" || text == "fake") return std::optional<int>(1);
  return csv.invalid("label is \"{}\", expected 0 or real, 1 or fake, or nothing", shown(text));
}

Result<Outcome> read_outcome(const CsvReader& csv, std::string_view text, bool has_score) {
  if (text.empty()) {
    if (has_score) return Outcome::scored;
    return csv.invalid(
        "p_fake is empty and no outcome says why, expected outcome no_face, low_quality, decode_error or abstained\n"
        "  next step: add a column \"outcome\"; an item without a score is counted, never scored");
  }
  const auto found =
      std::find_if(kOutcomes.begin(), kOutcomes.end(), [&](Outcome outcome) { return outcome_name(outcome) == text; });
  if (found == kOutcomes.end())
    return csv.invalid("outcome is \"{}\", expected scored, no_face, low_quality, decode_error or abstained",
                       shown(text));
  if (has_score && *found != Outcome::scored)
    return csv.invalid("p_fake is given with outcome {}: only scored items carry a number", text);
  if (!has_score && *found == Outcome::scored) return csv.invalid("outcome is scored and p_fake is empty");
  return *found;
}

// p_fake and, of logits, the margin.
Status read_score(const CsvReader& csv, std::string_view text, ScoreScale scale, ScoreRow& row) {
  if (text.empty()) return {};
  const std::optional<double> value = parse_number<double>(text);
  if (!value || !std::isfinite(*value))
    return csv.invalid("p_fake is \"{}\", expected a finite number or nothing", shown(text));
  if (scale == ScoreScale::logit) {
    row.margin = *value;
    row.p_fake = sigmoid(*value);
    return {};
  }
  if (*value < 0 || *value > 1)
    return csv.invalid(
        "p_fake is {}, expected a number from 0 to 1\n  likely cause: the column holds logits\n"
        "  next step: --logits, if they grow towards fake",
        shown(text));
  row.p_fake = *value;
  return {};
}

// Reads records into rows, and remembers their identity by a hash so that none is counted twice.
class RowReader {
 public:
  RowReader(CsvReader& csv, const Header& header, const ScoreCsvOptions& options)
      : csv_(csv), header_(header), options_(options) {}

  Status read(std::span<const std::string_view> record, ScoreTable& table) {
    if (record.size() != header_.fields)
      return csv_.invalid("{} fields, the header has {}", record.size(), header_.fields);
    ScoreRow row;
    row.path = header_.of(kPath, record);
    if (row.path.empty()) return csv_.invalid("path is empty");
    DFA_ASSIGN_OR_RETURN(row.label, read_label(csv_, header_.of(kLabel, record)));
    DFA_TRY(read_score(csv_, header_.of(kScore, record), options_.scale, row));
    const std::string_view outcome = header_.of(kOutcome, record);
    if (outcome.empty()) outcomes_stated_ = false;
    DFA_ASSIGN_OR_RETURN(row.outcome, read_outcome(csv_, outcome, row.p_fake.has_value()));
    DFA_TRY(read_numbers(record, row));
    row.method = header_.of(kMethod, record);
    row.identity = header_.of(kIdentity, record);
    row.problem = header_.of(kProblem, record);
    const std::string_view set = header_.of(kSet, record);
    row.set = set.empty() ? std::string_view(options_.set) : set;
    video_of(record, row);
    row.video = video_;
    remember(row);
    if (const Status added = table.add(row); !added) return csv_.invalid("{}", added.error().message);
    return {};
  }

  bool each_states_its_outcome() const { return outcomes_stated_ && !seen_.empty(); }

  // Errors: manifest_invalid when a row came twice.
  Status check_unique() {
    std::sort(seen_.begin(), seen_.end());
    const auto twice =
        std::adjacent_find(seen_.begin(), seen_.end(), [](const Seen& a, const Seen& b) { return a.hash == b.hash; });
    if (twice == seen_.end()) return {};
    return csv_.invalid(
        "line {} gives the video, path and frame of line {} again, expected each item once\n"
        "  next step: one line for each crop, told apart by path or by a column \"frame\"",
        std::next(twice)->line, twice->line);
  }

 private:
  Status read_numbers(std::span<const std::string_view> record, ScoreRow& row) const {
    if (const std::string_view text = header_.of(kFrame, record); !text.empty()) {
      row.frame = parse_number<std::int64_t>(text);
      if (!row.frame || *row.frame < 0)
        return csv_.invalid("frame is \"{}\", expected a whole number from 0", shown(text));
    }
    if (const std::string_view text = header_.of(kMargin, record); !text.empty()) {
      row.margin = parse_number<double>(text);
      if (!row.margin || !std::isfinite(*row.margin))
        return csv_.invalid("margin is \"{}\", expected a finite number", shown(text));
    }
    return {};
  }

  void video_of(std::span<const std::string_view> record, const ScoreRow& row) {
    if (const std::string_view named = header_.of(kVideo, record); !named.empty())
      video_ = normal_path(named);
    else if (header_.has(kVideo) || header_.has(kFrame))
      video_ = normal_path(row.path);
    else {
      guess_.path = normal_path(row.path);
      video_ = video_key(guess_);
    }
  }

  // 64 bits: of 5 million rows two meet by chance in one file of a million.
  void remember(const ScoreRow& row) {
    identity_ = fmt::format("{}\n{}\n{}", video_, row.path, row.frame.value_or(-1));
    seen_.push_back({std::hash<std::string_view>()(identity_), csv_.line()});
  }

  struct Seen {
    std::size_t hash;
    std::size_t line;
    auto operator<=>(const Seen&) const = default;  // NOLINT(modernize-use-nullptr): it sees a 0 that is not written
  };
  CsvReader& csv_;
  const Header& header_;
  const ScoreCsvOptions& options_;
  std::vector<Seen> seen_;
  bool outcomes_stated_ = true;
  std::string video_, identity_;
  ManifestEntry guess_;
};

}  // namespace

Result<ScoreCsvReading> read_scores_csv(std::istream& stream, std::string_view what, const ScoreCsvOptions& options,
                                        ScoreTable& table) {
  CsvReader csv(stream, what, options.csv);
  ScoreCsvReading reading;
  DFA_ASSIGN_OR_RETURN(const Header header, read_header(csv, reading.notes));
  RowReader rows(csv, header, options);
  for (std::size_t count = 0;; ++count) {
    DFA_ASSIGN_OR_RETURN(const std::span<const std::string_view> record, csv.next());
    if (record.empty()) break;
    if (count == options.max_rows)
      return fail(ErrorCode::limit_exceeded, "{}:{}: more than {} rows", what, csv.line(), options.max_rows);
    DFA_TRY(rows.read(record, table));
  }
  DFA_TRY(rows.check_unique());
  if (rows.each_states_its_outcome()) reading.dropped = DroppedInputs::counted;
  if (!header.has(kVideo))
    reading.notes.push_back(
        header.has(kFrame) ? "no column \"video\": each path is a video"
                           : "no column \"video\": numbered files of one folder count as one video, other files as "
                             "videos of their own");
  return reading;
}

Result<ScoreCsvReading> read_scores_file(const std::filesystem::path& path, const ScoreCsvOptions& options,
                                         ScoreTable& table) {
  std::error_code error;
  if (!std::filesystem::exists(path, error))
    return fail(ErrorCode::file_not_found, "{}: does not exist", path.string());
  std::ifstream stream(path, std::ios::binary);
  if (std::filesystem::is_directory(path, error) || !stream)
    return fail(ErrorCode::file_unreadable, "{}: cannot be opened for reading", path.string());
  return read_scores_csv(stream, path.string(), options, table);
}

}  // namespace dfa
