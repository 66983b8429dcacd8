#include "cli/commands/perturb_job.hpp"

#include <algorithm>

#include "media/read_picture.hpp"
#include "media/video_reader.hpp"
#include "media/video_writer.hpp"
#include "media/write_picture.hpp"
#include "perturb/perturb.hpp"

namespace dfa::cli {
namespace {

// For videos whose perturbation is no codec: what the file adds shall not count beside it.
constexpr int kNearLosslessCrf = 10;

bool ends_the_run(const Error& error) {
  return error.code == ErrorCode::cancelled || error.code == ErrorCode::file_unwritable ||
         error.code == ErrorCode::out_of_memory;
}

Status check_cancel(const CancelFlag& cancel) {
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  return {};
}

// One item while it is worked on.
class ItemJob {
 public:
  ItemJob(const PerturbItem& item, std::uint64_t seed, const PerturbReport& report, const CancelFlag& cancel)
      : item_(item), seed_(seed), report_(report), cancel_(cancel) {}

  Status run(std::vector<Error>& failures) {
    if (item_.kind == MediaKind::picture) {
      DFA_ASSIGN_OR_RETURN(picture_, read_picture(item_.input, MediaLimits{}));
    }
    for (const PerturbOutput& output : item_.outputs) {
      DFA_TRY(check_cancel(cancel_));
      Status written = item_.kind == MediaKind::picture ? write_picture(output) : write_video(output);
      if (!written && ends_the_run(written.error())) return written;
      if (written)
        report_.on_written(output);
      else
        failures.push_back(Error{
            written.error().code,
            fmt::format("{} {}: {}", output.perturbation.code, output.perturbation.level, written.error().message)});
      ++done_;
      report_.on_progress(share(0));
    }
    return {};
  }

 private:
  double share(double of_this_output) const {
    return (static_cast<double>(done_) + of_this_output) / static_cast<double>(item_.outputs.size());
  }

  Status write_picture(const PerturbOutput& output) {
    const RngStream stream = perturb_stream(seed_, output.perturbation, item_name(item_.input));
    DFA_ASSIGN_OR_RETURN(const Picture changed, perturb(picture_.view(), output.perturbation, stream));
    return write_picture_png(output.path, changed.view());
  }

  // Read anew for every output: memory does not grow with the length, and encoding takes longer than decoding.
  Status write_video(const PerturbOutput& output) {
    DFA_ASSIGN_OR_RETURN(const auto reader, VideoReader::open(item_.input, MediaLimits{}));
    DFA_TRY(reader->select({FrameSelection::Way::every, 0, 0}));
    const FrameRate rate = mean_frame_rate(reader->info());
    DFA_ASSIGN_OR_RETURN(const std::optional<VideoEncoding> codec, codec_of(output.perturbation, rate));
    VideoEncoding near_lossless;
    near_lossless.crf = kNearLosslessCrf;
    near_lossless.rate = rate;
    DFA_ASSIGN_OR_RETURN(const auto writer, VideoWriter::create(output.path, codec.value_or(near_lossless)));
    DFA_TRY(write_frames(*reader, *writer, output.perturbation));
    DFA_TRY(writer->finish());
    warn_once(*reader);
    return {};
  }

  Status write_frames(VideoReader& reader, VideoWriter& writer, const Perturbation& perturbation) {
    const RngStream stream = perturb_stream(seed_, perturbation, item_name(item_.input));
    const double frames = static_cast<double>(std::max<std::int64_t>(1, reader.info().frames_counted));
    for (std::int64_t index = 0;; ++index) {
      DFA_TRY(check_cancel(cancel_));
      DFA_ASSIGN_OR_RETURN(const std::optional<Frame> frame, reader.next());
      if (!frame) return {};
      DFA_ASSIGN_OR_RETURN(const Picture changed,
                           perturb_before_codec(frame->picture.view(), perturbation, stream, index));
      DFA_TRY(writer.add(changed.view()));
      report_.on_progress(share(static_cast<double>(index + 1) / frames));
    }
  }

  // Equal for every output.
  void warn_once(const VideoReader& reader) {
    if (warned_) return;
    warned_ = true;
    if (!reader.info().cut.empty()) report_.on_warning(fmt::format("{}: {}", item_.input, reader.info().cut));
    if (const std::int64_t lost = reader.work().frames_failed; lost > 0)
      report_.on_warning(fmt::format("{}: {} frames could not be decoded and are left out", item_.input, lost));
  }

  const PerturbItem& item_;
  std::uint64_t seed_;
  const PerturbReport& report_;
  const CancelFlag& cancel_;
  Picture picture_;
  std::size_t done_ = 0;
  bool warned_ = false;
};

}  // namespace

Status write_outputs(const PerturbItem& item, std::uint64_t seed, const PerturbReport& report, const CancelFlag& cancel,
                     std::vector<Error>& failures) {
  if (item.problem) {
    failures.push_back(*item.problem);
    return {};
  }
  Status done = ItemJob(item, seed, report, cancel).run(failures);
  if (done || ends_the_run(done.error())) return done;
  failures.push_back(std::move(done).error());
  return {};
}

}  // namespace dfa::cli
