// Who is to blame when a meeting of the ranks fails: signs of life through the store, beside the training.
//
// Each rank keeps a note in the store: a number that grows while the process lives, how many meetings it has begun, and
// how it ended. A thread renews the note and reads the others'. Gloo itself only says that some connection broke or
// took too long; from the notes follows which rank failed, died, was stopped, or lives and does not come.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "train/devices/rank_environment.hpp"

namespace dfa::train {

// Where the notes lie. Used by the heartbeat's thread only; may throw when the store is gone, and may hang.
class NoteStore {
 public:
  virtual ~NoteStore() = default;
  virtual void write(int rank, const std::string& note) = 0;
  virtual std::vector<std::string> read_all() = 0;  // by rank; empty where a rank has written nothing yet
};

struct HeartbeatTimes {
  std::chrono::milliseconds interval;        // between two signs of life
  std::chrono::milliseconds silent_after;    // without a new sign a rank counts as dead or stopped
  std::chrono::milliseconds verdict_within;  // how long blame() looks for the cause
};
// From the time after which a rank that does not answer ends the run.
HeartbeatTimes heartbeat_times(std::chrono::milliseconds timeout);

enum class MeetingFailure { broken, timed_out };

class Heartbeat {
 public:
  Heartbeat(const RankEnvironment& environment, std::unique_ptr<NoteStore> store, const HeartbeatTimes& times);
  // Tells the others that this rank is done. Never waits for a store that does not answer.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void begin_meeting();
  // The cause of a failed meeting; `said` is what the library said. Waits for evidence up to verdict_within.
  Error blame(MeetingFailure failure, const std::string& said);
  // Notes this rank's own failure, or what it was told or found, and waits until it is written.
  void tell_own(const Error& error);
  void tell_found(const Error& error);
  // Until every other rank knows of the end or is silent: who holds the store must be the last to go.
  void wait_for_others();

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the thread, which may outlive us in a store that hangs
};

}  // namespace dfa::train
