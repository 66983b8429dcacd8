#include "train/loop/epoch_metrics.hpp"

#include <nlohmann/json.hpp>

namespace dfa::train {

std::string metrics_line(const EpochMetrics& metrics) {
  using Json = nlohmann::ordered_json;
  Json terms = Json::object();
  for (const auto& [name, term] : metrics.train_terms) terms[name] = term.mean();
  const Json line = {{"epoch", metrics.epoch},
                     {"steps", metrics.steps},
                     {"lr", metrics.learning_rate},
                     {"train_loss", metrics.train_loss},
                     {"train_terms", terms},
                     {"grad_norm", metrics.grad_norm},
                     {"val_loss", metrics.validation.loss},
                     {"val_auc", metrics.validation.auc},
                     {"val_auc_by_method", metrics.validation.auc_by_method},
                     {"best_epoch", metrics.best_epoch},
                     {"train_seconds", metrics.train_seconds},
                     {"val_seconds", metrics.val_seconds},
                     {"crops_per_second", metrics.crops_per_second},
                     {"peak_memory_mib", metrics.peak_memory_mib}};
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace dfa::train
