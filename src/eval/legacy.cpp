#include "eval/legacy.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "eval/level_scores.hpp"

namespace dfa {
namespace {

std::string_view last_part(std::string_view path) {
  const std::size_t cut = path.find_last_of("/\\");
  return cut == std::string_view::npos ? path : path.substr(cut + 1);
}

std::string_view folder_name(const ScoreRow& row) {
  if (row.video != row.path) return last_part(row.video);
  const std::size_t cut = row.path.find_last_of("/\\");
  return cut == std::string_view::npos ? row.path : last_part(row.path.substr(0, cut));
}

struct Folder {
  double p = 0, frames = 0;
  int labels = 0;
};

struct FolderScores {
  std::vector<double> p_fake;
  std::vector<int> labels;
};

FolderScores by_folder_name(const ScoreTable& table, const LevelScores& frames) {
  std::map<std::pair<std::string, std::string>, Folder> folders;  // by set and name
  for (std::size_t i = 0; i < frames.p_fake.size(); ++i) {
    const ScoreRow row = table.row(frames.rows[i]);
    Folder& folder = folders[{std::string(row.set), std::string(folder_name(row))}];
    folder.p += frames.p_fake[i];
    folder.frames += 1;
    folder.labels += frames.labels[i];
  }
  FolderScores scores;
  for (const auto& [key, folder] : folders) {
    scores.p_fake.push_back(folder.p / folder.frames);
    scores.labels.push_back(static_cast<int>(folder.labels / folder.frames));
  }
  return scores;
}

// Accuracy of one class when the first items of the list, as many as there are reals, are taken for the reals.
MetricPoint accuracy_of_sorted_list(const LevelScores& frames, int label) {
  const auto reals = static_cast<std::size_t>(std::count(frames.labels.begin(), frames.labels.end(), 0));
  const std::size_t begin = label == 0 ? 0 : reals, end = label == 0 ? reals : frames.labels.size();
  if (begin == end) return {std::nullopt, "a class is missing"};
  std::size_t right = 0;
  for (std::size_t i = begin; i < end; ++i)
    right += (frames.p_fake[i] > kDefaultThreshold) == (frames.labels[i] == 1) ? 1 : 0;
  return {static_cast<double>(right) / static_cast<double>(end - begin), ""};
}

MetricPoint auc_of(const LevelScores& scores) {
  return measure(Metric::auc, scores.p_fake, scores.labels);
}

}  // namespace

const LegacyFigure* LegacyFigures::find(std::string_view name) const {
  const auto found = std::find_if(figures.begin(), figures.end(), [&](const auto& one) { return one.name == name; });
  return found == figures.end() ? nullptr : &*found;
}

LegacyFigures legacy_figures(const ScoreTable& table) {
  const LevelScores frames = frame_scores(table), videos = video_scores(table);
  const FolderScores folders = by_folder_name(table, frames);
  LevelOptions half;
  half.no_face = NoFaceRule::half;
  const MetricPoint frame_auc = auc_of(frames), video_auc = auc_of(videos);
  const auto accuracy = [&](Metric metric) { return measure(metric, frames.p_fake, frames.labels); };

  LegacyFigures legacy;
  legacy.videos = videos.p_fake.size();
  legacy.folder_groups = folders.p_fake.size();
  legacy.figures = {
      {"video_auc_dfb_legacy", "videos merged that share a folder name (DeepfakeBench metrics/utils.py)",
       measure(Metric::auc, folders.p_fake, folders.labels), video_auc},
      {"accuracy_real_dfb_legacy", "frames taken to be sorted by label (DeepfakeBench trainer.py)",
       accuracy_of_sorted_list(frames, 0), accuracy(Metric::accuracy_real)},
      {"accuracy_fake_dfb_legacy", "frames taken to be sorted by label (DeepfakeBench trainer.py)",
       accuracy_of_sorted_list(frames, 1), accuracy(Metric::accuracy_fake)},
      {"frame_auc_noface_half", "0.5 for every crop without a score (SBI inference_dataset.py)",
       auc_of(frame_scores(table, half)), frame_auc},
      {"video_auc_noface_half", "0.5 for every video without a score (SBI inference_dataset.py)",
       auc_of(video_scores(table, half)), video_auc},
  };
  return legacy;
}

}  // namespace dfa
