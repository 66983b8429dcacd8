#include "perturb/perturb.hpp"

#include <utility>

#include "media/orientation.hpp"
#include "perturb/code_table.hpp"

namespace dfa {
namespace {

Result<const Code*> checked(const Perturbation& perturbation) {
  DFA_TRY(check_perturbation(perturbation));
  return lookup(perturbation.kind, perturbation.code);
}

}  // namespace

RngStream perturb_stream(std::uint64_t seed, const Perturbation& perturbation, std::string_view item) {
  const std::string name = fmt::format("perturb/{}/{}/{}/{}", perturb_kind_name(perturbation.kind), perturbation.code,
                                       perturbation.level, item);
  return RngStream(seed, name);
}

Result<Picture> perturb_before_codec(const PictureView& frame, const Perturbation& perturbation,
                                     const RngStream& stream, std::int64_t index) {
  DFA_ASSIGN_OR_RETURN(const Code* code, checked(perturbation));
  if (frame.width < 1 || frame.height < 1)
    return fail(ErrorCode::usage, "a picture of {}x{} cannot be changed, expected at least 1x1", frame.width,
                frame.height);
  if (!code->step) return turned_upright(frame, Orientation::upright);  // a copy
  RngStream own = stream.child(static_cast<std::uint64_t>(index));
  return code->step(frame, perturbation.level, own);
}

Result<std::optional<VideoEncoding>> codec_of(const Perturbation& perturbation, FrameRate rate) {
  DFA_ASSIGN_OR_RETURN(const Code* code, checked(perturbation));
  if (!code->encoding) return std::optional<VideoEncoding>();
  VideoEncoding encoding = code->encoding(perturbation.level);
  encoding.rate = rate;
  return std::optional(encoding);
}

Result<FramePerturber> FramePerturber::create(const Perturbation& perturbation, const RngStream& stream, FrameRate rate,
                                              PictureSink sink) {
  DFA_ASSIGN_OR_RETURN(const std::optional<VideoEncoding> encoding, codec_of(perturbation, rate));
  FramePerturber perturber(perturbation, stream, sink);
  if (encoding) {
    DFA_ASSIGN_OR_RETURN(perturber.recoder_, VideoRecoder::create(*encoding, std::move(sink)));
  }
  return perturber;
}

Status FramePerturber::add(const PictureView& frame) {
  DFA_ASSIGN_OR_RETURN(Picture changed, perturb_before_codec(frame, perturbation_, stream_, frames_++));
  return recoder_ ? recoder_->add(changed.view()) : sink_(std::move(changed));
}

Status FramePerturber::finish() {
  return recoder_ ? recoder_->finish() : Status();
}

Result<std::vector<Picture>> perturb_frames(std::span<const Picture> frames, const Perturbation& perturbation,
                                            const RngStream& stream, FrameRate rate) {
  std::vector<Picture> out;
  const PictureSink keep = [&out](Picture picture) -> Status {
    out.push_back(std::move(picture));
    return {};
  };
  DFA_ASSIGN_OR_RETURN(FramePerturber perturber, FramePerturber::create(perturbation, stream, rate, keep));
  for (const Picture& frame : frames) DFA_TRY(perturber.add(frame.view()));
  DFA_TRY(perturber.finish());
  return out;
}

Result<Picture> perturb(const PictureView& picture, const Perturbation& perturbation, const RngStream& stream) {
  std::optional<Picture> out;
  const PictureSink keep = [&out](Picture result) -> Status {
    out = std::move(result);
    return {};
  };
  DFA_ASSIGN_OR_RETURN(FramePerturber perturber, FramePerturber::create(perturbation, stream, FrameRate{}, keep));
  DFA_TRY(perturber.add(picture));
  DFA_TRY(perturber.finish());
  if (!out) return fail(ErrorCode::internal, "{}: a picture went in, none came out", perturbation.code);
  return std::move(*out);
}

}  // namespace dfa
