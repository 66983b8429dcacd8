#include "media/frame_finder.hpp"

#include <algorithm>

namespace dfa {
namespace {

// A seek loses what the decoder holds and costs reading again: it must save at least this many packets.
constexpr std::int32_t kMinPacketsSaved = 4;
// Key frames earlier that are tried where a frame does not come after a seek.
constexpr std::size_t kMaxKeysBack = 2;

}  // namespace

void FrameFinder::start_over(std::span<const std::int64_t> wanted) {
  started_ = false;
  wanted_ = wanted;
}

Result<FrameHandle> FrameFinder::find(std::int64_t rank, VideoWork& work) {
  DFA_TRY(approach(rank, work));
  for (;;) {
    std::optional<DecodedFrame> decoded = run_to(rank, work);
    const bool good = decoded && !decoded->damaged && !is_tainted(*decoded);
    if (good) return std::move(decoded->frame);
    DFA_ASSIGN_OR_RETURN(const bool again, try_harder(rank, work));
    if (again) continue;
    last_packet_damaged_ |= rank == index_->frame_count() - 1;
    return FrameHandle();
  }
}

// After a frame did not come, or came damaged: starts another attempt, with more of the stream decoded before it than
// in the last. False where that is not possible: decoding began at the start of the file, or far enough before the
// frame, and left nothing out. What helped is kept for the frames to come.
Result<bool> FrameFinder::try_harder(std::int64_t rank, VideoWork& work) {
  const std::size_t nearest = can_seek() ? index_->key_for(index_->number_of_rank(rank)) : 0;
  if (skipping_works_ && skipped_) {
    skipping_works_ = false;
    DFA_TRY(jump(std::min(run_key_, nearest), work));
    return true;
  }
  if (run_key_ == 0 || run_key_ + kMaxKeysBack <= nearest) return false;
  keys_back_ = nearest - run_key_ + 1;
  DFA_TRY(jump(run_key_ - 1, work));
  return true;
}

// Makes sure that decoding on leads to the frame, and takes the shortest way: on from here, or by a seek.
Status FrameFinder::approach(std::int64_t rank, VideoWork& work) {
  if (!can_seek()) return started_ ? Status() : go_to_start();
  const std::size_t nearest = index_->key_for(index_->number_of_rank(rank));
  const std::size_t key = nearest - std::min(nearest, keys_back_);
  const bool far = index_->keys()[key].number >= source_.next_number() + kMinPacketsSaved;
  if (started_ && !far) return {};
  return jump(key, work);
}

Status FrameFinder::jump(std::size_t key, VideoWork& work) {
  if (key == 0) return go_to_start();
  forget();
  ++work.seeks;
  if (!source_.seek_to_key(key)) {
    seeking_works_ = false;
    return go_to_start();
  }
  run_key_ = index_->key_for(source_.next_number());  // the container may have gone to an earlier one
  return {};
}

Status FrameFinder::go_to_start() {
  forget();
  run_key_ = 0;
  return source_.restart();
}

// Before a run of decoding that begins elsewhere.
void FrameFinder::forget() {
  decoder_.reset();
  held_.reset();
  damage_ = {};
  draining_ = finished_ = skipped_ = false;
  frames_out_ = 0;
  started_ = true;
}

// Decodes until the frame comes, or one that is shown later, or the end.
std::optional<DecodedFrame> FrameFinder::run_to(std::int64_t rank, VideoWork& work) {
  for (;;) {
    if (held_ && held_->rank > rank) return std::nullopt;
    if (held_ && held_->rank == rank) {
      DecodedFrame decoded = std::move(held_->decoded);
      held_.reset();
      return decoded;
    }
    held_.reset();
    if (!pull(work)) return std::nullopt;
  }
}

// The decoder's next frame that has a rank into held_. False at the end of the file.
bool FrameFinder::pull(VideoWork& work) {
  while (!finished_) {
    Needs needs;
    std::optional<DecodedFrame> decoded = decoder_.receive(needs);
    if (decoder_.take_failures() > 0) note_damage(source_.next_number() - 1);
    if (!decoded) {
      if (needs == Needs::packet)
        feed();
      else
        finished_ = true;
      continue;
    }
    ++work.frames_decoded;
    const std::int64_t turn = frames_out_++;
    const bool known = decoded->number >= 0 && decoded->number < index_->packet_count();
    if (known && decoded->damaged) note_damage(decoded->number);
    const std::int64_t rank = !index_->is_timed() ? turn
                              : known             ? index_->packet(decoded->number).rank
                                                  : PacketEntry::kNotShown;
    if (rank == PacketEntry::kNotShown) continue;
    held_.emplace(Ranked{std::move(*decoded), rank});
    return true;
  }
  return false;
}

void FrameFinder::feed() {
  if (draining_) {
    finished_ = true;
    return;
  }
  AVPacket* packet = source_.read();
  if (packet == nullptr) {
    draining_ = true;
    decoder_.drain();
    return;
  }
  const std::int32_t number = source_.next_number() - 1;
  const Interest interest = interest_in(number);
  skipped_ |= interest == Interest::as_reference;
  if (!decoder_.send(*packet, number, interest)) note_damage(number);
}

// Without times a frame's rank is its turn of coming out: then all must.
Interest FrameFinder::interest_in(std::int32_t number) const {
  if (!skipping_works_ || !index_->is_timed() || !decoder_.tells_references()) return Interest::shown;
  const bool wanted = std::binary_search(wanted_.begin(), wanted_.end(), index_->packet(number).rank);
  return wanted ? Interest::shown : Interest::as_reference;
}

void FrameFinder::note_damage(std::int32_t number) {
  if (number < 0) return;
  last_packet_damaged_ |= number == index_->packet_count() - 1;
  // Frames shown before the key frame at which this run began cannot be whole, and nothing that can be leans on them.
  if (!index_->keys().empty() && index_->key_for(number) < run_key_) return;
  const std::int32_t first = std::max(0, number - decoder_.packets_in_flight());
  if (damage_.last < 0 || index_->key_for(damage_.last) != index_->key_for(first)) damage_.first = first;
  damage_.last = std::max(damage_.last, number);
}

bool FrameFinder::is_tainted(const DecodedFrame& decoded) const {
  if (damage_.last < 0 || decoded.number < damage_.first || index_->keys().empty()) return false;
  return index_->keys()[index_->key_for(decoded.number)].number <= damage_.last;
}

}  // namespace dfa
