// Whether decoding may really begin at a packet that its container calls a key frame. Internal to this room.
#pragma once

#include "media/ffmpeg_handles.hpp"

namespace dfa {

// Note [Key frames that are none]
// H.264 streams can refresh their picture piece by piece, and containers call the start of such a sweep a key frame. A
// decoder that begins there delivers wrong pictures without saying so (seen with x264's intra refresh, also after the
// announced recovery). So for H.264 only an IDR picture counts, or an intra picture whose recovery note says that it
// takes no further frame; for HEVC only the random access pictures of the standard. For other codecs the container's
// word is taken.
//
// Requires: a packet with AV_PKT_FLAG_KEY of a stream with these parameters.
bool starts_decoding(const AVPacket& packet, const AVCodecParameters& parameters);

}  // namespace dfa
