#include "media/video_writer.hpp"

#include <new>
#include <optional>

#include "media/byte_sink.hpp"
#include "media/video_encoder.hpp"

namespace dfa {
namespace {

struct OutputDeleter {
  void operator()(AVFormatContext* context) const { avformat_free_context(context); }
};
using OutputHandle = std::unique_ptr<AVFormatContext, OutputDeleter>;

// FFmpeg's view of a sink. Stays where it is: FFmpeg holds its address.
class OutputIo {
 public:
  explicit OutputIo(std::unique_ptr<ByteSink> sink) : sink_(std::move(sink)) {}
  OutputIo(const OutputIo&) = delete;
  OutputIo& operator=(const OutputIo&) = delete;

  Result<AVIOContext*> open() {
    constexpr int kBufferBytes = 1 << 16, kForWriting = 1;
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
    if (buffer != nullptr)
      io_.reset(avio_alloc_context(buffer, kBufferBytes, kForWriting, this, nullptr, on_write, on_seek));
    if (io_ != nullptr) return io_.get();
    av_free(buffer);
    return fail(ErrorCode::out_of_memory, "no memory for a video file's buffer");
  }

  // What went wrong, where FFmpeg only knows that something did.
  const Status& status() const { return status_; }
  Status commit() {
    avio_flush(io_.get());
    DFA_TRY(status_);
    return sink_->commit();
  }

 private:
  static int on_write(void* self, std::uint8_t* bytes, int count) {
    auto& io = *static_cast<OutputIo*>(self);
    try {
      const std::span data(reinterpret_cast<const std::byte*>(bytes), static_cast<std::size_t>(count));
      if (io.status_) io.status_ = io.sink_->write_at(static_cast<std::uint64_t>(io.position_), data);
    } catch (const std::bad_alloc&) {
      io.status_ = fail(ErrorCode::out_of_memory, "no memory for the bytes of a video");
    }
    if (!io.status_) return AVERROR(EIO);
    io.position_ += count;
    io.size_ = std::max(io.size_, io.position_);
    return count;
  }

  static std::int64_t on_seek(void* self, std::int64_t offset, int whence) {
    auto& io = *static_cast<OutputIo*>(self);
    if (whence == AVSEEK_SIZE) return io.size_;
    const std::int64_t from = whence == SEEK_CUR ? io.position_ : whence == SEEK_END ? io.size_ : 0;
    if (from + offset < 0) return AVERROR(EINVAL);
    return io.position_ = from + offset;
  }

  std::unique_ptr<ByteSink> sink_;
  Status status_;
  std::int64_t position_ = 0, size_ = 0;
  IoHandle io_;
};

class Writer final : public VideoWriter {
 public:
  Writer(std::unique_ptr<ByteSink> sink, const VideoEncoding& encoding) : encoding_(encoding), io_(std::move(sink)) {}
  Status add(const PictureView& frame) override;
  Status finish() override;

 private:
  Status start(const PictureView& first);
  Status write_packets();
  tl::unexpected<Error> failure(std::string_view step, int code) const;

  VideoEncoding encoding_;
  OutputIo io_;
  std::optional<VideoEncoder> encoder_;
  OutputHandle format_;
  AVStream* stream_ = nullptr;
  PacketHandle packet_;
};

tl::unexpected<Error> Writer::failure(std::string_view step, int code) const {
  if (!io_.status()) return tl::unexpected(io_.status().error());
  return fail(code == AVERROR(ENOMEM) ? ErrorCode::out_of_memory : ErrorCode::internal, "{}: {}", step,
              ffmpeg_error(code));
}

Status Writer::start(const PictureView& first) {
  DFA_ASSIGN_OR_RETURN(encoder_,
                       VideoEncoder::open(first.width, first.height, encoding_, VideoEncoder::Headers::in_container));
  packet_.reset(av_packet_alloc());
  AVFormatContext* format = nullptr;
  avformat_alloc_output_context2(&format, nullptr, "mp4", nullptr);
  format_.reset(format);
  stream_ = format == nullptr ? nullptr : avformat_new_stream(format, nullptr);
  if (packet_ == nullptr || stream_ == nullptr) return fail(ErrorCode::out_of_memory, "no memory for a video file");
  DFA_ASSIGN_OR_RETURN(format->pb, io_.open());
  // Bit-exact: no library versions and no times in the file.
  format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
  if (const int status = avcodec_parameters_from_context(stream_->codecpar, &encoder_->context()); status < 0)
    return failure("describing the stream failed", status);
  // Under the other usual tag, hev1, some players show nothing.
  if (encoding_.codec == VideoCodec::h265) stream_->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
  stream_->time_base = encoder_->context().time_base;
  stream_->avg_frame_rate = encoder_->context().framerate;
  if (const int status = avformat_write_header(format, nullptr); status < 0)
    return failure("writing the file's header failed", status);
  return {};
}

Status Writer::write_packets() {
  for (;;) {
    DFA_ASSIGN_OR_RETURN(const bool filled, encoder_->receive(*packet_));
    if (!filled) return {};
    av_packet_rescale_ts(packet_.get(), encoder_->context().time_base, stream_->time_base);
    packet_->stream_index = stream_->index;
    if (const int status = av_interleaved_write_frame(format_.get(), packet_.get()); status < 0)
      return failure("writing a frame failed", status);
  }
}

Status Writer::add(const PictureView& frame) {
  if (!encoder_) DFA_TRY(start(frame));
  DFA_TRY(encoder_->send(frame));
  return write_packets();
}

Status Writer::finish() {
  if (!encoder_) return fail(ErrorCode::usage, "a video without a frame cannot be written");
  DFA_TRY(encoder_->drain());
  DFA_TRY(write_packets());
  if (const int status = av_write_trailer(format_.get()); status < 0) return failure("ending the file failed", status);
  return io_.commit();
}

Status add_all(VideoWriter& writer, std::span<const Picture> frames) {
  for (const Picture& frame : frames) DFA_TRY(writer.add(frame.view()));
  return writer.finish();
}

}  // namespace

Result<std::unique_ptr<VideoWriter>> VideoWriter::create(const std::filesystem::path& path,
                                                         const VideoEncoding& encoding) {
  DFA_TRY(check_encoding(encoding));
  DFA_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  return std::make_unique<Writer>(std::make_unique<FileSink>(std::move(file)), encoding);
}

Status write_video(const std::filesystem::path& path, std::span<const Picture> frames, const VideoEncoding& encoding) {
  DFA_ASSIGN_OR_RETURN(const auto writer, VideoWriter::create(path, encoding));
  return add_all(*writer, frames);
}

Result<std::vector<std::byte>> encode_video(std::span<const Picture> frames, const VideoEncoding& encoding) {
  std::vector<std::byte> bytes;
  Writer writer(std::make_unique<MemorySink>(bytes), encoding);
  DFA_TRY(add_all(writer, frames));
  return bytes;
}

}  // namespace dfa
