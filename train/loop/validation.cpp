#include "train/loop/validation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "eval/auc.hpp"
#include "train/data/batch_loader.hpp"

namespace dfa::train {

namespace {

// Class 1 is fake.
constexpr std::size_t kFake = 1;

void add_scores(const ForwardValues& values, const Batch& batch, std::size_t classes, CropScores& scores) {
  for (std::size_t i = 0; i < batch.labels.size(); ++i) {
    const std::span<const float> logits(&values.logits[i * classes], classes);
    const double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(logit - highest);
    scores.p_fake.push_back(std::exp(logits[kFake] - highest) / sum);
    scores.loss_sum += std::log(sum) + highest - logits[static_cast<std::size_t>(batch.labels[i])];
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
                                  const CancelFlag& cancel) {
  const std::vector<Sample>& samples = crops.samples();
  DFA_ASSIGN_OR_RETURN(const CropScores scores, score_crops(network, crops, samples.size(), config, cancel));
  std::vector<int> labels;
  for (const Sample& sample : samples) labels.push_back(sample.label);
  ValidationResult result;
  result.loss = scores.loss_sum / static_cast<double>(std::max<std::size_t>(samples.size(), 1));
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

Result<CropScores> score_crops(TrainNetwork& network, const CropSet& crops, std::size_t count, const RunConfig& config,
                               const CancelFlag& cancel) {
  std::vector<std::uint32_t> order(std::min(count, crops.samples().size()));
  std::iota(order.begin(), order.end(), 0U);
  LoaderOptions options;
  options.recipe = config.crop;
  options.side = config.network.image;
  options.batch = config.eval_batch;
  options.workers = config.data.workers;
  options.last = LastBatch::keep_incomplete;
  const auto loader = BatchLoader::start(crops, std::move(order), options);
  CropScores scores;
  for (;;) {
    DFA_ASSIGN_OR_RETURN(const std::optional<Batch> batch, loader->next());
    if (!batch) break;
    if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped during validation");
    DFA_ASSIGN_OR_RETURN(const ForwardValues values,
                         network.forward(batch->images, static_cast<int>(batch->labels.size()), Mode::eval));
    add_scores(values, *batch, static_cast<std::size_t>(config.network.classes), scores);
  }
  return scores;
}

}  // namespace dfa::train
