#include "media/video_recoder.hpp"

#include <cstring>
#include <new>
#include <optional>

#include "media/frame_converter.hpp"
#include "media/picture_codecs.hpp"
#include "media/video_encoder.hpp"

namespace dfa {
namespace {

// The left upper part: what the encoder added to odd sides goes.
Picture cut_to(Picture picture, int width, int height) {
  if (picture.width == width && picture.height == height) return picture;
  Picture cut = black_picture(width, height);
  const std::size_t row_bytes = 3 * static_cast<std::size_t>(width);
  for (int y = 0; y < height; ++y)
    std::memcpy(cut.rgb.data() + static_cast<std::size_t>(y) * row_bytes, picture.view().row(y), row_bytes);
  return cut;
}

class Recoder final : public VideoRecoder {
 public:
  Recoder(const VideoEncoding& encoding, PictureSink sink) : encoding_(encoding), sink_(std::move(sink)) {}
  Status add(const PictureView& frame) override;
  Status finish() override;

 private:
  Status start(const PictureView& first);
  Status decode_packets();
  Status decode(const AVPacket* packet);
  Status deliver();

  VideoEncoding encoding_;
  PictureSink sink_;
  int width_ = 0, height_ = 0;
  std::int64_t frames_in_ = 0, frames_out_ = 0;
  std::optional<VideoEncoder> encoder_;
  CodecHandle decoder_;
  PacketHandle packet_;
  FrameHandle frame_;
  FrameConverter converter_;
};

Status Recoder::start(const PictureView& first) {
  width_ = first.width;
  height_ = first.height;
  DFA_ASSIGN_OR_RETURN(encoder_, VideoEncoder::open(width_, height_, encoding_, VideoEncoder::Headers::in_stream));
  const AVCodec* codec = avcodec_find_decoder(encoder_->context().codec_id);
  if (codec == nullptr)
    return fail(ErrorCode::media_unsupported, "the installed FFmpeg cannot decode {}",
                video_codec_name(encoding_.codec));
  decoder_.reset(avcodec_alloc_context3(codec));
  packet_.reset(av_packet_alloc());
  frame_.reset(av_frame_alloc());
  if (decoder_ == nullptr || packet_ == nullptr || frame_ == nullptr)
    return fail(ErrorCode::out_of_memory, "no memory for a decoder");
  decoder_->thread_count = 1;
  decoder_->pkt_timebase = encoder_->context().time_base;
  if (const int status = avcodec_open2(decoder_.get(), codec, nullptr); status < 0)
    return fail(ErrorCode::internal, "the decoder for {} does not open: {}", video_codec_name(encoding_.codec),
                ffmpeg_error(status));
  return {};
}

Status Recoder::deliver() {
  constexpr AVRational kSquare{1, 1};
  constexpr std::int64_t kNoLimit = 0;
  DFA_ASSIGN_OR_RETURN(Picture picture, converter_.convert(*frame_, kSquare, Orientation::upright, kNoLimit));
  ++frames_out_;
  return sink_(cut_to(std::move(picture), width_, height_));
}

Status Recoder::decode(const AVPacket* packet) {
  if (const int status = avcodec_send_packet(decoder_.get(), packet); status < 0)
    return fail(ErrorCode::internal, "what the encoder wrote does not decode: {}", ffmpeg_error(status));
  for (;;) {
    const int status = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return {};
    if (status < 0)
      return fail(ErrorCode::internal, "what the encoder wrote does not decode: {}", ffmpeg_error(status));
    DFA_TRY(deliver());
  }
}

Status Recoder::decode_packets() {
  for (;;) {
    DFA_ASSIGN_OR_RETURN(const bool filled, encoder_->receive(*packet_));
    if (!filled) return {};
    const Status decoded = decode(packet_.get());
    av_packet_unref(packet_.get());
    DFA_TRY(decoded);
  }
}

Status Recoder::add(const PictureView& frame) {
  if (!encoder_) DFA_TRY(start(frame));
  DFA_TRY(encoder_->send(frame));
  ++frames_in_;
  return decode_packets();
}

Status Recoder::finish() {
  if (!encoder_) return {};
  DFA_TRY(encoder_->drain());
  DFA_TRY(decode_packets());
  DFA_TRY(decode(nullptr));
  if (frames_out_ != frames_in_)
    return fail(ErrorCode::internal, "{} frames went into {}, {} came out", frames_in_,
                video_codec_name(encoding_.codec), frames_out_);
  return {};
}

}  // namespace

Result<std::unique_ptr<VideoRecoder>> VideoRecoder::create(const VideoEncoding& encoding, PictureSink sink) {
  DFA_TRY(check_encoding(encoding));
  return std::make_unique<Recoder>(encoding, std::move(sink));
}

Result<std::vector<Picture>> reencode_video_frames(std::span<const Picture> frames, const VideoEncoding& encoding) {
  std::vector<Picture> out;
  const PictureSink keep = [&out](Picture picture) -> Status {
    out.push_back(std::move(picture));
    return {};
  };
  DFA_ASSIGN_OR_RETURN(const auto recoder, VideoRecoder::create(encoding, keep));
  for (const Picture& frame : frames) DFA_TRY(recoder->add(frame.view()));
  DFA_TRY(recoder->finish());
  return out;
}

}  // namespace dfa
