#include "media/frame_runner.hpp"

#include <algorithm>
#include <cmath>
#include <new>
#include <utility>

namespace dfa {
namespace {

// The container's matrix maps stored to shown positions: x' = a x + c y, y' = b x + d y (y down). Only quarter turns
// and mirrors can be applied without resampling; anything within about three degrees of one is taken for it, the rest
// (nobody's camera writes it) is left.
Orientation orientation_of_matrix(const std::int32_t* matrix) {
  const double a = matrix[0], b = matrix[1], c = matrix[3], d = matrix[4];
  constexpr double kSlant = 0.05;
  const double straight = std::min(std::abs(a), std::abs(d)), crossed = std::min(std::abs(b), std::abs(c));
  if (straight > 0 && std::max(std::abs(b), std::abs(c)) <= kSlant * straight) {
    if (a > 0) return d > 0 ? Orientation::upright : Orientation::flip;
    return d > 0 ? Orientation::mirror : Orientation::half_turn;
  }
  if (crossed > 0 && std::max(std::abs(a), std::abs(d)) <= kSlant * crossed) {
    if (b > 0) return c > 0 ? Orientation::transpose : Orientation::quarter_right;
    return c > 0 ? Orientation::quarter_left : Orientation::transverse;
  }
  return Orientation::upright;
}

Orientation orientation_of(const AVStream& stream) {
  std::size_t size = 0;
  const std::uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  constexpr std::size_t kMatrixBytes = 9 * sizeof(std::int32_t);
  if (data == nullptr || size < kMatrixBytes) return Orientation::upright;
  return orientation_of_matrix(reinterpret_cast<const std::int32_t*>(data));
}

}  // namespace

Result<std::unique_ptr<FrameRunner>> FrameRunner::create(Container container, const PacketIndex& index,
                                                         const MediaLimits& limits, int decoder_threads) {
  std::unique_ptr<FrameRunner> runner(new FrameRunner(std::move(container), limits));
  AVStream& stream = runner->container_.stream();
  DFA_ASSIGN_OR_RETURN(Decoder decoder, Decoder::open(stream, decoder_threads, limits));
  runner->codec_ = &decoder.context();
  runner->orientation_ = orientation_of(stream);
  DFA_ASSIGN_OR_RETURN(PacketSource source, PacketSource::create(runner->container_, index));
  runner->finder_.emplace(index, std::move(source), std::move(decoder));
  return runner;
}

void FrameRunner::start_over(std::span<const std::int64_t> wanted) {
  work_ = {};
  finder_->start_over(wanted);
}

Result<std::optional<Picture>> FrameRunner::picture(std::int64_t rank) try {
  DFA_ASSIGN_OR_RETURN(const FrameHandle decoded, finder_->find(rank, work_));
  if (decoded == nullptr) {
    ++work_.frames_failed;
    return std::optional<Picture>();
  }
  const AVRational aspect = av_guess_sample_aspect_ratio(&container_.format(), &container_.stream(), decoded.get());
  return converter_.convert(*decoded, aspect, orientation_, limits_.max_pixels).map([](Picture&& picture) {
    return std::optional(std::move(picture));
  });
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "no memory for a frame of this video");
}

}  // namespace dfa
