// Several runners on one video at once, each on groups of frames of its own. Internal to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/bounded_queue.hpp"
#include "base/result.hpp"
#include "media/frame_runner.hpp"
#include "media/packet_index.hpp"

namespace dfa {

// Note [Which runner decodes which frame]
// Wanted frames for which decoding starts at the same key frame are a group; decoding one of them passes the others.
// The groups go to the runners in turn, so that neighbours in time are decoded at once and are needed soon: each runner
// is at most kFramesAhead pictures ahead of the reader. No group is decoded twice, and a picture does not depend on who
// decoded it.
inline constexpr std::size_t kFramesAhead = 2;

// For each wanted frame the number of its runner. One runner is named where the groups are too few for more.
std::vector<int> share_out(std::span<const std::int64_t> wanted, const PacketIndex& index, int runners);

// About how many frames must be decoded to get at the wanted ones: in each group, all from its key frame on.
std::int64_t frames_to_decode(std::span<const std::int64_t> wanted, const PacketIndex& index);

// Made for one selection. Destroying it stops the runners at their next frame.
class RunnerTeam {
 public:
  // Starts a thread for each runner; the runners outlive this object and are left alone by others while it lives.
  // `owners`: as share_out(wanted) gave them. Throws std::system_error where the machine refuses a thread.
  RunnerTeam(std::span<const std::unique_ptr<FrameRunner>> runners, std::span<const std::int64_t> wanted,
             std::span<const int> owners);
  ~RunnerTeam();
  RunnerTeam(const RunnerTeam&) = delete;
  RunnerTeam& operator=(const RunnerTeam&) = delete;

  // What FrameRunner::picture() gave for the next wanted frame, in the order of `wanted`, by its owner. Errors: as
  // there.
  Result<std::optional<Picture>> next(int owner);
  // Of what next() has handed out.
  VideoWork work() const;
  // Waits until all is decoded. Requires that next() was called for every wanted frame.
  void join();

 private:
  struct Found {
    Result<std::optional<Picture>> picture;
    VideoWork work;  // of the runner, up to and with this frame
  };
  struct Member {
    std::vector<std::int64_t> wanted;
    BoundedQueue<Found> found{kFramesAhead};
    VideoWork work;
    std::thread thread;
  };
  void stop();
  static void run(FrameRunner& runner, Member& member);

  std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace dfa
