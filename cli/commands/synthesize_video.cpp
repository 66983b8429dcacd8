#include "cli/commands/synthesize_video.hpp"

#include "cli/commands/synthesize_record.hpp"
#include "media/video_reader.hpp"
#include "media/video_writer.hpp"
#include "synthesis/face_swap.hpp"

namespace dfa::cli {
namespace {

constexpr std::string_view kVideoStream = "synthesize.video", kPartnerStream = "synthesize.video-partner";

// The source picture of one video, chosen at its first usable frame.
struct Partner {
  const SourceFile* file = nullptr;
  std::optional<FaceSource> face;
};

Result<Partner> find_partner(const SynthesisRequest& request, std::span<const SourceFile> files,
                             const SourceFile& video, const Landmarks68& landmarks, std::size_t number) {
  Partner partner;
  const auto chosen = choose_source(files, video, landmarks, RngStream(request.seed, kPartnerStream).child(number));
  if (!chosen)
    return fail(ErrorCode::usage, "{}: no picture of role {} and another identity to take a face from", video.path,
                role_name(video.role));
  partner.file = &files[*chosen];
  DFA_ASSIGN_OR_RETURN(partner.face, load_source(request, *partner.file));
  return partner;
}

Result<WrittenPair> swap_frame(const SynthesisRequest& request, const SourceFile& video, std::size_t number,
                               Frame frame, const FoundFace& found, const Partner& partner) {
  const std::string stem = fmt::format("v{:04}", number);
  const PairName name{fmt::format("{}/{:06}", stem, frame.index), stem, frame.index, frame.pts_seconds};
  const FaceSource target{std::move(frame.picture), found.landmarks, found.face};
  const FinishDraws draws = draw_finish(RngStream(request.seed, kVideoStream).child(number));
  DFA_ASSIGN_OR_RETURN(const FinishedPair pair, face_swap_pair(target, *partner.face, draws, request.pair));
  return write_pair(request, name, pair, video, partner.file, draws_json(draws).dump());
}

Result<FoundFace> find_in_frame(FaceSeeker& seeker, const SourceFile& video, const Frame& frame) {
  return seeker.find(frame.picture.view(), fmt::format("{}#{}", video.path, frame.index));
}

Result<std::unique_ptr<VideoWriter>> open_writer(const SynthesisRequest& request, std::string_view side,
                                                 std::size_t number, const VideoInfo& info) {
  const std::filesystem::path folder = request.out / side;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) return fail(ErrorCode::file_unwritable, "{}: {}", folder.string(), problem.message());
  VideoEncoding encoding;
  if (info.frame_rate.is_known()) encoding.rate = info.frame_rate;
  return VideoWriter::create(folder / fmt::format("v{:04}.mp4", number), encoding);
}

// Every frame with the partner's face, beside the frames as they are.
Status write_whole_video(const SynthesisRequest& request, const SourceFile& video, std::size_t number,
                         const Partner& partner, FaceSeeker& seeker, const CancelFlag& cancel, SwappedVideo& swapped) {
  DFA_ASSIGN_OR_RETURN(const auto reader,
                       VideoReader::open(std::filesystem::path(request.folder) / video.path, request.limits));
  FrameSelection every;
  every.way = FrameSelection::Way::every;
  DFA_TRY(reader->select(every));
  DFA_ASSIGN_OR_RETURN(const auto real, open_writer(request, "real", number, reader->info()));
  DFA_ASSIGN_OR_RETURN(const auto fake, open_writer(request, "fake", number, reader->info()));
  while (!cancel.requested()) {
    DFA_ASSIGN_OR_RETURN(std::optional<Frame> frame, reader->next());
    if (!frame) break;
    DFA_TRY(real->add(frame->picture.view()));
    DFA_ASSIGN_OR_RETURN(const FoundFace found, find_in_frame(seeker, video, *frame));
    if (found.use == SourceUse::used) {
      const FaceSource target{std::move(frame->picture), found.landmarks, found.face};
      if (const Result<BlendedPair> pair = face_swap(target, *partner.face)) {
        ++swapped.frames_swapped;
        DFA_TRY(fake->add(pair->fake.view()));
        continue;
      }
      frame->picture = target.picture;
    }
    ++swapped.frames_kept;
    DFA_TRY(fake->add(frame->picture.view()));
  }
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  DFA_TRY(real->finish());
  return fake->finish();
}

}  // namespace

Result<SwappedVideo> swap_video(const SynthesisRequest& request, std::span<const SourceFile> files, std::size_t target,
                                std::size_t number, FaceSeeker& seeker, const CancelFlag& cancel) {
  const SourceFile& video = files[target];
  DFA_ASSIGN_OR_RETURN(const auto reader,
                       VideoReader::open(std::filesystem::path(request.folder) / video.path, request.limits));
  FrameSelection selection;
  selection.count = request.frames;
  DFA_TRY(reader->select(selection));
  SwappedVideo swapped;
  Partner partner;
  while (!cancel.requested()) {
    DFA_ASSIGN_OR_RETURN(std::optional<Frame> frame, reader->next());
    if (!frame) break;
    DFA_ASSIGN_OR_RETURN(const FoundFace found, find_in_frame(seeker, video, *frame));
    ++swapped.frames[found.use];
    if (found.use != SourceUse::used) {
      if (swapped.use != SourceUse::used) swapped.use = found.use;
      continue;
    }
    swapped.use = SourceUse::used;
    if (partner.file == nullptr) {
      DFA_ASSIGN_OR_RETURN(partner, find_partner(request, files, video, found.landmarks, number));
    }
    swapped.pairs.push_back(swap_frame(request, video, number, std::move(*frame), found, partner));
  }
  if (request.videos == VideoOutput::whole && partner.file != nullptr && !cancel.requested())
    DFA_TRY(write_whole_video(request, video, number, partner, seeker, cancel, swapped));
  return swapped;
}

}  // namespace dfa::cli
