#include "media/container.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

#include "media/container_structure.hpp"
#include "media/picture_codecs.hpp"
#include "media/sniff.hpp"

extern "C" {
#include <libavutil/avstring.h>
}

namespace dfa {
namespace {

// FFmpeg's names of the containers and raw streams that hold videos in one file. What is not here is not opened: no
// playlists, lists of files, devices, subtitles or picture sequences, whatever their bytes look like.
constexpr const char* kDemuxers =
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,ivf,nut,mxf,h264,hevc,m4v,obu,gif,yuv4mpegpipe,dv,rm,wtv";
// Below this the guess rests on too little, and random bytes would count as a raw video stream.
constexpr int kMinProbeScore = AVPROBE_SCORE_RETRY + 1;
constexpr unsigned kMaxProbeBytes = 1 << 20;
constexpr std::size_t kHeadBytes = 4096;  // for saying what the bytes look like instead

bool is_allowed(const AVInputFormat* demuxer) {
  return demuxer != nullptr && av_match_list(demuxer->name, kDemuxers, ',') > 0;
}

// Every attempt of a demuxer to open something else by name ends here.
int refuse_to_open(AVFormatContext*, AVIOContext** io, const char*, int, AVDictionary**) {
  *io = nullptr;
  return AVERROR(EPERM);
}

bool is_cover(const AVStream& stream) {
  return (stream.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0;
}

// Among the streams that are no covers: the default one first, then the larger.
int best_moving_stream(const AVFormatContext& format) {
  int best = -1;
  std::int64_t best_rank = -1;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    if (stream.codecpar->codec_type != AVMEDIA_TYPE_VIDEO || is_cover(stream)) continue;
    const std::int64_t pixels = static_cast<std::int64_t>(stream.codecpar->width) * stream.codecpar->height;
    const std::int64_t rank = pixels + ((stream.disposition & AV_DISPOSITION_DEFAULT) != 0 ? INT64_C(1) << 48 : 0);
    if (rank > best_rank) best = static_cast<int>(i), best_rank = rank;
  }
  return best;
}

std::string streams_in_words(const AVFormatContext& format) {
  int audio = 0, covers = 0, others = 0;
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    const AVStream& stream = *format.streams[i];
    if (stream.codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
      ++audio;
    else if (stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
      ++covers;
    else
      ++others;
  }
  return fmt::format("{} audio, {} cover picture, {} other", audio, covers, others);
}

// FFmpeg allocates frames while it looks at streams: it must know the limit by then. One dictionary a stream, as the
// call wants them.
class StreamOptions {
 public:
  StreamOptions(const AVFormatContext& format, const MediaLimits& limits) : dictionaries_(format.nb_streams, nullptr) {
    if (limits.max_pixels > 0)
      for (AVDictionary*& dictionary : dictionaries_) av_dict_set_int(&dictionary, "max_pixels", limits.max_pixels, 0);
  }
  ~StreamOptions() {
    for (AVDictionary*& dictionary : dictionaries_) av_dict_free(&dictionary);
  }
  StreamOptions(const StreamOptions&) = delete;
  StreamOptions& operator=(const StreamOptions&) = delete;
  AVDictionary** data() { return dictionaries_.empty() ? nullptr : dictionaries_.data(); }

 private:
  std::vector<AVDictionary*> dictionaries_;
};

tl::unexpected<Error> open_failure(int code, FileInput& input, const AVInputFormat& demuxer) {
  if (input.read_failed()) return fail(ErrorCode::file_unreadable, "reading failed ({})", input.read_error());
  if (code == AVERROR(ENOMEM)) return fail(ErrorCode::out_of_memory, "no memory for the container's tables");
  const Structure structure = read_structure(input, demuxer.name);
  if (!structure.missing_index.empty()) return fail(ErrorCode::media_truncated, "{}", structure.missing_index);
  if (!structure.cut.empty()) return fail(ErrorCode::media_truncated, "{}", structure.cut);
  return fail(ErrorCode::media_corrupt, "{} container cannot be opened: {}", demuxer.long_name, ffmpeg_error(code));
}

}  // namespace

std::string ffmpeg_error(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

void silence_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

bool looks_like_video(std::span<const std::byte> head) {
  silence_ffmpeg();
  std::vector<unsigned char> padded(head.size() + AVPROBE_PADDING_SIZE);
  std::memcpy(padded.data(), head.data(), head.size());
  AVProbeData data{"", padded.data(), static_cast<int>(head.size()), nullptr};
  constexpr int kOpened = 1;
  int score = 0;
  const AVInputFormat* demuxer = av_probe_input_format3(&data, kOpened, &score);
  return score >= kMinProbeScore && is_allowed(demuxer);
}

Result<Container> Container::open(const std::filesystem::path& path, const MediaLimits& limits) {
  silence_ffmpeg();
  DFA_ASSIGN_OR_RETURN(auto input, FileInput::open(path, limits.max_bytes));
  Container container(std::move(input), limits);
  DFA_TRY(container.open_format());
  DFA_TRY(container.choose_stream());
  return container;
}

Status Container::reopen() {
  format_.reset();
  DFA_TRY(open_format());
  if (stream_index_ >= static_cast<int>(format_->nb_streams))
    return fail(ErrorCode::media_corrupt, "the container shows other streams when it is opened again");
  for (unsigned i = 0; i < format_->nb_streams; ++i)
    format_->streams[i]->discard = static_cast<int>(i) == stream_index_ ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  return {};
}

Status Container::open_format() {
  const AVInputFormat* demuxer = nullptr;
  DFA_ASSIGN_OR_RETURN(int status, try_format(demuxer));
  if (status >= 0) return {};
  if (const auto whole = read_structure(*input_, demuxer->name).whole_bytes) {
    input_->hide_after(*whole);
    DFA_ASSIGN_OR_RETURN(status, try_format(demuxer));
  }
  return status >= 0 ? Status() : open_failure(status, *input_, *demuxer);
}

// FFmpeg's status, and the container that it took the file for. Errors: not_media, media_unsupported, file_unreadable.
Result<int> Container::try_format(const AVInputFormat*& demuxer) {
  format_.reset();
  DFA_ASSIGN_OR_RETURN(AVIOContext * io, input_->fresh_io());
  demuxer = nullptr;
  const int score = av_probe_input_buffer2(io, &demuxer, "", nullptr, 0, kMaxProbeBytes);
  if (score < kMinProbeScore || !is_allowed(demuxer)) {
    if (input_->read_failed()) return fail(ErrorCode::file_unreadable, "reading failed ({})", input_->read_error());
    DFA_ASSIGN_OR_RETURN(const auto head, input_->head(kHeadBytes));
    return tl::unexpected(not_media_error(head));
  }
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) return fail(ErrorCode::out_of_memory, "no memory for a container");
  format->pb = io;
  format->io_open = refuse_to_open;
  format->protocol_whitelist = av_strdup("");
  format->format_whitelist = av_strdup(kDemuxers);
  // On failure this call frees the context.
  if (const int status = avformat_open_input(&format, "", demuxer, nullptr); status < 0) return status;
  format_.reset(format);
  StreamOptions options(*format_, limits_);
  return avformat_find_stream_info(format_.get(), options.data());
}

Status Container::choose_stream() {
  constexpr int kAny = -1;
  stream_index_ = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, kAny, kAny, nullptr, 0);
  if (stream_index_ < 0 || is_cover(stream())) stream_index_ = best_moving_stream(*format_);
  if (stream_index_ < 0)
    return fail(ErrorCode::media_unsupported, "no video stream in this {} file: {} streams ({})",
                format_->iformat->long_name, format_->nb_streams, streams_in_words(*format_));
  for (unsigned i = 0; i < format_->nb_streams; ++i)
    if (static_cast<int>(i) != stream_index_) format_->streams[i]->discard = AVDISCARD_ALL;
  const AVCodecParameters& parameters = *stream().codecpar;
  // Sides of 0: only the frames will tell.
  if (parameters.width != 0 || parameters.height != 0)
    DFA_TRY(check_sides(parameters.width, parameters.height, limits_));
  return {};
}

}  // namespace dfa
