#include "eval/evaluation.hpp"

#include <set>

namespace dfa {
namespace {

struct Video {
  int label = 0;
  double sum = 0;
  std::size_t crops = 0;
};

// Items of both levels, as the AUC functions want them.
struct Items {
  std::vector<double> scores;
  std::vector<int> labels;
  std::vector<std::uint32_t> groups;

  void add(double score, int label, std::uint32_t group) {
    scores.push_back(score);
    labels.push_back(label);
    groups.push_back(group);
  }
  std::size_t count(int label) const {
    std::size_t found = 0;
    for (const int one : labels) found += one == label ? 1 : 0;
    return found;
  }
};

Figures figures_of(const std::vector<const CropScore*>& crops, const BootstrapOptions& bootstrap) {
  std::map<std::string, std::uint32_t> numbers;
  std::vector<Video> videos;
  Items frames, means;
  for (const CropScore* crop : crops) {
    const auto [found, fresh] = numbers.emplace(crop->video, static_cast<std::uint32_t>(videos.size()));
    if (fresh) videos.push_back({*crop->label, 0, 0});
    Video& video = videos[found->second];
    video.sum += *crop->p_fake;
    ++video.crops;
    frames.add(*crop->p_fake, *crop->label, found->second);
  }
  for (std::uint32_t i = 0; i < videos.size(); ++i)
    means.add(videos[i].sum / static_cast<double>(videos[i].crops), videos[i].label, i);

  Figures figures;
  figures.frame_reals = frames.count(0);
  figures.frame_fakes = frames.count(1);
  figures.video_reals = means.count(0);
  figures.video_fakes = means.count(1);
  figures.frame_auc = auc_with_interval(frames.scores, frames.labels, frames.groups, bootstrap);
  figures.video_auc = auc_with_interval(means.scores, means.labels, means.groups, bootstrap);
  return figures;
}

Status check_videos(const std::vector<const CropScore*>& crops) {
  std::map<std::string, int> labels;
  for (const CropScore* crop : crops)
    if (const auto [found, fresh] = labels.emplace(crop->video, *crop->label); !fresh && found->second != *crop->label)
      return fail(ErrorCode::manifest_invalid,
                  "video {} has real and fake crops, expected one label a video\n  likely cause: numbered still "
                  "pictures; their lines need \"video\": null",
                  crop->video);
  return {};
}

}  // namespace

double Evaluation::coverage() const {
  return crops == 0 ? 0 : static_cast<double>(crops - unscored) / static_cast<double>(crops);
}

Result<Evaluation> evaluate_scores(const std::vector<CropScore>& scores, const BootstrapOptions& bootstrap) {
  Evaluation evaluation;
  evaluation.bootstrap = bootstrap;
  evaluation.crops = scores.size();
  std::vector<const CropScore*> used;
  std::set<std::string> methods;
  for (const CropScore& score : scores) {
    if (!score.label) ++evaluation.unlabelled;
    if (!score.p_fake) ++evaluation.unscored;
    if (!score.label || !score.p_fake) continue;
    used.push_back(&score);
    if (*score.label == 1 && !score.method.empty()) methods.insert(score.method);
  }
  DFA_TRY(check_videos(used));
  evaluation.all = figures_of(used, bootstrap);
  for (const std::string& method : methods) {
    std::vector<const CropScore*> chosen;
    for (const CropScore* crop : used)
      if (*crop->label == 0 || crop->method == method) chosen.push_back(crop);
    evaluation.methods[method] = figures_of(chosen, bootstrap);
  }
  return evaluation;
}

}  // namespace dfa
