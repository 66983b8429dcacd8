// From a selection to the numbers of the frames. Internal to this room; even_frame_indices() is in video_reader.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/result.hpp"
#include "media/video_reader.hpp"

namespace dfa {

// Note [Which frame is shown at t]
// A frame is shown from its presentation time up to that of the next one, the last until the end of the video. A frame
// is wanted once, however many of the asked times fall into its interval.

// `seconds_of(rank)` never falls. Requires fps > 0.
std::vector<std::int64_t> rate_frame_indices(std::int64_t n, double fps, double duration_seconds,
                                             const std::function<double(std::int64_t)>& seconds_of);

// Rising ranks, each once. Errors: usage.
Result<std::vector<std::int64_t>> wanted_frames(const FrameSelection& selection, std::int64_t n,
                                                double duration_seconds,
                                                const std::function<double(std::int64_t)>& seconds_of);

}  // namespace dfa
