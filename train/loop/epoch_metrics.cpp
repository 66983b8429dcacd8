#include "train/loop/epoch_metrics.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace dfa::train {

namespace {
using Json = nlohmann::ordered_json;
}

std::string metrics_line(const EpochMetrics& metrics) {
  Json terms = Json::object();
  for (const auto& [name, term] : metrics.train_terms) terms[name] = term.mean();
  Json line = {{"epoch", metrics.epoch},
               {"steps", metrics.steps},
               {"lr", metrics.learning_rate},
               {"train_loss", metrics.train_loss},
               {"train_terms", terms},
               {"grad_norm", metrics.grad_norm},
               {"val_loss", metrics.validation.loss},
               {"val_auc", metrics.validation.auc},
               {"val_auc_by_method", metrics.validation.auc_by_method},
               {"best_epoch", metrics.best_epoch},
               {"warnings", metrics.warnings},
               {"train_seconds", metrics.train_seconds},
               {"val_seconds", metrics.val_seconds},
               {"crops_per_second", metrics.crops_per_second},
               {"peak_memory_mib", metrics.peak_memory_mib}};
  if (metrics.skipped_steps) line["skipped_steps"] = *metrics.skipped_steps;
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<EpochMetrics> parse_metrics_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  EpochMetrics metrics;
  try {
    json.at("epoch").get_to(metrics.epoch);
    json.at("steps").get_to(metrics.steps);
    json.at("lr").get_to(metrics.learning_rate);
    json.at("train_loss").get_to(metrics.train_loss);
    for (const auto& [name, mean] : json.at("train_terms").items()) metrics.train_terms[name] = {mean.get<double>(), 1};
    json.at("grad_norm").get_to(metrics.grad_norm);
    if (json.contains("skipped_steps")) metrics.skipped_steps = json["skipped_steps"].get<std::int64_t>();
    json.at("val_loss").get_to(metrics.validation.loss);
    json.at("val_auc").get_to(metrics.validation.auc);
    for (const auto& [method, auc] : json.at("val_auc_by_method").items())
      metrics.validation.auc_by_method[method] = auc.get<double>();
    json.at("best_epoch").get_to(metrics.best_epoch);
    json.at("warnings").get_to(metrics.warnings);
    json.at("train_seconds").get_to(metrics.train_seconds);
    json.at("val_seconds").get_to(metrics.val_seconds);
    json.at("crops_per_second").get_to(metrics.crops_per_second);
    json.at("peak_memory_mib").get_to(metrics.peak_memory_mib);
  } catch (const Json::exception& error) {
    return fail(ErrorCode::model_format, "a line of metrics is damaged: {}", error.what());
  }
  return metrics;
}

std::vector<std::string> warnings_of(std::span<const EpochMetrics> epochs) {
  if (epochs.size() <= kFallenEpochs) return {};
  const auto auc = [](const EpochMetrics& a) { return a.validation.auc; };
  const EpochMetrics& best = *std::ranges::max_element(epochs, {}, auc);
  const EpochMetrics& last = epochs.back();
  const bool has_fallen = std::ranges::all_of(
      epochs.last(kFallenEpochs), [&](const EpochMetrics& epoch) { return auc(epoch) < auc(best) - kFallenBy; });
  if (!has_fallen || last.train_loss >= best.train_loss) return {};
  return {
      fmt::format("validation falls while training rises: for {} epochs the validation AUC has been more than {} "
                  "below the best ({:.4f} in epoch {}, {:.4f} now), and the training loss went on from {:.4f} to "
                  "{:.4f}",
                  kFallenEpochs, kFallenBy, auc(best), best.epoch, auc(last), best.train_loss, last.train_loss)};
}

}  // namespace dfa::train
