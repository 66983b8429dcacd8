// Runs the network on batches of crops, whatever frames and files they come from.
#include <algorithm>
#include <utility>

#include "pipeline/flow.hpp"

namespace dfa::flow {
namespace {

class Scorer {
 public:
  explicit Scorer(Flow& flow)
      : flow_(flow),
        classes_(static_cast<std::size_t>(flow.parts.network->config().classes)),
        max_batch_(static_cast<std::size_t>(flow.options.max_batch)) {}

  void run() {
    while (std::optional<CropTask> first = flow_.crops.pop()) {
      gather(std::move(*first));
      if (!batch_.empty()) forward();
    }
  }

 private:
  // What is there now, up to a full batch: a crop never waits for company.
  void gather(CropTask first) {
    batch_.clear();
    images_.clear();
    add(std::move(first));
    while (batch_.size() < max_batch_) {
      std::optional<CropTask> next = flow_.crops.try_pop();
      if (!next) return;
      add(std::move(*next));
    }
  }

  void add(CropTask task) {
    if (task.item->abandoned) {
      tell_unscored(task);
      return;
    }
    images_.insert(images_.end(), task.tensor.begin(), task.tensor.end());
    task.tensor = {};
    batch_.push_back(std::move(task));
  }

  void forward() {
    const TraceSpan span(flow_.parts.trace, "score", batch_name());
    const Stopwatch watch;
    logits_.assign(batch_.size() * classes_, 0.0F);
    const Status status = guarded([&] {
      return flow_.parts.network->forward(images_, static_cast<int>(batch_.size()), {.logits = logits_, .feature = {}});
    });
    const double seconds = watch.seconds() / static_cast<double>(batch_.size());
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      CropScored scored{batch_[i].item->item, batch_[i].place, batch_[i].face, std::nullopt, seconds, std::nullopt};
      if (status) {
        scored.p_fake = p_fake_from_logits(std::span<const float>(logits_).subspan(i * classes_, classes_),
                                           flow_.parts.temperature);
      } else {
        scored.error = status.error();
        batch_[i].item->abandoned = true;
      }
      flow_.tell(std::move(scored));
    }
  }

  void tell_unscored(const CropTask& task) {
    flow_.tell(CropScored{task.item->item, task.place, task.face, std::nullopt, 0, std::nullopt});
  }

  std::string batch_name() const {
    return flow_.parts.trace == nullptr ? std::string() : fmt::format("{} crops", batch_.size());
  }

  Flow& flow_;
  const std::size_t classes_;
  const std::size_t max_batch_;
  std::vector<CropTask> batch_;
  std::vector<float> images_;  // (N, 3, S, S) f32
  std::vector<float> logits_;  // (N, classes) f32
};

}  // namespace

void run_score_worker(Flow& flow) {
  Scorer(flow).run();
}

}  // namespace dfa::flow
