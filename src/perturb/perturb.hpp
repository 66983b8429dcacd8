// Degraded pictures and runs of frames. Pure functions: equal pixels, perturbation and stream give equal bytes, whoever
// asks (command line, evaluation, augmentation) and in whatever order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "media/picture.hpp"
#include "media/video_encoding.hpp"
#include "media/video_recoder.hpp"
#include "perturb/perturbation.hpp"

namespace dfa {

// The stream of one item: the name tells items of one run apart. Every frame draws from a child of it, by its number.
RngStream perturb_stream(std::uint64_t seed, const Perturbation& perturbation, std::string_view item);

// A still picture: what perturb_frames() makes of a run of this one frame. Sides of the result: see SizeEffect.
// Errors: usage (check_perturbation(), no pixels), media_unsupported (sides that a codec refuses), out_of_memory,
// internal. So do all below.
Result<Picture> perturb(const PictureView& picture, const Perturbation& perturbation, const RngStream& stream);

// Consecutive frames of one size, as many as went in. `rate` is for the rate control of video codecs.
Result<std::vector<Picture>> perturb_frames(std::span<const Picture> frames, const Perturbation& perturbation,
                                            const RngStream& stream, FrameRate rate = {});

// The same for runs that do not fit into memory: frames go in one by one and come out, later, by the sink. One thread
// at a time.
class FramePerturber {
 public:
  static Result<FramePerturber> create(const Perturbation& perturbation, const RngStream& stream, FrameRate rate,
                                       PictureSink sink);
  Status add(const PictureView& frame);
  Status finish();

 private:
  FramePerturber(Perturbation perturbation, RngStream stream, PictureSink sink)
      : perturbation_(std::move(perturbation)), stream_(stream), sink_(std::move(sink)) {}
  Perturbation perturbation_;
  RngStream stream_;
  PictureSink sink_;
  std::unique_ptr<VideoRecoder> recoder_;  // null: no video codec
  std::int64_t frames_ = 0;
};

// For who writes a video file and wants the codec's own bytes: the part before the video codec, on frame `index`, and
// the codec (nothing: there is none).
Result<Picture> perturb_before_codec(const PictureView& frame, const Perturbation& perturbation,
                                     const RngStream& stream, std::int64_t index);
Result<std::optional<VideoEncoding>> codec_of(const Perturbation& perturbation, FrameRate rate);

}  // namespace dfa
