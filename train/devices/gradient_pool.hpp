// The gradient of a whole batch from its parts: several micro-batches one after the other, on several ranks.
//
// Note [The mean over the whole batch]
// Parts are of equal size, and a part's loss is a mean over its crops. So the mean of the parts' gradients is the
// gradient of the mean over the whole batch, for every loss that is a mean over crops. What reaches over crops is the
// exception: batch statistics are those of a micro-batch (over all ranks; see statistics.hpp), and a loss that compares
// crops with each other sees one rank's micro-batch. A term that only some parts can give (masks that are known) adds
// nothing to the gradients of the others; its reported value is the mean over the parts that had it.
#pragma once

#include <memory>
#include <span>

#include "base/result.hpp"
#include "train/data/batch_loader.hpp"
#include "train/devices/rank_group.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::train {

class GradientPool {
 public:
  // Holds one f32 for each trained parameter, unless there is nothing to add up. Both must outlive the pool.
  static std::unique_ptr<GradientPool> create(TrainNetwork& network, RankGroup& group);
  virtual ~GradientPool() = default;

  // Leaves the gradient of the mean loss over all parts of all ranks in the network, the same bits on every rank; a
  // tensor that no part reached has none. `parts`: this rank's, of equal size. The losses returned are means over all
  // parts of all ranks, the logits this rank's. One part and one process: exactly loss_and_gradients(). Errors: those
  // of it, of the meetings; non_finite_loss for a part of this rank, before any other rank has taken it in.
  virtual Result<LossValues> loss_and_gradients(std::span<const Batch> parts, const LossOptions& options) = 0;
};

}  // namespace dfa::train
