#include "media/video_reader.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <system_error>
#include <utility>

#include "media/frame_runner.hpp"
#include "media/frame_selection.hpp"
#include "media/runner_team.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace dfa {
namespace {

class Reader final : public VideoReader {
 public:
  static Result<std::unique_ptr<VideoReader>> open(const std::filesystem::path& path, const MediaLimits& limits,
                                                   const VideoOptions& options);
  Reader(std::filesystem::path path, PacketIndex index, const MediaLimits& limits, const VideoOptions& options)
      : path_(std::move(path)), index_(std::move(index)), limits_(limits), options_(options) {}

  const VideoInfo& info() const override { return info_; }
  const VideoWork& work() const override { return work_; }
  Status select(const FrameSelection& selection) override;
  Result<std::optional<Frame>> next() override;

 private:
  Status add_runner(Container container);
  void engage(std::size_t runners);
  bool start_team();
  void fill_info();
  Result<std::optional<Picture>> picture_of(std::size_t wanted);
  void note_cut();

  std::filesystem::path path_;
  PacketIndex index_;
  MediaLimits limits_;
  VideoOptions options_;
  VideoInfo info_;
  VideoWork work_;
  std::vector<std::unique_ptr<FrameRunner>> runners_;  // the first always; more where a selection gains by them
  std::vector<std::int64_t> wanted_;
  std::vector<int> owners_;  // of wanted_: which runner
  std::size_t cursor_ = 0;
  bool selected_ = false;
  std::unique_ptr<RunnerTeam> team_;  // null where one runner does all, on the caller's thread
};

Result<std::unique_ptr<VideoReader>> Reader::open(const std::filesystem::path& path, const MediaLimits& limits,
                                                  const VideoOptions& options) {
  DFA_ASSIGN_OR_RETURN(Container container, Container::open(path, limits));
  DFA_ASSIGN_OR_RETURN(PacketIndex index, PacketIndex::build(container, limits));
  auto reader = std::make_unique<Reader>(path, std::move(index), limits, options);
  DFA_TRY(reader->add_runner(std::move(container)));
  reader->fill_info();
  return reader;
}

Status Reader::add_runner(Container container) {
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<FrameRunner> runner,
                       FrameRunner::create(std::move(container), index_, limits_, options_.decoder_threads));
  runners_.push_back(std::move(runner));
  return {};
}

FrameRate rate_of(const AVStream& stream) {
  for (const AVRational rate : {stream.avg_frame_rate, stream.r_frame_rate})
    if (rate.num > 0 && rate.den > 0) return {rate.num, rate.den};
  return {0, 1};
}

void Reader::fill_info() {
  FrameRunner& runner = *runners_.front();
  AVStream& stream = runner.container().stream();
  const Size size = square_pixel_size({runner.codec().width, runner.codec().height},
                                      av_guess_sample_aspect_ratio(&runner.container().format(), &stream, nullptr));
  info_.width = swaps_sides(runner.orientation()) ? size.height : size.width;
  info_.height = swaps_sides(runner.orientation()) ? size.width : size.height;
  info_.rotation_degrees = rotation_degrees(runner.orientation());
  info_.frames_declared = stream.nb_frames;
  info_.frames_counted = index_.frame_count();
  info_.duration_seconds = index_.duration_seconds();
  info_.codec = avcodec_get_name(stream.codecpar->codec_id);
  info_.frame_rate = rate_of(stream);
  const char* format = av_get_pix_fmt_name(static_cast<AVPixelFormat>(stream.codecpar->format));
  info_.pixel_format = format != nullptr ? format : "unknown";
  info_.stream_index = runner.container().stream_index();
  info_.cut = index_.cut();
}

// As many of them as can be had; the file opens again at once, since its packets are known.
void Reader::engage(std::size_t runners) {
  while (runners_.size() < runners) {
    Result<Container> container = Container::open(path_, limits_);
    if (!container || !add_runner(std::move(*container))) return;
  }
}

Status Reader::select(const FrameSelection& selection) {
  const auto seconds_of = [this](std::int64_t rank) { return index_.seconds_of_rank(rank); };
  team_.reset();  // it looks at wanted_
  DFA_ASSIGN_OR_RETURN(wanted_, wanted_frames(selection, index_.frame_count(), index_.duration_seconds(), seconds_of));
  cursor_ = 0;
  work_ = {};
  selected_ = true;
  const std::int64_t pixels = std::int64_t{info_.width} * info_.height;
  const bool much = frames_to_decode(wanted_, index_) * pixels >= options_.least_pixels;
  owners_ = share_out(wanted_, index_, much ? options_.runners : 1);
  if (std::find(owners_.begin(), owners_.end(), 1) != owners_.end()) {
    engage(static_cast<std::size_t>(options_.runners));
    owners_ = share_out(wanted_, index_, static_cast<int>(runners_.size()));
    if (start_team()) return {};
  }
  runners_.front()->start_over(wanted_);
  return {};
}

// False where the machine gives no second file or thread: then one runner does all.
bool Reader::start_team() try {
  if (runners_.size() > 1) team_ = std::make_unique<RunnerTeam>(runners_, wanted_, owners_);
  return team_ != nullptr;
} catch (const std::system_error&) {
  return false;
}

Result<std::optional<Picture>> Reader::picture_of(std::size_t wanted) {
  Result<std::optional<Picture>> picture =
      team_ ? team_->next(owners_[wanted]) : runners_.front()->picture(wanted_[wanted]);
  const std::int64_t delivered = work_.frames_delivered;
  work_ = team_ ? team_->work() : runners_.front()->work();
  work_.frames_delivered = delivered;
  return picture;
}

// What only decoding shows.
void Reader::note_cut() {
  if (team_) team_->join();
  for (const auto& runner : runners_) {
    if (!info_.cut.empty()) return;
    if (runner->finder().ended_early())
      info_.cut = "the file became shorter while it was read: frames that were counted are not there";
    else if (runner->finder().last_packet_damaged())
      info_.cut = "the file is probably cut short, or damaged at its end: its last frame cannot be decoded";
  }
}

Result<std::optional<Frame>> Reader::next() {
  if (!selected_) DFA_TRY(select(FrameSelection{}));
  while (cursor_ < wanted_.size()) {
    const std::size_t wanted = cursor_++;
    DFA_ASSIGN_OR_RETURN(std::optional<Picture> picture, picture_of(wanted));
    if (!picture) continue;
    Frame frame;
    frame.picture = std::move(*picture);
    frame.index = wanted_[wanted];
    frame.pts_seconds = index_.seconds_of_rank(frame.index);
    ++work_.frames_delivered;
    return frame;
  }
  note_cut();
  if (work_.frames_delivered == 0 && work_.frames_failed > 0)
    return fail(ErrorCode::media_corrupt,
                "none of the {} wanted frames could be decoded ({}, {} frames in the stream){}{}", work_.frames_failed,
                info_.codec, info_.frames_counted, info_.cut.empty() ? "" : "; ", info_.cut);
  return std::optional<Frame>();
}

}  // namespace

FrameRate mean_frame_rate(const VideoInfo& info) {
  constexpr int kMilli = 1000;
  if (info.frame_rate.is_known()) return info.frame_rate;
  if (info.duration_seconds <= 0) return {};
  const double rate = static_cast<double>(info.frames_counted) / info.duration_seconds;
  return {std::max(1, static_cast<int>(std::lround(kMilli * rate))), kMilli};
}

Result<std::unique_ptr<VideoReader>> VideoReader::open(const std::filesystem::path& path, const MediaLimits& limits,
                                                       const VideoOptions& options) try {
  return Reader::open(path, limits, options);
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "no memory for the tables of this video");
}

}  // namespace dfa
