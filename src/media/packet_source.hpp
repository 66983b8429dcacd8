// The packets of the stream by number, from the start or from a key frame. Internal to this room.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "media/container.hpp"
#include "media/packet_index.hpp"

namespace dfa {

class PacketSource {
 public:
  // Both outlive this object. Errors: out_of_memory.
  static Result<PacketSource> create(Container& container, const PacketIndex& index);

  // The next packet that is worth decoding; its number is next_number() - 1 afterwards. nullptr at the end of the file.
  AVPacket* read();
  std::int32_t next_number() const { return next_number_; }

  // Goes to that key frame, or to an earlier one where the container finds no nearer. True: the next packet was
  // recognised and next_number() tells which it is. False: the container cannot be trusted with seeking; call
  // restart().
  [[nodiscard]] bool seek_to_key(std::size_t key);
  // Back to the start, by opening the file again where nothing else helps: packet 0 is next. Errors: as
  // Container::open().
  Status restart();

  // Whether the file ended before the index said so: it changed while we read.
  bool ended_early() const { return ended_early_; }

 private:
  PacketSource(Container& container, const PacketIndex& index, PacketHandle packet)
      : container_(&container), index_(&index), packet_(std::move(packet)) {}
  bool read_any();
  bool seek_to_time(std::int64_t timestamp, std::int32_t wanted);
  std::int32_t recognise(const AVPacket& packet, std::int32_t near) const;

  Container* container_;
  const PacketIndex* index_;
  PacketHandle packet_;
  bool has_packet_ = false;  // packet_ was read while seeking and is still to be handed out
  std::int32_t next_number_ = 0;
  bool ended_early_ = false;
};

}  // namespace dfa
