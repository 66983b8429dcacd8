// Finds the frame of a given rank: when to seek, from which key frame, which decoded frames can be trusted. Internal to
// this room.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/result.hpp"
#include "media/decoder.hpp"
#include "media/packet_index.hpp"
#include "media/packet_source.hpp"
#include "media/video_reader.hpp"

namespace dfa {

// Note [Which decoded frames can be trusted]
// A frame is delivered only under its own number (Note [Packets, ranks and numbers]). After a seek a decoder may lack
// references: the frames shown before the key frame are never taken from such a run. A frame that does not come, or
// comes marked as damaged, is tried again from one and from two key frames earlier (containers do lie about key
// frames). Where a packet fails or a frame is marked, what was decoded from it is wrong too, up to the next key frame,
// though no decoder marks it: those frames count as damaged as well.
//
// Frames that nobody wants and no other frame leans on are not decoded. Should a wanted frame not come, it is tried
// again without this.
class FrameFinder {
 public:
  // The index outlives this object.
  FrameFinder(const PacketIndex& index, PacketSource source, Decoder decoder)
      : index_(&index), source_(std::move(source)), decoder_(std::move(decoder)) {}

  // The next find() goes back to wherever it must. `wanted`: the ranks that will be asked for, rising; it stays alive.
  void start_over(std::span<const std::int64_t> wanted);

  // The frame of that rank, one of `wanted`, or nothing where it cannot be decoded. Ranks must rise from call to call.
  // Errors: those of opening the file again.
  Result<FrameHandle> find(std::int64_t rank, VideoWork& work);

  // The file became shorter since its packets were counted.
  bool ended_early() const { return source_.ended_early(); }
  // The very last packet or frame was tried and is damaged: all that shows a cut where the container has no outline.
  bool last_packet_damaged() const { return last_packet_damaged_; }

 private:
  struct Ranked {
    DecodedFrame decoded;
    std::int64_t rank = 0;
  };

  Status approach(std::int64_t rank, VideoWork& work);
  Status jump(std::size_t key, VideoWork& work);
  Status go_to_start();
  void forget();
  Result<bool> try_harder(std::int64_t rank, VideoWork& work);
  std::optional<DecodedFrame> run_to(std::int64_t rank, VideoWork& work);
  bool pull(VideoWork& work);
  void feed();
  Interest interest_in(std::int32_t number) const;
  void note_damage(std::int32_t number);
  bool is_tainted(const DecodedFrame& decoded) const;
  bool can_seek() const { return index_->is_timed() && seeking_works_ && !index_->keys().empty(); }

  const PacketIndex* index_;
  PacketSource source_;
  Decoder decoder_;

  bool started_ = false;
  bool seeking_works_ = true;
  bool skipping_works_ = true;
  bool skipped_ = false;  // in this run some frames were offered as references only
  std::span<const std::int64_t> wanted_;
  std::size_t run_key_ = 0;  // place in keys() where the present run of decoding began; 0 also stands for the start
  std::size_t keys_back_ =
      0;  // how many key frames earlier than the rules say decoding starts: learnt from frames that did not come
  std::int64_t frames_out_ = 0;  // in this run; gives the rank where packets have no times
  std::optional<Ranked> held_;   // decoded, its turn has not come
  bool draining_ = false;
  bool finished_ = false;
  bool last_packet_damaged_ = false;
  struct Damage {
    std::int32_t first = -1, last = -1;  // numbers; -1 = none
  } damage_;
};

}  // namespace dfa
