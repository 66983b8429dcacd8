#include "cli/commands/synthesize_video.hpp"

#include "cli/commands/synthesize_record.hpp"
#include "media/video_reader.hpp"
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
    DFA_ASSIGN_OR_RETURN(const FoundFace found, seeker.find(frame->picture.view(), video.path));
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
  return swapped;
}

}  // namespace dfa::cli
