// A decoder that is fed packets by number and answers with frames that know theirs; see Note [Packets, ranks and
// numbers]. Internal to this room.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "media/ffmpeg_handles.hpp"
#include "media/limits.hpp"

namespace dfa {

struct DecodedFrame {
  FrameHandle frame;
  std::int32_t number = -1;  // of the packet it came from; -1 = the decoder lost it
  bool damaged = false;      // the decoder itself says that pixels are missing or made up
};

enum class Interest {
  shown,        // the frame is wanted
  as_reference  // only others may need it: a frame that no other leans on is not decoded, where the codec says so
                // reliably
};

enum class Needs { packet, nothing };  // what a decoder that has no frame now needs; nothing = all frames are out

class Decoder {
 public:
  // threads: as VideoOptions. Errors: media_unsupported, out_of_memory.
  static Result<Decoder> open(const AVStream& stream, int threads, const MediaLimits& limits);

  // False where the packet could not be decoded. The packet's times are overwritten.
  bool send(AVPacket& packet, std::int32_t number, Interest interest);
  // Whether packets of this codec tell reliably if others lean on them. Otherwise Interest makes no difference.
  bool tells_references() const { return tells_references_; }
  // No more packets: the frames that wait come out.
  void drain();
  // The next frame, or nothing and what is needed.
  std::optional<DecodedFrame> receive(Needs& needs);
  // Forgets everything, as after opening: the next packet is a key frame.
  void reset();
  // Damage may concern a packet that lies this many before the last one sent.
  int packets_in_flight() const { return threads_ - 1; }
  // How often receiving failed since the last call.
  int take_failures() { return std::exchange(failures_, 0); }

  const AVCodecContext& context() const { return *context_; }

 private:
  CodecHandle context_;
  int threads_ = 1;
  bool tells_references_ = false;
  int failures_ = 0;
};

}  // namespace dfa
