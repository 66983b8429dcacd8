#include "eval/score_table.hpp"

#include <cmath>
#include <limits>
#include <string>

namespace dfa {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kNoFrame = std::numeric_limits<std::int64_t>::min();
constexpr char kBetween = '\0';  // in no path and no name of a set

Status check(const ScoreRow& row) {
  if (row.label && *row.label != 0 && *row.label != 1)
    return fail(ErrorCode::manifest_invalid, "{}: label {}, expected 0 (real) or 1 (fake)", row.path, *row.label);
  if (row.p_fake && !(*row.p_fake >= 0 && *row.p_fake <= 1))
    return fail(ErrorCode::manifest_invalid,
                "{}: p_fake {}, expected a probability from 0 to 1\n  likely cause: the column holds logits", row.path,
                *row.p_fake);
  if (row.margin && !std::isfinite(*row.margin))
    return fail(ErrorCode::manifest_invalid, "{}: margin {}, expected a finite number", row.path, *row.margin);
  if (row.p_fake.has_value() != (row.outcome == Outcome::scored))
    return fail(ErrorCode::manifest_invalid,
                "{}: outcome {} {} p_fake, expected a number with `scored` and with no other", row.path,
                outcome_name(row.outcome), row.p_fake ? "with a" : "without");
  return {};
}

}  // namespace

Status ScoreTable::add(const ScoreRow& row) {
  DFA_TRY(check(row));
  std::string key(row.set);
  key += kBetween;
  key += row.video.empty() ? row.path : row.video;
  const std::uint32_t video = video_keys_.intern(key);
  const std::uint32_t set = set_names_.intern(row.set);
  if (video == video_columns_.size()) video_columns_.push_back({.set = set});
  VideoColumns& entry = video_columns_[video];
  if (row.label) {
    if (entry.label >= 0 && entry.label != *row.label)
      return fail(ErrorCode::manifest_invalid,
                  "video {} has real and fake crops ({}), expected one label a video\n  likely cause: numbered still "
                  "pictures; their lines need \"video\": null",
                  row.video.empty() ? row.path : row.video, row.path);
    entry.label = static_cast<std::int8_t>(*row.label);
  }
  ++entry.rows;
  paths_.append(row.path);
  sets_.push_back(set);
  methods_.push_back(method_names_.intern(row.method));
  videos_.push_back(video);
  row_identities_.push_back(identities_.intern(row.identity));
  row_problems_.push_back(problems_.intern(row.problem));
  labels_.push_back(static_cast<std::int8_t>(row.label.value_or(-1)));
  p_fake_.push_back(row.p_fake.value_or(kNone));
  margins_.push_back(row.margin.value_or(kNone));
  outcomes_.push_back(row.outcome);
  frames_.push_back(row.frame.value_or(kNoFrame));
  return {};
}

Status ScoreTable::append(const ScoreTable& other) {
  for (std::size_t i = 0; i < other.size(); ++i) DFA_TRY(add(other.row(i)));
  return {};
}

ScoreRow ScoreTable::row(std::size_t index) const {
  ScoreRow row;
  row.path = paths_.text(static_cast<std::uint32_t>(index));
  row.set = set_names_.text(sets_[index]);
  row.method = method_names_.text(methods_[index]);
  row.video = video(videos_[index]).key;
  row.identity = identities_.text(row_identities_[index]);
  row.problem = problems_.text(row_problems_[index]);
  if (labels_[index] >= 0) row.label = labels_[index];
  if (!std::isnan(p_fake_[index])) row.p_fake = p_fake_[index];
  if (!std::isnan(margins_[index])) row.margin = margins_[index];
  row.outcome = outcomes_[index];
  if (frames_[index] != kNoFrame) row.frame = frames_[index];
  return row;
}

VideoEntry ScoreTable::video(std::uint32_t number) const {
  const VideoColumns& columns = video_columns_[number];
  VideoEntry entry;
  entry.set = set_names_.text(columns.set);
  entry.key = video_keys_.text(number).substr(entry.set.size() + 1);
  if (columns.label >= 0) entry.label = columns.label;
  entry.rows = columns.rows;
  return entry;
}

ScoreTable ScoreTable::filtered(const std::function<bool(const ScoreRow&)>& keep) const {
  ScoreTable kept;
  for (std::size_t i = 0; i < size(); ++i) {
    const ScoreRow one = row(i);
    // What this table took, the other takes: it cannot fail.
    if (keep(one)) static_cast<void>(kept.add(one));
  }
  return kept;
}

}  // namespace dfa
