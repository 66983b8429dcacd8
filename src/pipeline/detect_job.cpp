#include "pipeline/detect_job.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/machine.hpp"
#include "pipeline/flow.hpp"

namespace dfa {
namespace {

// One decoder feeds about this many processors with frames to search.
constexpr int kProcessorsPerDecoder = 4;
constexpr int kClasses = 2;

using Detectors = std::vector<std::unique_ptr<Detector>>;

Result<Detectors> make_detectors(const DetectOptions& options, const DetectParts& parts) {
  const int count = options.detect_workers > 0 ? options.detect_workers : usable_processors();
  Detectors detectors;
  for (int i = 0; i < count; ++i) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<Detector> detector, parts.make_detector());
    detectors.push_back(std::move(detector));
  }
  return detectors;
}

int decode_worker_count(const DetectOptions& options, const InputList& inputs) {
  const int wanted = options.decode_workers > 0
                         ? options.decode_workers
                         : (usable_processors() + kProcessorsPerDecoder - 1) / kProcessorsPerDecoder;
  return std::max(1, std::min(wanted, static_cast<int>(std::min<std::size_t>(inputs.inputs.size(), 1024))));
}

// The workers of one stage; the last one to end closes the stage's outlet, which ends the next stage.
class Stage {
 public:
  // Where the machine refuses a thread, those that started do the work of the stage; with none, it ends at once.
  template <class Work, class Close>
  void start(int workers, Work work, Close close) {
    running_ = workers;
    try {
      for (int i = 0; i < workers; ++i)
        threads_.emplace_back([this, i, work, close] {
          work(i);
          if (running_.fetch_sub(1) == 1) close();
        });
    } catch (const std::system_error&) {
      const int missing = workers - static_cast<int>(threads_.size());
      if (running_.fetch_sub(missing) == missing) close();
    }
  }
  bool started() const { return !threads_.empty(); }
  void join() {
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<int> running_{0};
  std::vector<std::thread> threads_;
};

}  // namespace

Result<SummaryRecord> run_detect(const InputList& inputs, const DetectOptions& options, const DetectParts& parts,
                                 const DetectCallbacks& callbacks, const CancelFlag& cancel) {
  if (const int classes = parts.networks.front()->config().classes; classes != kClasses)
    return fail(ErrorCode::model_incompatible, "the network has {} classes, a detector has {}: real and fake", classes,
                kClasses);
  DFA_ASSIGN_OR_RETURN(const Detectors detectors, make_detectors(options, parts));
  flow::Flow flow(inputs, options, parts, cancel, detectors.size());
  Stage decode, detect, score;
  score.start(
      static_cast<int>(parts.networks.size()),
      [&](int i) {
        const auto index = static_cast<std::size_t>(i);
        const std::span<const int> processors =
            parts.processors.empty() ? std::span<const int>() : parts.processors.at(index);
        flow::run_score_worker(flow, *parts.networks[index], processors);
      },
      [&] { flow.messages.close(); });
  detect.start(
      static_cast<int>(detectors.size()),
      [&](int i) { flow::run_detect_worker(flow, *detectors[static_cast<std::size_t>(i)]); },
      [&] { flow.crops.close(); });
  decode.start(
      decode_worker_count(options, inputs), [&](int) { flow::run_decode_worker(flow); }, [&] { flow.frames.close(); });
  Result<SummaryRecord> summary = flow::collect(flow, callbacks);
  decode.join();
  detect.join();
  score.join();
  if (!decode.started() || !detect.started() || !score.started())
    return fail(ErrorCode::internal, "the machine refused to start threads\n  next step: raise the limit on processes");
  return summary;
}

}  // namespace dfa
