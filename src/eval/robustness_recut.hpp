// Perturbs the frames of a video and cuts its crops again.
//
//   frame -> (perturbation of each cell) -> crop by the clean frame's geometry, or by that of the face found again
//
// A video is decoded once for all cells (more often only where its codecs would need too much memory). What works on
// one picture sees the wanted frames only; a video codec sees every frame from the first to the last, once a level, and
// the wanted ones are taken from what comes out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "eval/robustness_source.hpp"
#include "media/limits.hpp"
#include "perturb/perturbation.hpp"
#include "score/result.hpp"

namespace dfa {

// Which geometry cuts the crop of a perturbed frame.
enum class RecutFace {
  clean,  // that of the clean frame: only what the network sees is degraded
  found   // the face is looked for again: the detector is degraded, too
};

// A crop, or why there is none.
struct Recut {
  Outcome outcome = Outcome::scored;  // scored: there is a crop
  std::string problem;
  Picture crop;
};

// Called on the caller's thread; an error ends the work. cell 0 is the clean frame, cell k the perturbation k - 1;
// `entry` as in SourceCrop.
using RecutSink = std::function<Status(std::size_t cell, std::size_t entry, Recut recut)>;

struct RecutOptions {
  std::vector<Perturbation> perturbations;
  std::uint64_t seed = 0;
  RecutFace face = RecutFace::clean;
  int threads = 1;  // cells of a frame at once; crops are the same whatever the number
  MediaLimits limits;
  // What the video codecs of one pass over the video may hold, about. Where they would hold more, the video is decoded
  // again for the rest of them; the crops are the same.
  std::int64_t codec_bytes = 2ll << 30;
  // RecutFace::found: one detector a thread.
  std::vector<std::unique_ptr<Detector>> detectors;
  // Between two frames: share of the video that is done. May be empty.
  std::function<void(double)> progress;
};

// Every crop of the video in every cell, each exactly once, in an order that depends on the video alone. What cannot be
// read is decode_error in all cells; a face that is not found again is no_face, one found but not usable low_quality;
// what a codec or a crop recipe refuses is abstained. Memory: a frame and a copy of it a thread, and
// `codec_bytes`, or one codec where that is more. Errors: cancelled, out_of_memory, internal, those of the sink.
Status recut_video(const SourceVideo& video, const SourceVideos& all, const RecutOptions& options,
                   const CancelFlag& cancel, const RecutSink& sink);

// The same for crops that lie on the disk: the perturbation sees the crop alone. `name` names the random stream.
Status perturb_stored_crop(const PictureView& crop, std::string_view name, std::size_t entry,
                           const RecutOptions& options, const CancelFlag& cancel, const RecutSink& sink);

}  // namespace dfa
