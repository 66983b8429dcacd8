// A video with another face in it: frame by frame, the same source picture throughout.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "cli/commands/synthesize_pairs.hpp"

namespace dfa::cli {

struct SwappedVideo {
  SourceUse use = SourceUse::no_face;  // used: at least one frame has a face
  std::map<SourceUse, std::size_t> frames;
  std::vector<Result<WrittenPair>> pairs;  // one for each frame that could be used
  std::size_t frames_swapped = 0;          // of the whole video, where it was asked for
  std::size_t frames_kept = 0;
};

// `number` names the video in the result and seeds what is drawn for it; colours and margins are drawn once, so that
// they do not flicker. The source is the nearest to the first usable frame. Errors: those of reading videos,
// file_unwritable, out_of_memory.
// With VideoOutput::whole every frame is swapped and real/NAME.mp4 and fake/NAME.mp4 are written, both decoded and
// encoded alike. Given landmarks of a frame stand under "path#index".
Result<SwappedVideo> swap_video(const SynthesisRequest& request, std::span<const SourceFile> files, std::size_t target,
                                std::size_t number, FaceSeeker& seeker, const CancelFlag& cancel);

}  // namespace dfa::cli
