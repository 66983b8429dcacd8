#include "media/video_encoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

extern "C" {
#include <libavutil/opt.h>
}

namespace dfa {
namespace {

// Chroma is averaged over all pixels that it stands for; the rest as in reading.
constexpr int kToYuvFlags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP | SWS_BITEXACT;
constexpr int kRowAlignment = 64;
constexpr int kMostRate = 1'000'000;

struct CodecFacts {
  VideoCodec codec;
  std::string_view name;
  const char* encoder;  // FFmpeg's name
  int least_crf, most_crf;
};
constexpr std::array<CodecFacts, 3> kCodecs = {{{VideoCodec::h264, "h264", "libx264", 0, 51},
                                                {VideoCodec::h265, "h265", "libx265", 0, 51},
                                                {VideoCodec::mpeg4, "mpeg4", "mpeg4", 1, 31}}};
constexpr std::array<std::string_view, 10> kPresets = {"ultrafast", "superfast", "veryfast", "faster",   "fast",
                                                       "medium",    "slow",      "slower",   "veryslow", "placebo"};

const CodecFacts& facts_of(VideoCodec codec) {
  return *std::find_if(kCodecs.begin(), kCodecs.end(), [codec](const CodecFacts& f) { return f.codec == codec; });
}

int even(int side) {
  return side + side % 2;
}

Result<FrameHandle> make_frame(int width, int height, AVPixelFormat format) {
  FrameHandle frame(av_frame_alloc());
  if (frame != nullptr) {
    frame->format = format;
    frame->width = width;
    frame->height = height;
    if (av_frame_get_buffer(frame.get(), kRowAlignment) >= 0) return frame;
  }
  return fail(ErrorCode::out_of_memory, "no memory for a frame of {}x{}", width, height);
}

class Options {
 public:
  Options() = default;
  ~Options() { av_dict_free(&dictionary_); }
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;
  void set(const char* key, const std::string& value) { av_dict_set(&dictionary_, key, value.c_str(), 0); }
  AVDictionary** data() { return &dictionary_; }

 private:
  AVDictionary* dictionary_ = nullptr;
};

void set_quality(const VideoEncoding& encoding, AVCodecContext& context, Options& options) {
  if (encoding.codec == VideoCodec::mpeg4) {
    context.flags |= AV_CODEC_FLAG_QSCALE;
    context.global_quality = encoding.crf * FF_QP2LAMBDA;
    return;
  }
  options.set("crf", std::to_string(encoding.crf));
  options.set("preset", encoding.preset);
  // x265 has threads and a log of its own.
  if (encoding.codec == VideoCodec::h265) options.set("x265-params", "pools=none:frame-threads=1:log-level=none");
}

}  // namespace

std::string_view video_codec_name(VideoCodec codec) {
  return facts_of(codec).name;
}

Status check_encoding(const VideoEncoding& encoding) {
  const CodecFacts& facts = facts_of(encoding.codec);
  if (encoding.crf < facts.least_crf || encoding.crf > facts.most_crf)
    return fail(ErrorCode::usage, "{}: crf {}, expected {} to {}", facts.name, encoding.crf, facts.least_crf,
                facts.most_crf);
  if (std::find(kPresets.begin(), kPresets.end(), encoding.preset) == kPresets.end())
    return fail(ErrorCode::usage, "{}: preset \"{}\" is not known; expected {}", facts.name, encoding.preset,
                fmt::join(kPresets, ", "));
  if (!encoding.rate.is_known() || encoding.rate.numerator > kMostRate || encoding.rate.denominator > kMostRate)
    return fail(ErrorCode::usage, "{}: a rate of {}/{} frames a second, expected numbers from 1 to {}", facts.name,
                encoding.rate.numerator, encoding.rate.denominator, kMostRate);
  return {};
}

Result<VideoEncoder> VideoEncoder::open(int width, int height, const VideoEncoding& encoding, Headers headers) {
  silence_ffmpeg();
  DFA_TRY(check_encoding(encoding));
  if (width < 1 || height < 1)
    return fail(ErrorCode::usage, "frames of {}x{} cannot be encoded, expected at least 1x1", width, height);
  VideoEncoder encoder(width, height);
  DFA_TRY(encoder.open_codec(encoding, headers));
  DFA_TRY(encoder.open_scaler());
  return encoder;
}

Status VideoEncoder::open_codec(const VideoEncoding& encoding, Headers headers) {
  const CodecFacts& facts = facts_of(encoding.codec);
  const AVCodec* codec = avcodec_find_encoder_by_name(facts.encoder);
  if (codec == nullptr)
    return fail(ErrorCode::media_unsupported, "the installed FFmpeg has no encoder {} for {}", facts.encoder,
                facts.name);
  context_.reset(avcodec_alloc_context3(codec));
  if (context_ == nullptr) return fail(ErrorCode::out_of_memory, "no memory for the encoder");
  AVCodecContext& context = *context_;
  context.width = even(width_);
  context.height = even(height_);
  context.pix_fmt = AV_PIX_FMT_YUV420P;
  context.framerate = {encoding.rate.numerator, encoding.rate.denominator};
  context.time_base = av_inv_q(context.framerate);
  context.sample_aspect_ratio = {1, 1};
  context.colorspace = AVCOL_SPC_SMPTE170M;
  context.color_range = AVCOL_RANGE_MPEG;
  context.thread_count = 1;  // see Note [Equal bytes]
  context.flags |= AV_CODEC_FLAG_BITEXACT;
  if (headers == Headers::in_container) context.flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  Options options;
  set_quality(encoding, context, options);
  if (const int status = avcodec_open2(&context, codec, options.data()); status < 0)
    return fail(status == AVERROR(ENOMEM) ? ErrorCode::out_of_memory : ErrorCode::media_unsupported,
                "{} refuses frames of {}x{}: {}", facts.encoder, width_, height_, ffmpeg_error(status));
  return {};
}

Status VideoEncoder::open_scaler() {
  const int width = context_->width, height = context_->height;
  DFA_ASSIGN_OR_RETURN(rgb_, make_frame(width, height, AV_PIX_FMT_RGB24));
  DFA_ASSIGN_OR_RETURN(yuv_, make_frame(width, height, AV_PIX_FMT_YUV420P));
  yuv_->colorspace = context_->colorspace;
  yuv_->color_range = context_->color_range;
  scaler_.reset(sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, AV_PIX_FMT_YUV420P, kToYuvFlags, nullptr,
                               nullptr, nullptr));
  if (scaler_ == nullptr)
    return fail(ErrorCode::media_unsupported, "frames of {}x{} cannot be converted to 4:2:0", width, height);
  const int* coefficients = sws_getCoefficients(SWS_CS_ITU601);
  constexpr int kFullRange = 1, kLimitedRange = 0, kNoBrightness = 0, kUnit = 1 << 16;
  sws_setColorspaceDetails(scaler_.get(), coefficients, kFullRange, coefficients, kLimitedRange, kNoBrightness, kUnit,
                           kUnit);
  return {};
}

void VideoEncoder::fill_rgb(const PictureView& picture) {
  const std::size_t row_bytes = 3 * static_cast<std::size_t>(width_);
  for (int y = 0; y < rgb_->height; ++y) {
    std::uint8_t* row = rgb_->data[0] + static_cast<std::ptrdiff_t>(y) * rgb_->linesize[0];
    std::memcpy(row, picture.row(std::min(y, height_ - 1)), row_bytes);
    if (rgb_->width > width_) std::memcpy(row + row_bytes, row + row_bytes - 3, 3);
  }
}

Status VideoEncoder::send(const PictureView& picture) {
  if (picture.width != width_ || picture.height != height_)
    return fail(ErrorCode::usage, "frame {} is {}x{}, the ones before {}x{}; a video has one size", sent_,
                picture.width, picture.height, width_, height_);
  fill_rgb(picture);
  // The encoder may still hold the frame before.
  if (av_frame_make_writable(yuv_.get()) < 0) return fail(ErrorCode::out_of_memory, "no memory for a frame");
  if (sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, rgb_->height, yuv_->data, yuv_->linesize) != yuv_->height)
    return fail(ErrorCode::internal, "swscale refused a frame of {}x{}", width_, height_);
  yuv_->pts = sent_++;
  yuv_->quality = context_->global_quality;
  if (const int status = avcodec_send_frame(context_.get(), yuv_.get()); status < 0)
    return fail(ErrorCode::internal, "encoding frame {} failed: {}", yuv_->pts, ffmpeg_error(status));
  return {};
}

Status VideoEncoder::drain() {
  if (const int status = avcodec_send_frame(context_.get(), nullptr); status < 0)
    return fail(ErrorCode::internal, "the encoder cannot be ended: {}", ffmpeg_error(status));
  return {};
}

Result<bool> VideoEncoder::receive(AVPacket& packet) {
  const int status = avcodec_receive_packet(context_.get(), &packet);
  if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return false;
  if (status < 0) return fail(ErrorCode::internal, "encoding failed: {}", ffmpeg_error(status));
  if (packet.duration == 0) packet.duration = 1;  // one frame, in units of the time base
  // x265 leaves the decoding time of a very short video's packets unset (seen with two frames: whatever was in memory).
  // It reorders by at most two frames, and ours are one unit apart: the time that it gives otherwise.
  constexpr std::int64_t kX265Delay = 2;
  if (context_->codec_id == AV_CODEC_ID_HEVC) packet.dts = std::min(received_ - kX265Delay, packet.pts);
  ++received_;
  return true;
}

}  // namespace dfa
