// The frozen weights of a network in bf16 while it trains in bf16.
//
// Note [Frozen weights in bf16]
// Under autocast every product rounds its weight to bf16 first, and the rounded copy is kept until the backward pass
// has used it. A weight that never learns gives the same copy every step: it is rounded once, the f32 original goes to
// a spill file, and comes back bit for bit for whatever is not a bf16 step (validation, checkpoints, export). The steps
// are the same to the bit; the f32 originals, and rounding them anew each step, are saved.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "base/spill_file.hpp"
#include "train/nets/named_tensor.hpp"

namespace dfa::train {

// One thread at a time.
class NarrowTrunk {
 public:
  // Rounds the frozen matrices and convolutions; nothing to do when they are. Errors: those of SpillFile,
  // out_of_memory.
  Status narrow(std::vector<NamedTensor>& tensors);
  // Back to f32, bit for bit. Errors: those of SpillFile, out_of_memory.
  Status widen(std::vector<NamedTensor>& tensors);
  // The f32 values of tensors[index], wherever they are. Errors: those of SpillFile.
  Result<at::Tensor> values(const std::vector<NamedTensor>& tensors, std::size_t index) const;
  // What was spilled is out of date: call before other weights are put in. Requires the wide state.
  void forget();

 private:
  enum class State { wide, narrow };
  Result<at::Tensor> read_back(const at::Tensor& like, std::size_t index) const;

  State state_ = State::wide;
  std::optional<SpillFile> spilled_;
  std::vector<std::optional<std::uint64_t>> offsets_;  // by index; nothing for tensors that stay f32
};

}  // namespace dfa::train
