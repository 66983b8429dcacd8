// Over which crops the batch norms take their statistics when several ranks train (spec method.md 2.3, 3.2 row 14).
#pragma once

#include "base/result.hpp"
#include "train/devices/rank_group.hpp"
#include "train/nets/train_network.hpp"

namespace dfa::train {

// Of the head's norm; those of the convolution pyramid are always over all ranks.
//   whole: over all ranks' crops of a micro-batch.
//   rank:  each rank over its own, as the published code does; the running statistics are rank 0's.
enum class HeadStatistics { whole, rank };

// From now on the network's training passes meet the other ranks inside: all must run them together. Alone nothing
// changes. `group` must outlive the network's use.
void share_statistics(TrainNetwork& network, RankGroup& group, HeadStatistics head);

// Rank 0's running statistics of the head on every rank: with HeadStatistics::rank they differ after each step.
Status broadcast_head_statistics(TrainNetwork& network, RankGroup& group);

}  // namespace dfa::train
