#include "media/decoder.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace dfa {

Result<Decoder> Decoder::open(const AVStream& stream, int threads, const MediaLimits& limits) {
  const AVCodecParameters& parameters = *stream.codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr)
    return fail(ErrorCode::media_unsupported, "no decoder for video codec {}", avcodec_get_name(parameters.codec_id));
  Decoder decoder;
  decoder.context_.reset(avcodec_alloc_context3(codec));
  if (decoder.context_ == nullptr) return fail(ErrorCode::out_of_memory, "no memory for the decoder");
  AVCodecContext& context = *decoder.context_;
  if (avcodec_parameters_to_context(&context, &parameters) < 0)
    return fail(ErrorCode::out_of_memory, "no memory for the decoder");
  // In HEVC the mark speaks of one temporal layer only; for other codecs the decoders do not look at it, or not all.
  decoder.tells_references_ = parameters.codec_id == AV_CODEC_ID_H264 || parameters.codec_id == AV_CODEC_ID_MPEG2VIDEO;
  context.pkt_timebase = stream.time_base;
  if (limits.max_pixels > 0) context.max_pixels = limits.max_pixels;
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  decoder.threads_ = threads > 0 ? threads : cores;
  context.thread_count = decoder.threads_;
  if (const int status = avcodec_open2(&context, codec, nullptr); status < 0)
    return fail(ErrorCode::media_unsupported, "the decoder for {} refuses this stream: {}", codec->name,
                ffmpeg_error(status));
  return decoder;
}

bool Decoder::send(AVPacket& packet, std::int32_t number, Interest interest) {
  const bool skip = interest == Interest::as_reference && tells_references_;
  context_->skip_frame = skip ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
  packet.pts = number;
  packet.dts = AV_NOPTS_VALUE;
  return avcodec_send_packet(context_.get(), &packet) >= 0;
}

void Decoder::drain() {
  avcodec_send_packet(context_.get(), nullptr);
}

std::optional<DecodedFrame> Decoder::receive(Needs& needs) {
  // Each failing call has consumed something, so this ends; the bound is against a decoder that does not.
  constexpr int kMaxFailures = 64;
  DecodedFrame decoded{FrameHandle(av_frame_alloc()), -1, false};
  needs = Needs::nothing;
  if (decoded.frame == nullptr) return std::nullopt;
  for (int i = 0; i < kMaxFailures; ++i) {
    const int status = avcodec_receive_frame(context_.get(), decoded.frame.get());
    if (status >= 0) {
      const AVFrame& frame = *decoded.frame;
      decoded.number = frame.pts >= 0 && frame.pts <= INT32_MAX ? static_cast<std::int32_t>(frame.pts) : -1;
      decoded.damaged = (frame.flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags != 0;
      return decoded;
    }
    needs = status == AVERROR(EAGAIN) ? Needs::packet : Needs::nothing;
    if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return std::nullopt;
    ++failures_;
  }
  return std::nullopt;
}

void Decoder::reset() {
  avcodec_flush_buffers(context_.get());
}

}  // namespace dfa
