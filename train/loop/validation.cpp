#include "train/loop/validation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "eval/auc.hpp"
#include "train/data/batch_loader.hpp"
#include "train/devices/shares.hpp"

namespace dfa::train {

namespace {

// Class 1 is fake.
constexpr std::size_t kFake = 1;

// By the set's order; zero where another rank scores the crop.
struct Scores {
  std::vector<double> p_fake;
  std::vector<double> losses;
};

void add_scores(const ForwardValues& values, const Batch& batch, std::size_t classes, Scores& scores) {
  for (std::size_t i = 0; i < batch.labels.size(); ++i) {
    const std::span<const float> logits(&values.logits[i * classes], classes);
    const double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - highest);
    const std::size_t place = batch.samples[i];
    scores.p_fake[place] = std::exp(logits[kFake] - highest) / sum;
    scores.losses[place] = std::log(sum) + highest - logits[static_cast<std::size_t>(batch.labels[i])];
  }
}

std::map<std::string, double> auc_by_method(const std::vector<Sample>& samples, const std::vector<double>& p_fake) {
  std::set<std::string> methods;
  for (const Sample& sample : samples)
    if (sample.label == 1) methods.insert(sample.method);
  std::map<std::string, double> aucs;
  for (const std::string& method : methods) {
    std::vector<double> scores;
    std::vector<int> labels;
    for (std::size_t i = 0; i < samples.size(); ++i)
      if (samples[i].label == 0 || samples[i].method == method) {
        scores.push_back(p_fake[i]);
        labels.push_back(samples[i].label);
      }
    if (const auto auc = area_under_curve(scores, labels)) aucs[method] = *auc;
  }
  return aucs;
}

}  // namespace

Result<ValidationResult> validate(TrainNetwork& network, const CropSet& crops, const RunConfig& config,
                                  RankGroup& group, const CancelFlag& cancel) {
  const std::vector<Sample>& samples = crops.samples();
  LoaderOptions options;
  options.recipe = config.crop;
  options.side = config.network.image;
  options.batch = config.eval_batch;
  options.workers = config.data.workers;
  options.last = LastBatch::keep_incomplete;
  const auto loader = BatchLoader::start(crops, blocks_of_rank(samples.size(), config.eval_batch, group), options);
  Scores scores{std::vector<double>(samples.size()), std::vector<double>(samples.size())};
  // Rank 0 has the most batches; the others come along to the last, so that all agree at each whether to stop.
  const std::size_t size = static_cast<std::size_t>(config.eval_batch) * static_cast<std::size_t>(group.size());
  for (std::size_t done = 0; done < samples.size(); done += size) {
    DFA_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader->next());
    DFA_ASSIGN_OR_RETURN(const bool stop, agree_any(group, cancel.requested()));
    if (stop) return fail(ErrorCode::cancelled, "stopped during validation");
    if (!batch) continue;
    DFA_ASSIGN_OR_RETURN(const ForwardValues values,
                         network.forward(batch->images, static_cast<int>(batch->labels.size()), Mode::eval));
    add_scores(values, *batch, static_cast<std::size_t>(config.network.classes), scores);
  }
  DFA_TRY(group.sum(scores.p_fake));
  DFA_TRY(group.sum(scores.losses));
  std::vector<int> labels;
  for (const Sample& sample : samples) labels.push_back(sample.label);
  ValidationResult result;
  result.loss = std::accumulate(scores.losses.begin(), scores.losses.end(), 0.0) /
                static_cast<double>(std::max<std::size_t>(samples.size(), 1));
  if (!std::isfinite(result.loss))
    return fail(ErrorCode::non_finite_loss, "the validation loss is {}, expected a finite number", result.loss);
  const auto auc = area_under_curve(scores.p_fake, labels);
  if (!auc)
    return fail(ErrorCode::usage, "role val has no {} crop: its AUC is undefined",
                std::find(labels.begin(), labels.end(), 1) == labels.end() ? "fake" : "real");
  result.auc = *auc;
  result.auc_by_method = auc_by_method(samples, scores.p_fake);
  return result;
}

}  // namespace dfa::train
