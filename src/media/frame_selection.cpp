#include "media/frame_selection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dfa {

std::vector<std::int64_t> even_frame_indices(std::int64_t n, int count) {
  std::vector<std::int64_t> picks;
  if (n <= 0 || count <= 0) return picks;
  if (count == 1) return {0};
  const double step = static_cast<double>(n - 1) / (count - 1);
  for (int k = 0; k < count; ++k) {
    const auto pick = k == count - 1 ? n - 1 : static_cast<std::int64_t>(k * step);
    if (picks.empty() || pick != picks.back()) picks.push_back(pick);
  }
  return picks;
}

std::vector<std::int64_t> rate_frame_indices(std::int64_t n, double fps, double duration_seconds,
                                             const std::function<double(std::int64_t)>& seconds_of) {
  std::vector<std::int64_t> picks;
  std::int64_t shown = 0;
  // Times in a container are rounded to its clock: one tick of a millisecond clock early still counts as in time.
  constexpr double kSlackSeconds = 0.0005;
  constexpr double kMaxRate = 1e5;  // beyond any video; keeps k inside its type
  fps = std::min(fps, kMaxRate);
  for (std::int64_t k = 0; n > 0; ++k) {
    const double t = static_cast<double>(k) / fps;
    if (k > 0 && t >= duration_seconds) break;
    while (shown + 1 < n && seconds_of(shown + 1) <= t + kSlackSeconds) ++shown;
    if (picks.empty() || picks.back() != shown) picks.push_back(shown);
    // Rates far above the video's: jump to the next time at which another frame is shown.
    if (shown + 1 < n)
      k = std::max(k, static_cast<std::int64_t>((seconds_of(shown + 1) - kSlackSeconds) * fps) - 1);
    else
      break;
  }
  return picks;
}

namespace {

Result<std::vector<std::int64_t>> listed_frames(const std::vector<std::int64_t>& frames, std::int64_t n) {
  std::vector<std::int64_t> picks;
  std::int64_t before = -1;
  for (const std::int64_t frame : frames) {
    if (frame <= before)
      return fail(ErrorCode::usage, "frame {} asked for after frame {}, expected rising numbers from 0", frame, before);
    before = frame;
    if (frame < n) picks.push_back(frame);
  }
  return picks;
}

}  // namespace

Result<std::vector<std::int64_t>> wanted_frames(const FrameSelection& selection, std::int64_t n,
                                                double duration_seconds,
                                                const std::function<double(std::int64_t)>& seconds_of) {
  switch (selection.way) {
    case FrameSelection::Way::even:
      if (selection.count < 1)
        return fail(ErrorCode::usage, "{} frames asked for, expected at least 1", selection.count);
      return even_frame_indices(n, selection.count);
    case FrameSelection::Way::rate:
      if (!(selection.fps > 0) || !std::isfinite(selection.fps))
        return fail(ErrorCode::usage, "{} frames per second asked for, expected a number above 0", selection.fps);
      return rate_frame_indices(n, selection.fps, duration_seconds, seconds_of);
    case FrameSelection::Way::listed:
      return listed_frames(selection.frames, n);
    case FrameSelection::Way::every:
      break;
  }
  std::vector<std::int64_t> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace dfa
