// Crops of one input, found by several workers at once, back in the order of its frames and cut into batches. Internal
// to this room.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace dfa::flow {

// Note [What meets in a batch]
// The last bits of a score may depend on who else is in its batch: libraries choose their kernels by size (seen: bf16
// on tiles, all engines without AVX-512). So what meets in a batch follows from the input and the options alone, never
// from timing or from other inputs: crops of one input, in the order of its frames and of the faces in them. A batch
// ends where it is full, and after a frame where what is known to be left would not give each network as many crops:
// towards the end of an input batches grow smaller, so that the networks end together.

// A crop as the network takes it. Each has memory of its own, so that putting crops in order moves none of it.
struct CropTensor {
  std::size_t place = 0;     // of its frame among the input's sampled frames
  std::size_t face = 0;      // in the frame's faces
  std::vector<float> image;  // (3, S, S) f32
};
using CropGroup = std::vector<CropTensor>;

// Thread-safe. Tasks are numbered 0, 1, ... in the order of frames; each is worked on by one worker, and begun only
// when all before it are. Every one must be finished, whatever befell it. What is sent off comes in order.
class CropLine {
 public:
  struct Shape {
    std::int64_t frames_expected = 0;  // 0: nobody knows
    std::size_t networks = 1;
    std::size_t max_batch = 1;
  };
  // Takes a batch; may wait as long as scoring goes on without this line.
  using Send = std::function<void(CropGroup)>;

  CropLine(Shape shape, Send send) : shape_(shape), send_(std::move(send)) {}

  // Crops of a task of which more will come: waits for its turn.
  void add(std::size_t task, CropGroup group);
  // The last of a task; `frames` are the input's up to and with those of the task. Waits for its turn only while many
  // crops wait already.
  void finish(std::size_t task, std::size_t frames, CropGroup rest);
  // No tasks follow the first `tasks`.
  void end(std::size_t tasks);

 private:
  struct Waiting {
    std::size_t frames = 0;
    CropGroup group;
  };
  void append(CropGroup group);
  void finish_head(std::size_t frames, CropGroup rest);
  bool due(std::size_t frames) const;
  void send();
  void send_rest_at_end();

  const Shape shape_;
  const Send send_;
  std::mutex mutex_;
  std::condition_variable moved_;
  CropGroup batch_;                         // being filled
  std::size_t head_ = 0;                    // the task whose crops come next
  std::map<std::size_t, Waiting> waiting_;  // finished tasks behind the head
  std::size_t crops_waiting_ = 0;
  std::optional<std::size_t> tasks_;  // once known
};

}  // namespace dfa::flow
