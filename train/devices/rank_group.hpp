// The processes that train one network together, seen from one of them.
//
// Note [Every rank meets]
// A meeting (sum, broadcast, gather) returns when every rank has come to it; so all ranks must hold the same meetings
// in the same order, whatever they found on the way. What may differ between ranks (a signal, a shard that is used up)
// is agreed upon in a meeting first. A rank that fails tells the others through leave(), outside of any meeting; a rank
// that dies or hangs is named by the heartbeat (heartbeat.hpp). Either way every meeting of the others ends with an
// error.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "train/devices/device.hpp"
#include "train/devices/rank_environment.hpp"

namespace dfa::train {

// Used by one thread at a time. Errors of every meeting: rank_lost, naming the rank that died, hangs or never came; the
// code and message of another rank's failure, beginning with "rank N: ". After an error the group is of no further use.
class RankGroup {
 public:
  // Waits for all ranks. A rank that has not come, or does not answer, within `timeout` ends the group. For one process
  // there is nothing to wait for, and every meeting does nothing. Errors: rank_lost.
  static Result<std::unique_ptr<RankGroup>> join(const RankEnvironment& environment, std::chrono::milliseconds timeout);
  // One process, without looking at any environment.
  static std::unique_ptr<RankGroup> alone();
  virtual ~RankGroup() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int local_rank() const { return rank(); }  // among the ranks of this machine
  bool is_first() const { return rank() == 0; }      // the one that writes files
  bool is_alone() const { return size() == 1; }

  // Each value becomes the sum of all ranks' values, to the bit the same on every rank, and from run to run. Requires:
  // equal lengths on all ranks.
  virtual Status sum(std::span<float> values) = 0;
  virtual Status sum(std::span<double> values) = 0;
  // Rank 0's values on every rank.
  virtual Status broadcast(std::span<float> values) = 0;
  // Whether the ranks' GPUs add up among themselves: what lies on them need not come to the host.
  virtual bool meets_on_device() const { return false; }
  // As sum(), of values in the memory of this rank's GPU, whose earlier work it waits for. Requires meets_on_device().
  virtual Status sum_on_device(std::span<float> values);
  virtual Status sum_on_device(std::span<double> values);
  // From now on meets_on_device(). A meeting; every rank must have a GPU of its own (rank_backend.hpp).
  virtual Status meet_on_device(const Device& device);
  // Every rank's bytes, in the order of ranks, on every rank. Small things only. Errors: limit_exceeded.
  virtual Result<std::vector<std::string>> gather(std::string_view bytes) = 0;

  // How this rank ends: an error is told to the others, unless they know it (cancelled: agreed upon; rank_lost and what
  // came from another rank: they find it themselves). Returns what this rank should report: where meetings have failed,
  // the group's own finding instead of what followed from it.
  virtual Error leave(Error error) = 0;
};

inline constexpr std::size_t kMostGatheredBytes = 1 << 20;

}  // namespace dfa::train
