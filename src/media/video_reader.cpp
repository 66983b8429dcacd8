#include "media/video_reader.hpp"

#include <cmath>
#include <new>
#include <utility>

#include "media/frame_converter.hpp"
#include "media/frame_finder.hpp"
#include "media/frame_selection.hpp"
#include "media/picture_codecs.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace dfa {
namespace {

// The container's matrix maps stored to shown positions: x' = a x + c y, y' = b x + d y (y down). Only quarter turns
// and mirrors can be applied without resampling; anything within about three degrees of one is taken for it, the rest
// (nobody's camera writes it) is left.
Orientation orientation_of_matrix(const std::int32_t* matrix) {
  const double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
  constexpr double kSlant = 0.05;
  const double straight = std::min(std::abs(a), std::abs(d)), crossed = std::min(std::abs(b), std::abs(c));
  if (straight > 0 && std::max(std::abs(b), std::abs(c)) <= kSlant * straight) {
    if (a > 0) return d > 0 ? Orientation::upright : Orientation::flip;
    return d > 0 ? Orientation::mirror : Orientation::half_turn;
  }
  if (crossed > 0 && std::max(std::abs(a), std::abs(d)) <= kSlant * crossed) {
    if (b > 0) return c > 0 ? Orientation::transpose : Orientation::quarter_right;
    return c > 0 ? Orientation::quarter_left : Orientation::transverse;
  }
  return Orientation::upright;
}

Orientation orientation_of(const AVStream& stream) {
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  constexpr std::size_t kMatrixBytes = 9 * sizeof(std::int32_t);
  if (data == nullptr || size < kMatrixBytes) return Orientation::upright;
  return orientation_of_matrix(reinterpret_cast<const std::int32_t*>(data));
}

class Reader final : public VideoReader {
 public:
  static Result<std::unique_ptr<VideoReader>> open(const std::filesystem::path& path, const MediaLimits& limits,
                                                   const VideoOptions& options);
  Reader(Container container, PacketIndex index, const MediaLimits& limits)
      : container_(std::move(container)), index_(std::move(index)), limits_(limits) {}

  const VideoInfo& info() const override { return info_; }
  const VideoWork& work() const override { return work_; }
  Status select(const FrameSelection& selection) override;
  Result<std::optional<Frame>> next() override;

 private:
  Status prepare(const VideoOptions& options);
  void fill_info(const AVCodecContext& codec);
  Result<Picture> convert(AVFrame& frame);
  void note_cut();

  Container container_;
  PacketIndex index_;
  MediaLimits limits_;
  Orientation orientation_ = Orientation::upright;
  VideoInfo info_;
  VideoWork work_;
  std::optional<FrameFinder> finder_;
  FrameConverter converter_;
  std::vector<std::int64_t> wanted_;
  std::size_t cursor_ = 0;
  bool selected_ = false;
};

Result<std::unique_ptr<VideoReader>> Reader::open(const std::filesystem::path& path, const MediaLimits& limits,
                                                  const VideoOptions& options) {
  DFA_ASSIGN_OR_RETURN(Container container, Container::open(path, limits));
  DFA_ASSIGN_OR_RETURN(PacketIndex index, PacketIndex::build(container, limits));
  auto reader = std::make_unique<Reader>(std::move(container), std::move(index), limits);
  DFA_TRY(reader->prepare(options));
  return reader;
}

Status Reader::prepare(const VideoOptions& options) {
  DFA_ASSIGN_OR_RETURN(Decoder decoder, Decoder::open(container_.stream(), options.decoder_threads, limits_));
  orientation_ = orientation_of(container_.stream());
  fill_info(decoder.context());
  DFA_ASSIGN_OR_RETURN(PacketSource source, PacketSource::create(container_, index_));
  finder_.emplace(index_, std::move(source), std::move(decoder));
  return {};
}

FrameRate rate_of(const AVStream& stream) {
  for (const AVRational rate : {stream.avg_frame_rate, stream.r_frame_rate})
    if (rate.num > 0 && rate.den > 0) return {rate.num, rate.den};
  return {0, 1};
}

void Reader::fill_info(const AVCodecContext& codec) {
  AVStream& stream = container_.stream();
  const Size size = square_pixel_size({codec.width, codec.height},
                                      av_guess_sample_aspect_ratio(&container_.format(), &stream, nullptr));
  info_.width = swaps_sides(orientation_) ? size.height : size.width;
  info_.height = swaps_sides(orientation_) ? size.width : size.height;
  info_.rotation_degrees = rotation_degrees(orientation_);
  info_.frames_declared = stream.nb_frames;
  info_.frames_counted = index_.frame_count();
  info_.duration_seconds = index_.duration_seconds();
  info_.codec = avcodec_get_name(stream.codecpar->codec_id);
  info_.frame_rate = rate_of(stream);
  const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(stream.codecpar->format));
  info_.pixel_format = format != nullptr ? format : "unknown";
  info_.stream_index = container_.stream_index();
  info_.cut = index_.cut();
}

Status Reader::select(const FrameSelection& selection) {
  const auto seconds_of = [this](std::int64_t rank) { return index_.seconds_of_rank(rank); };
  DFA_ASSIGN_OR_RETURN(wanted_, wanted_frames(selection, index_.frame_count(), index_.duration_seconds(), seconds_of));
  cursor_ = 0;
  work_ = {};
  finder_->start_over(wanted_);
  selected_ = true;
  return {};
}

Result<Picture> Reader::convert(AVFrame& frame) {
  const AVRational aspect = av_guess_sample_aspect_ratio(&container_.format(), &container_.stream(), &frame);
  return converter_.convert(frame, aspect, orientation_, limits_.max_pixels);
}

// What only decoding shows.
void Reader::note_cut() {
  if (!info_.cut.empty()) return;
  if (finder_->ended_early())
    info_.cut = "the file became shorter while it was read: frames that were counted are not there";
  else if (finder_->last_packet_damaged())
    info_.cut = "the file is probably cut short, or damaged at its end: its last frame cannot be decoded";
}

Result<std::optional<Frame>> Reader::next() try {
  if (!selected_) DFA_TRY(select(FrameSelection{}));
  while (cursor_ < wanted_.size()) {
    const std::int64_t rank = wanted_[cursor_++];
    DFA_ASSIGN_OR_RETURN(const FrameHandle decoded, finder_->find(rank, work_));
    if (decoded == nullptr) {
      ++work_.frames_failed;
      continue;
    }
    Frame frame;
    DFA_ASSIGN_OR_RETURN(frame.picture, convert(*decoded));
    frame.index = rank;
    frame.pts_seconds = index_.seconds_of_rank(rank);
    ++work_.frames_delivered;
    return frame;
  }
  note_cut();
  if (work_.frames_delivered == 0 && work_.frames_failed > 0)
    return fail(ErrorCode::media_corrupt,
                "none of the {} wanted frames could be decoded ({}, {} frames in the stream){}{}", work_.frames_failed,
                info_.codec, info_.frames_counted, info_.cut.empty() ? "" : "; ", info_.cut);
  return std::optional<Frame>();
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "no memory for a frame of this video");
}

}  // namespace

Result<std::unique_ptr<VideoReader>> VideoReader::open(const std::filesystem::path& path, const MediaLimits& limits,
                                                       const VideoOptions& options) try {
  return Reader::open(path, limits, options);
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "no memory for the tables of this video");
}

}  // namespace dfa
