// Writing scores: a row a crop, a row a video.
#include <fmt/format.h>

#include "base/file.hpp"
#include "eval/level_scores.hpp"
#include "eval/score_csv.hpp"

namespace dfa {
namespace {

// Gathers lines and writes them in large pieces.
class LineWriter {
 public:
  explicit LineWriter(AtomicFile file) : file_(std::move(file)) {}

  template <class... Args>
  Status line(fmt::format_string<Args...> format, Args&&... args) {
    constexpr std::size_t kPieceBytes = 1 << 20;
    fmt::format_to(std::back_inserter(piece_), format, std::forward<Args>(args)...);
    piece_ += '\n';
    return piece_.size() < kPieceBytes ? Status{} : flush();
  }
  Status commit() {
    DFA_TRY(flush());
    return file_.commit();
  }

 private:
  Status flush() {
    DFA_TRY(file_.write(std::string_view(piece_)));
    piece_.clear();
    return {};
  }
  AtomicFile file_;
  std::string piece_;
};

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.17g}", *value) : std::string();
}

template <class T>
std::string whole(const std::optional<T>& value) {
  return value ? std::to_string(*value) : std::string();
}

}  // namespace

Status write_scores_csv(const ScoreTable& table, DroppedInputs dropped, const std::filesystem::path& path) {
  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  LineWriter writer(std::move(file));
  DFA_TRY(writer.line("path,label,p_fake,method,video,set,identity,outcome,frame,margin,problem"));
  for (std::size_t i = 0; i < table.size(); ++i) {
    const ScoreRow row = table.row(i);
    const bool stated = dropped == DroppedInputs::counted || row.outcome != Outcome::scored;
    DFA_TRY(writer.line("{},{},{},{},{},{},{},{},{},{},{}", csv_field(row.path), whole(row.label), number(row.p_fake),
                        csv_field(row.method), csv_field(row.video), csv_field(row.set), csv_field(row.identity),
                        stated ? outcome_name(row.outcome) : std::string_view(), whole(row.frame), number(row.margin),
                        csv_field(row.problem)));
  }
  return writer.commit();
}

Status write_videos_csv(const ScoreTable& table, const LevelOptions& options, const std::filesystem::path& path) {
  struct Counts {
    std::size_t first_row = 0, crops = 0, scored = 0;
    std::optional<double> p_fake;
  };
  std::vector<Counts> videos(table.video_count());
  const std::span<const std::uint32_t> of_row = table.videos();
  for (std::size_t i = 0; i < table.size(); ++i) {
    Counts& video = videos[of_row[i]];
    if (video.crops++ == 0) video.first_row = i;
    video.scored += table.outcomes()[i] == Outcome::scored ? 1 : 0;
  }
  const LevelScores scores = video_scores(table, options);
  for (std::size_t i = 0; i < scores.videos.size(); ++i) videos[scores.videos[i]].p_fake = scores.p_fake[i];

  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  LineWriter writer(std::move(file));
  DFA_TRY(writer.line("video,set,method,label,p_fake,crops,scored_crops"));
  for (std::uint32_t i = 0; i < videos.size(); ++i) {
    const VideoEntry video = table.video(i);
    const ScoreRow first = table.row(videos[i].first_row);
    DFA_TRY(writer.line("{},{},{},{},{},{},{}", csv_field(video.key), csv_field(video.set), csv_field(first.method),
                        whole(video.label), number(videos[i].p_fake), videos[i].crops, videos[i].scored));
  }
  return writer.commit();
}

}  // namespace dfa
