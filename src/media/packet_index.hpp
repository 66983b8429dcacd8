// Where and when every frame of a stream is, learnt by reading its packets once without decoding. Internal to this
// room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "media/container.hpp"
#include "media/limits.hpp"

namespace dfa {

// Note [Packets, ranks and numbers]
// A packet's *number* is its place in decoding order, its frame's *rank* the place in presentation order. Packets are
// given to the decoder with their number in place of their time, and a decoded frame brings that number back: which
// frame it is never has to be guessed, also after a seek. Frames that an edit list hides, and packets that show
// nothing, have no rank.
//
// Streams without usable times (raw streams, some AVI files, streams whose clock jumps back) are read from the start
// without seeks, and the decoder's order of output gives the rank.

struct PacketEntry {
  static constexpr std::int32_t kNotShown = -1;
  std::int64_t pts = 0;        // in units of the stream's time base
  std::int64_t position = -1;  // in the file, -1 = the container does not tell
  std::int32_t rank = kNotShown;
  bool key = false;
  bool whole = true;  // false: the file ends inside it, it is not given to the decoder
};

struct KeyEntry {
  std::int32_t number = 0;
  std::int64_t dts = 0;
};

class PacketIndex {
 public:
  // Reads the container to its end. Errors: media_truncated and media_corrupt (no frame at all), limit_exceeded,
  // file_unreadable.
  static Result<PacketIndex> build(Container& container, const MediaLimits& limits);

  std::int64_t frame_count() const { return static_cast<std::int64_t>(shown_.size()); }
  const PacketEntry& packet(std::int64_t number) const { return packets_[static_cast<std::size_t>(number)]; }
  std::int64_t packet_count() const { return static_cast<std::int64_t>(packets_.size()); }
  std::int32_t number_of_rank(std::int64_t rank) const { return shown_[static_cast<std::size_t>(rank)]; }
  // Start of presentation in seconds from the first frame's; never falls with the rank.
  double seconds_of_rank(std::int64_t rank) const;
  double duration_seconds() const;
  // Whether packets say when they are shown: without it there is no seeking, see the note.
  bool is_timed() const { return timed_; }
  const std::vector<KeyEntry>& keys() const { return keys_; }
  // The place in keys() from which decoding must start for this packet: the last key frame that is both decoded and
  // shown no later (a frame decoded after a key frame but shown before it leans on the group before). 0 where there is
  // none.
  std::size_t key_for(std::int32_t number) const;
  // In words, or empty: what reading the packets showed about a file that ends early.
  const std::string& cut() const { return cut_; }

 private:
  struct Scan;
  PacketIndex() = default;
  void order_by_time();
  void order_as_stored(Scan& scan, double frame_seconds);
  void close_last_interval(std::int64_t last_duration, double frame_seconds);

  std::vector<PacketEntry> packets_;  // by number
  std::vector<std::int32_t> shown_;   // by rank: number
  std::vector<KeyEntry> keys_;
  double time_base_ = 1;
  std::int64_t end_ = 0;  // when the last frame's presentation ends, in units of the time base
  bool timed_ = true;
  std::string cut_;
};

}  // namespace dfa
