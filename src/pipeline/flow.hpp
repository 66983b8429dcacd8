// What the stages of the detect job share and what they send each other. Internal to this room.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/bounded_queue.hpp"
#include "pipeline/byte_budget.hpp"
#include "pipeline/crop_line.hpp"
#include "pipeline/detect_job.hpp"
#include "score/persons.hpp"

namespace dfa::flow {

// Pixels of decoded frames between decode and detect: some ten frames of 4K video.
inline constexpr std::size_t kFrameBytes = 256u << 20;
// Frames that one detector follows a face through, together; the first is taken whatever its size.
inline constexpr std::size_t kFollowedBytes = 64u << 20;
// Tasks between decode and detect, for small frames. Two a worker hide the decoder's unevenness.
inline constexpr std::size_t kFramesPerDetector = 2;
// Batches between detect and score for each score worker; a crop is a tensor of 0.6 MB at 224 px.
inline constexpr std::size_t kBatchesPerScorer = 2;
// Messages to the collector; small, and the collector is never the bottleneck.
inline constexpr std::size_t kMessages = 64;
// Inputs begun and not yet given out: bounds what waits behind a long video for its turn in the output.
inline constexpr std::size_t kItemsInFlight = 64;

// An input on its way. Abandoned: nobody will use what is still being worked on.
struct ItemToken {
  std::size_t item = 0;
  std::string path;
  std::atomic<bool> abandoned{false};
  std::optional<CropLine> line;  // there before the first task is sent
};
using ItemHandle = std::shared_ptr<ItemToken>;

// Frames in order of time, the first to be searched, the others followed; mostly it is one.
struct FrameTask {
  ItemHandle item;
  std::size_t number = 0;  // among the item's tasks
  std::size_t place = 0;   // of the first among the item's sampled frames
  std::vector<Frame> frames;
  ByteBudget::Lease lease;
};

// Crops that share a forward pass: Note [What meets in a batch].
struct CropBatch {
  ItemHandle item;
  CropGroup crops;
};

// Messages to the collector. For one item: ItemBegun; then, in any order, a FrameFound for each frame, a CropScored for
// each crop, and one ItemRead when the last frame was sent off.
struct ItemBegun {
  std::size_t item = 0;
  std::int64_t frames_expected = 0;
};
struct FrameFound {
  std::size_t item = 0;
  std::size_t place = 0;
  SampledFrame frame;
  std::size_t crops = 0;        // CropScored messages to come
  std::int64_t over_limit = 0;  // faces left out
  double seconds = 0;
  std::optional<Error> error;
};
struct CropScored {
  std::size_t item = 0;
  std::size_t place = 0;
  std::size_t face = 0;
  std::optional<double> p_fake;
  double seconds = 0;
  std::optional<Error> error;
};
enum class Ending { read, unreadable, abandoned };
struct ItemRead {
  std::size_t item = 0;
  Ending ending = Ending::read;
  ItemRecord record;  // input, sha256, kind, frame counters, decode seconds
  std::size_t frames = 0;
  std::vector<std::string> notes;
  std::optional<Error> error;  // with unreadable
};
using Message = std::variant<ItemBegun, FrameFound, CropScored, ItemRead>;

// Lets decode run ahead of the output by at most kItemsInFlight inputs. Thread-safe.
class Window {
 public:
  void wait_for_turn(std::size_t item) {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, [&] { return open_ || item < done_ + kItemsInFlight; });
  }
  void finish_one() {
    std::lock_guard lock(mutex_);
    ++done_;
    moved_.notify_all();
  }
  void open_for_all() {
    std::lock_guard lock(mutex_);
    open_ = true;
    moved_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable moved_;
  std::size_t done_ = 0;
  bool open_ = false;
};

struct Flow {
  Flow(const InputList& inputs_in, const DetectOptions& options_in, const DetectParts& parts_in,
       const CancelFlag& cancel_in, std::size_t detectors)
      : inputs(inputs_in),
        options(options_in),
        parts(parts_in),
        cancel(cancel_in),
        budget(kFrameBytes),
        frames(kFramesPerDetector * detectors),
        crops(kBatchesPerScorer * parts_in.networks.size()),
        messages(kMessages) {}

  const InputList& inputs;
  const DetectOptions& options;
  const DetectParts& parts;
  const CancelFlag& cancel;
  std::atomic<bool> output_failed{false};  // on_item refused: stop, whatever the cancel flag says
  std::atomic<std::size_t> next_input{0};
  Window window;
  ByteBudget budget;  // before the queue: leases in it must not outlive the budget
  BoundedQueue<FrameTask> frames;
  BoundedQueue<CropBatch> crops;
  BoundedQueue<Message> messages;

  bool stopping() const { return cancel.requested() || output_failed.load(std::memory_order_relaxed); }
  // The messages queue is closed only after every sender has ended, so that a push cannot be refused.
  void tell(Message message) { (void)messages.push(std::move(message)); }
};

// The name of a frame in traces: "<path>#<its number among the sampled frames>".
inline std::string trace_item(const Flow& flow, const ItemToken& item, std::size_t place) {
  if (flow.parts.trace == nullptr || !flow.parts.trace->wants(TraceClass::profile)) return {};
  return fmt::format("{}#{}", item.path, place);
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Runs a piece of work whose libraries may throw; what they throw becomes an error of that piece.
template <class Work>
auto guarded(Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "no memory left for this piece of work");
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, "{}", error.what());
  }
}

// One worker of each stage: runs until its queue is closed and empty.
void run_decode_worker(Flow& flow);
void run_detect_worker(Flow& flow, Detector& detector);
void run_score_worker(Flow& flow, Network& network, std::span<const int> processors);
// Runs on the caller's thread until the messages end.
Result<SummaryRecord> collect(Flow& flow, const DetectCallbacks& callbacks);

}  // namespace dfa::flow
