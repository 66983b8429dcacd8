#include "eval/robustness_transfer.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace dfa {
namespace {

constexpr std::array<std::string_view, 4> kCompressions = {"raw", "c0", "c23", "c40"};

bool names_compression(std::string_view folder) {
  return std::find(kCompressions.begin(), kCompressions.end(), folder) != kCompressions.end();
}

// The set is no part of it: who calls one side "ffpp" and the other "ffpp_c40" still means the same videos.
std::set<std::string> identities(const ScoreTable& table, std::span<const std::string> roots) {
  std::set<std::string> found;
  for (std::uint32_t i = 0; i < table.video_count(); ++i)
    found.insert(path_without_compression(table.video(i).key, roots));
  return found;
}

TransferGap gap(const std::set<std::string>& here, const std::set<std::string>& there) {
  TransferGap gap;
  for (const std::string& video : here)
    if (!there.contains(video) && gap.videos++ == 0) gap.first = video;
  return gap;
}

}  // namespace

std::string path_without_compression(std::string_view video, std::span<const std::string> roots) {
  std::string_view below = video;
  for (std::string_view root : roots) {
    while (root.ends_with('/')) root.remove_suffix(1);
    if (root.empty() || !video.starts_with(root) || video.size() <= root.size() || video[root.size()] != '/') continue;
    const std::string_view rest = video.substr(root.size() + 1);
    if (rest.size() < below.size()) below = rest;  // the deepest root counts
  }
  std::string path;
  for (std::string_view rest = below; !rest.empty();) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    // The last part is the video itself, whatever it is called.
    if (const std::string_view part = rest.substr(0, end); end == rest.size() || !names_compression(part))
      path += (path.empty() ? "" : "/") + std::string(part);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return path;
}

Result<Transfer> evaluate_transfer(const ScoreTable& from, const ScoreTable& to, std::span<const std::string> roots,
                                   const EvaluationOptions& options) {
  const std::set<std::string> of_from = identities(from, roots), of_to = identities(to, roots);
  Transfer transfer;
  transfer.only_from = gap(of_from, of_to);
  transfer.only_to = gap(of_to, of_from);
  transfer.common = of_from.size() - transfer.only_from.videos;
  if (transfer.common == 0)
    return fail(
        ErrorCode::manifest_invalid,
        "the two sets have no video in common, e.g. {} and {}\n  likely cause: they are not two compressions of "
        "one data set, prepared from one root",
        transfer.only_from.first, transfer.only_to.first);
  DFA_ASSIGN_OR_RETURN(Evaluation whole_from, evaluate_scores(from, options));
  DFA_ASSIGN_OR_RETURN(Evaluation whole_to, evaluate_scores(to, options));
  transfer.from = std::move(whole_from.all);
  transfer.to = std::move(whole_to.all);

  const auto common_rows = [&](const ScoreTable& table, const std::set<std::string>& others) {
    return table.filtered(
        [&](const ScoreRow& row) { return others.contains(path_without_compression(row.video, roots)); });
  };
  const ScoreTable common_from = common_rows(from, of_to), common_to = common_rows(to, of_from);
  const std::array<Condition, 2> conditions = {Condition{"before", &common_from}, Condition{"after", &common_to}};
  const std::array<Combination, 3> combinations = {Combination{{1, 0}}, Combination{{0, 1}}, Combination{{-1, 1}}};
  DFA_ASSIGN_OR_RETURN(std::vector<JointFigure> figures,
                       joint_figures(conditions, combinations, options, [&](const VideoEntry& video) {
                         return path_without_compression(video.key, roots);
                       }));
  transfer.from_common = std::move(figures[0]);
  transfer.to_common = std::move(figures[1]);
  transfer.drop = std::move(figures[2]);
  return transfer;
}

}  // namespace dfa
