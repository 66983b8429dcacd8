// What a detector said of many inputs: one row an input (crop or frame), in columns. 5 million rows of 60-byte paths
// and 100,000 videos take about 0.6 GB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "eval/text_pool.hpp"
#include "score/result.hpp"

namespace dfa {

struct ScoreRow {
  std::string_view path;
  std::string_view set;       // data set; may be empty
  std::string_view method;    // of forgery; empty for reals and where unknown
  std::string_view video;     // key: full path of the video; empty = the row is a video of its own, its key is the path
  std::string_view identity;  // may be empty
  std::string_view problem;   // why there is no score
  std::optional<int> label;   // 1 = fake, 0 = real
  std::optional<double> p_fake;
  std::optional<double> margin;  // l1 - l0 before calibration, where logits are known
  Outcome outcome = Outcome::scored;
  std::optional<std::int64_t> frame;
};

// Videos are told apart by set and key: equal keys in two sets are two videos.
struct VideoEntry {
  std::string_view key;
  std::string_view set;
  std::optional<int> label;  // the one label of its labelled rows
  std::size_t rows = 0;
};

class ScoreTable {
 public:
  // Errors (manifest_invalid), each naming the row's path: a label other than 0 and 1; a video of two labels; p_fake
  // not finite or outside [0, 1]; margin not finite; a p_fake without outcome scored, or scored without p_fake. The
  // table is as before then.
  Status add(const ScoreRow& row);
  // All rows of `other`, in order. Errors as add(); rows before the faulty one are then added.
  Status append(const ScoreTable& other);

  std::size_t size() const { return p_fake_.size(); }
  // The views are valid until the next add(). An empty video comes back as the path.
  ScoreRow row(std::size_t index) const;
  // One a row; a quiet NaN where the row has no score, so that nobody counts it as a number.
  std::span<const double> p_fake() const { return p_fake_; }
  // One a row: 0, 1, or -1 where unknown.
  std::span<const std::int8_t> labels() const { return labels_; }
  std::span<const Outcome> outcomes() const { return outcomes_; }
  // One a row: number of its video, below video_count(); numbers rise in order of first sight. Likewise methods and
  // sets.
  std::span<const std::uint32_t> videos() const { return videos_; }
  std::span<const std::uint32_t> methods() const { return methods_; }
  std::span<const std::uint32_t> sets() const { return sets_; }
  std::size_t video_count() const { return video_columns_.size(); }
  VideoEntry video(std::uint32_t number) const;
  std::string_view method_name(std::uint32_t number) const { return method_names_.text(number); }
  std::size_t method_count() const { return method_names_.size(); }
  std::string_view set_name(std::uint32_t number) const { return set_names_.text(number); }
  std::size_t set_count() const { return set_names_.size(); }

  // The rows for which `keep` says true, in order; videos are numbered anew.
  ScoreTable filtered(const std::function<bool(const ScoreRow&)>& keep) const;

 private:
  struct VideoColumns {
    std::uint32_t set = 0;
    std::uint32_t rows = 0;
    std::int8_t label = -1;
  };
  TextPool paths_, set_names_, method_names_, video_keys_, identities_, problems_;
  std::vector<double> p_fake_, margins_;
  std::vector<std::int64_t> frames_;
  std::vector<std::uint32_t> videos_, methods_, sets_, row_identities_, row_problems_;
  std::vector<std::int8_t> labels_;
  std::vector<Outcome> outcomes_;
  std::vector<VideoColumns> video_columns_;
};

}  // namespace dfa
