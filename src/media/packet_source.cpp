#include "media/packet_source.hpp"

namespace dfa {
namespace {

// As in the index: what was passed over there is passed over here.
constexpr int kMaxFailuresInARow = 100;
// Packets after a seek that may be unknown (the tail of a frame, of which a raw stream's parser sees no start) before
// we give up.
constexpr int kMaxUnknown = 16;

}  // namespace

Result<PacketSource> PacketSource::create(Container& container, const PacketIndex& index) {
  PacketHandle packet(av_packet_alloc());
  if (packet == nullptr) return fail(ErrorCode::out_of_memory, "no memory for a packet");
  return PacketSource(container, index, std::move(packet));
}

// The next packet of our stream into packet_.
bool PacketSource::read_any() {
  int failures = 0;
  while (failures < kMaxFailuresInARow) {
    av_packet_unref(packet_.get());
    const int status = av_read_frame(&container_->format(), packet_.get());
    if (status == AVERROR_EOF) return false;
    if (status < 0)
      ++failures;
    else if (packet_->stream_index == container_->stream_index())
      return true;
    else
      failures = 0;
  }
  return false;
}

AVPacket* PacketSource::read() {
  for (;;) {
    if (!has_packet_ && !read_any()) {
      ended_early_ |= next_number_ < index_->packet_count();
      return nullptr;
    }
    has_packet_ = false;
    // More packets than were counted: the file has changed, or a container that does not repeat itself. Nobody asks for
    // them.
    if (next_number_ >= index_->packet_count()) return nullptr;
    if (index_->packet(next_number_++).whole) return packet_.get();
  }
}

bool PacketSource::seek_to_key(std::size_t key) {
  const KeyEntry& entry = index_->keys()[key];
  // Some containers search by presentation time and some by decoding time. The first lands at the key frame or behind
  // it, the second at it or before it.
  return seek_to_time(index_->packet(entry.number).pts, entry.number) || seek_to_time(entry.dts, entry.number);
}

bool PacketSource::seek_to_time(std::int64_t timestamp, std::int32_t wanted) {
  has_packet_ = false;
  if (av_seek_frame(&container_->format(), container_->stream_index(), timestamp, AVSEEK_FLAG_BACKWARD) < 0)
    return false;
  for (int unknown = 0; unknown < kMaxUnknown; ++unknown) {
    if (!read_any()) return false;
    const std::int32_t number = recognise(*packet_, wanted);
    if (number < 0) continue;
    if (number > wanted) return false;
    next_number_ = number;
    has_packet_ = true;
    return true;
  }
  return false;
}

// By place in the file and presentation time together; each alone may be shared.
std::int32_t PacketSource::recognise(const AVPacket& packet, std::int32_t near) const {
  if (packet.pos < 0) return -1;
  const auto is_it = [&](std::int64_t number) {
    const PacketEntry& entry = index_->packet(number);
    return entry.position == packet.pos && entry.pts == packet.pts;
  };
  if (is_it(near)) return near;
  for (std::int64_t number = 0; number < index_->packet_count(); ++number)
    if (is_it(number)) return static_cast<std::int32_t>(number);
  return -1;
}

Status PacketSource::restart() {
  ended_early_ = false;
  // Going back is cheaper than reading the tables again, wherever packet 0 can be recognised.
  if (index_->is_timed() && seek_to_time(index_->packet(0).pts, 0)) return {};
  DFA_TRY(container_->reopen());
  has_packet_ = false;
  next_number_ = 0;
  return {};
}

}  // namespace dfa
