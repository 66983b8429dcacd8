#include "media/packet_index.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include "media/container_structure.hpp"
#include "media/random_access.hpp"

extern "C" {
#include <libavutil/avstring.h>
}

namespace dfa {
namespace {

// Six hours at 900 frames per second; against a few bytes that declare billions of empty packets.
constexpr std::int64_t kMaxPackets = 20'000'000;
// Damaged packets in a row that are passed over before the rest of the file counts as lost.
constexpr int kMaxFailuresInARow = 100;
// Codecs let a frame wait for at most 16 others (32 fields). Times that move a frame further are not presentation
// times.
constexpr std::int64_t kMaxReorder = 32;
constexpr double kUsualFrameSeconds = 1.0 / 25;  // where nothing is known about the rate

// VP8 sends pictures that only serve others as reference; bit 4 of the first byte says whether it is shown.
bool shows_a_frame(const AVPacket& packet, AVCodecID codec) {
  constexpr unsigned kVp8Shown = 0x10;
  if ((packet.flags & AV_PKT_FLAG_DISCARD) != 0) return false;
  return codec != AV_CODEC_ID_VP8 || packet.size == 0 || (packet.data[0] & kVp8Shown) != 0;
}

// Where a container's packets are frames, one that the end of the file cut has lost its frame. Transport and program
// streams mark whole pieces of the stream instead, with many good frames in them.
bool stores_whole_frames(const char* demuxer) {
  return av_match_list(demuxer, "mov,matroska,avi,flv,asf,ogg,ivf,nut,mxf,gif,yuv4mpegpipe", ',') > 0;
}

double frame_seconds_of(Container& container) {
  const AVRational rate = av_guess_frame_rate(&container.format(), &container.stream(), nullptr);
  return rate.num > 0 && rate.den > 0 ? av_q2d(av_inv_q(rate)) : kUsualFrameSeconds;
}

}  // namespace

// What is needed only while the packets are read.
struct PacketIndex::Scan {
  std::vector<std::int64_t> dts;
  std::int64_t last_pts = INT64_MIN;
  std::int64_t last_duration = 0;
  bool pts_missing = false;
  bool clock_falls = false;  // decoding times go back: two recordings in one file, or times that mean nothing
  std::int64_t incomplete = 0;
  bool last_incomplete = false;
  int stopped_by = 0;  // FFmpeg's code, 0 = the end of the file
  std::int64_t stopped_at = 0;

  void take(const AVPacket& packet, const AVStream& stream, bool marks_incomplete, PacketIndex& index);
  void describe_cut(Container& container, PacketIndex& index) const;
};

void PacketIndex::Scan::take(const AVPacket& packet, const AVStream& stream, bool marks_incomplete,
                             PacketIndex& index) {
  PacketEntry entry;
  entry.pts = packet.pts;
  entry.position = packet.pos;
  entry.key = (packet.flags & AV_PKT_FLAG_KEY) != 0 && starts_decoding(packet, *stream.codecpar);
  entry.whole = !(marks_incomplete && (packet.flags & AV_PKT_FLAG_CORRUPT) != 0);
  const auto number = static_cast<std::int32_t>(index.packets_.size());
  if (!entry.whole) ++incomplete;
  last_incomplete = (packet.flags & AV_PKT_FLAG_CORRUPT) != 0;
  if (entry.whole && shows_a_frame(packet, stream.codecpar->codec_id)) {
    index.shown_.push_back(number);
    if (packet.pts == AV_NOPTS_VALUE)
      pts_missing = true;
    else if (packet.pts >= last_pts)
      last_pts = packet.pts, last_duration = packet.duration;
  }
  if (entry.key && entry.whole) index.keys_.push_back({number, packet.dts == AV_NOPTS_VALUE ? packet.pts : packet.dts});
  index.packets_.push_back(entry);
  clock_falls |=
      !dts.empty() && packet.dts != AV_NOPTS_VALUE && dts.back() != AV_NOPTS_VALUE && packet.dts < dts.back();
  dts.push_back(packet.dts);
}

void PacketIndex::Scan::describe_cut(Container& container, PacketIndex& index) const {
  const std::string_view demuxer = container.format().iformat->name;
  const Structure structure = read_structure(container.input(), demuxer);
  index.cut_ = structure.missing_index.empty() ? structure.cut : structure.missing_index;
  // Only this container has a table with one row a frame. (Its header's own count includes frames that an edit list
  // removes.)
  const std::int64_t declared = avformat_index_get_entries_count(&container.stream());
  const std::int64_t counted = index.packet_count() - incomplete;
  const bool table_says_more = demuxer.starts_with("mov") && declared > counted;
  if (index.cut_.empty() && stopped_by != 0)
    index.cut_ = fmt::format("the file is damaged: reading stops at byte {} of {} ({})", stopped_at,
                             container.input().size(), ffmpeg_error(stopped_by));
  else if (index.cut_.empty() && (incomplete > 0 || last_incomplete))
    index.cut_ = "the file is cut short: its last frame is incomplete";
  else if (index.cut_.empty() && table_says_more)
    index.cut_ = "the file is cut short";
  if (!index.cut_.empty() && table_says_more)
    index.cut_ += fmt::format("; {} of {} frames are there", counted, declared);
}

Result<PacketIndex> PacketIndex::build(Container& container, const MediaLimits& limits) {
  const PacketHandle packet(av_packet_alloc());
  if (packet == nullptr) return fail(ErrorCode::out_of_memory, "no memory for a packet");
  PacketIndex index;
  Scan scan;
  // The container's own table, where it has one, tells the number: growing step by step would take twice the memory.
  const auto likely = std::clamp<std::int64_t>(avformat_index_get_entries_count(&container.stream()), 0, kMaxPackets);
  index.packets_.reserve(static_cast<std::size_t>(likely));
  index.shown_.reserve(static_cast<std::size_t>(likely));
  scan.dts.reserve(static_cast<std::size_t>(likely));
  const bool marks_incomplete = stores_whole_frames(container.format().iformat->name);
  int failures = 0;
  while (failures < kMaxFailuresInARow) {
    const int status = av_read_frame(&container.format(), packet.get());
    if (container.input().read_failed())
      return fail(ErrorCode::file_unreadable, "reading failed ({})", container.input().read_error());
    if (status == AVERROR_EOF) break;
    if (status < 0) {
      ++failures;
      scan.stopped_by = status;
      scan.stopped_at = avio_tell(container.format().pb);
      continue;
    }
    failures = 0;
    scan.stopped_by = 0;
    if (packet->stream_index == container.stream_index())
      scan.take(*packet, container.stream(), marks_incomplete, index);
    av_packet_unref(packet.get());
    if (index.packet_count() > kMaxPackets)
      return fail(ErrorCode::limit_exceeded, "more than {} packets, expected at most that many in a video",
                  kMaxPackets);
  }
  scan.describe_cut(container, index);
  if (index.shown_.empty())
    return index.cut_.empty()
               ? fail(ErrorCode::media_corrupt, "the video stream holds no frame")
               : fail(ErrorCode::media_truncated, "no frame of the video stream is in the file: {}", index.cut_);

  index.time_base_ = av_q2d(container.stream().time_base);
  const double frame_seconds = frame_seconds_of(container);
  index.end_ = scan.last_duration;
  index.timed_ = !scan.pts_missing && !scan.clock_falls;
  if (index.timed_) index.order_by_time();
  if (!index.timed_) index.order_as_stored(scan, frame_seconds);
  index.close_last_interval(index.timed_ ? scan.last_duration : 0, frame_seconds);
  if (limits.max_duration_seconds > 0 && index.duration_seconds() > limits.max_duration_seconds)
    return fail(ErrorCode::limit_exceeded, "{:.1f} s long, the limit is {:.1f} s", index.duration_seconds(),
                limits.max_duration_seconds);
  return index;
}

// Ranks by presentation time; equal times keep their order. Leaves timed_ false where the times cannot be meant.
void PacketIndex::order_by_time() {
  const std::vector<std::int32_t> stored = shown_;
  std::stable_sort(shown_.begin(), shown_.end(),
                   [&](std::int32_t a, std::int32_t b) { return packet(a).pts < packet(b).pts; });
  for (std::size_t rank = 0; rank < shown_.size(); ++rank)
    packets_[static_cast<std::size_t>(shown_[rank])].rank = static_cast<std::int32_t>(rank);
  for (std::size_t i = 0; i < stored.size() && timed_; ++i)
    timed_ = std::abs(packet(stored[i]).rank - static_cast<std::int64_t>(i)) <= kMaxReorder;
  if (!timed_) shown_ = stored;
}

// Ranks by order of storage, see the note. Decoding times rise by one frame at a time and are the presentation times of
// some frame each: sorted they serve. Without them the frame rate must do.
void PacketIndex::order_as_stored(Scan& scan, double frame_seconds) {
  timed_ = false;
  std::vector<std::int64_t> times(shown_.size());
  for (std::size_t k = 0; k < times.size(); ++k) times[k] = scan.dts[static_cast<std::size_t>(shown_[k])];
  const bool usable = std::find(times.begin(), times.end(), AV_NOPTS_VALUE) == times.end() &&
                      std::adjacent_find(times.begin(), times.end(), std::greater_equal<>()) == times.end();
  for (std::size_t k = 0; k < times.size(); ++k) {
    PacketEntry& entry = packets_[static_cast<std::size_t>(shown_[k])];
    entry.rank = static_cast<std::int32_t>(k);
    entry.pts = usable ? times[k] : std::llround(static_cast<double>(k) * frame_seconds / time_base_);
  }
}

void PacketIndex::close_last_interval(std::int64_t last_duration, double frame_seconds) {
  const std::int64_t last = packet(shown_.back()).pts;
  if (last_duration <= 0 && shown_.size() > 1) last_duration = last - packet(shown_[shown_.size() - 2]).pts;
  if (last_duration <= 0) last_duration = std::llround(frame_seconds / time_base_);
  end_ = last + last_duration;
}

double PacketIndex::seconds_of_rank(std::int64_t rank) const {
  return static_cast<double>(packet(number_of_rank(rank)).pts - packet(shown_.front()).pts) * time_base_;
}

double PacketIndex::duration_seconds() const {
  return static_cast<double>(end_ - packet(shown_.front()).pts) * time_base_;
}

std::size_t PacketIndex::key_for(std::int32_t number) const {
  auto place = std::upper_bound(keys_.begin(), keys_.end(), number,
                                [](std::int32_t n, const KeyEntry& key) { return n < key.number; }) -
               keys_.begin();
  if (place > 0) --place;
  while (place > 0 && packet(keys_[static_cast<std::size_t>(place)].number).pts > packet(number).pts) --place;
  return static_cast<std::size_t>(place);
}

}  // namespace dfa
