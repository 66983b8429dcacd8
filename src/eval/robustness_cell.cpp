#include "eval/robustness_cell.hpp"

#include <algorithm>

#include "face/tracker.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

// A place of the clean frame in a perturbed one, which may be smaller. Pixel centres lie at whole numbers.
Face moved_to(const Face& face, const Picture& clean, const Picture& perturbed) {
  if (clean.width == perturbed.width && clean.height == perturbed.height) return face;
  constexpr double kHalf = 0.5;
  const auto along = [](double at, int from, int to) { return (at + kHalf) * to / from - kHalf; };
  const auto x = [&](double at) { return along(at, clean.width, perturbed.width); };
  const auto y = [&](double at) { return along(at, clean.height, perturbed.height); };
  Face moved = face;
  moved.box_px = {x(face.box_px.x1), y(face.box_px.y1), x(face.box_px.x2), y(face.box_px.y2)};
  for (Point& point : moved.landmarks_px) point = {x(point.x), y(point.y)};
  return moved;
}

}  // namespace

bool concerns_recut_job(ErrorCode code) {
  return code == ErrorCode::out_of_memory || code == ErrorCode::cancelled || code == ErrorCode::internal;
}

Recut without_crop(Outcome outcome, std::string problem) {
  return {outcome, std::move(problem), {}};
}

CropCutter::CropCutter(const SourceVideo& video, const SourceVideos& all, const RecutOptions& options)
    : all_(all), options_(options) {
  for (const SourceCrop& crop : video.crops) crops_[crop.frame].push_back(&crop);
}

std::vector<std::int64_t> CropCutter::frames() const {
  std::vector<std::int64_t> numbers;
  for (const auto& [number, crops] : crops_) numbers.push_back(number);
  return numbers;
}

Status CropCutter::cut(std::int64_t frame, const Picture& clean, const Picture& perturbed, RecutFace rule,
                       std::size_t worker, std::vector<MadeCrop>& made) const {
  for (const SourceCrop* crop : crops_.at(frame)) {
    DFA_ASSIGN_OR_RETURN(Recut recut, cut_one(moved_to(crop->face, clean, perturbed), perturbed, rule, worker));
    made.push_back({crop->entry, std::move(recut)});
  }
  return {};
}

Status CropCutter::refuse(std::int64_t frame, const Error& error, std::vector<MadeCrop>& made) const {
  if (concerns_recut_job(error.code)) return tl::unexpected(error);
  for (const SourceCrop* crop : crops_.at(frame))
    made.push_back({crop->entry, without_crop(Outcome::abstained, error.message)});
  return {};
}

Result<Recut> CropCutter::cut_one(const Face& place, const Picture& frame, RecutFace rule, std::size_t worker) const {
  Face face = place;
  if (rule == RecutFace::found) {
    DFA_ASSIGN_OR_RETURN(std::optional<Recut> lost, find_again(frame, worker, face));
    if (lost) return std::move(*lost);
  }
  Result<Picture> crop = make_crop(frame.view(), face, all_.recipe);
  if (!crop && concerns_recut_job(crop.error().code)) return tl::unexpected(crop.error());
  if (!crop) return without_crop(Outcome::abstained, crop.error().message);
  if (rule == RecutFace::found && all_.recipe.kind == CropKind::aligned_refound) {
    DFA_ASSIGN_OR_RETURN(const std::vector<Face> again, options_.detectors[worker]->detect(crop->view()));
    if (again.empty()) return without_crop(Outcome::no_face, "no face is found in the crop, as its recipe demands");
  }
  return Recut{Outcome::scored, "", std::move(*crop)};
}

// Puts the face found nearest to `face` in its place; why not, where there is none.
Result<std::optional<Recut>> CropCutter::find_again(const Picture& frame, std::size_t worker, Face& face) const {
  DFA_ASSIGN_OR_RETURN(const std::vector<Face> found, options_.detectors[worker]->detect(frame.view()));
  const Box there = face.box_px;
  const auto nearest = std::max_element(found.begin(), found.end(), [&](const Face& a, const Face& b) {
    return iou(a.box_px, there) < iou(b.box_px, there);
  });
  if (nearest == found.end() || iou(nearest->box_px, there) < kLinkIou)
    return std::optional(without_crop(Outcome::no_face, "the face is not found again"));
  face = *nearest;
  const FaceUse use = judge_face(face, all_.faces);
  if (use == FaceUse::usable) return std::optional<Recut>();
  return std::optional(without_crop(
      Outcome::low_quality, fmt::format("the face that is found again may not be used: {}", face_use_name(use))));
}

Result<std::unique_ptr<RecutCell>> RecutCell::create(const Perturbation* perturbation, std::string_view name,
                                                     FrameRate rate, const RecutOptions& options,
                                                     const CropCutter& cutter) {
  auto cell = std::make_unique<RecutCell>(perturbation, name, options, cutter);
  if (perturbation == nullptr) return cell;
  DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(perturbation->kind, perturbation->code));
  if (info->reach == Reach::picture) return cell;
  RecutCell* const self = cell.get();
  DFA_ASSIGN_OR_RETURN(FramePerturber perturber,
                       FramePerturber::create(*perturbation, cell->stream_, rate,
                                              [self](const Picture& picture) { return self->came_out(picture); }));
  cell->run_.emplace(std::move(perturber));
  return cell;
}

RecutCell::RecutCell(const Perturbation* perturbation, std::string_view name, const RecutOptions& options,
                     const CropCutter& cutter)
    : perturbation_(perturbation),
      stream_(perturb_stream(options.seed, perturbation == nullptr ? Perturbation() : *perturbation, name)),
      rule_(perturbation == nullptr ? RecutFace::clean : options.face),
      cutter_(cutter) {}

Status RecutCell::add(const ItemFrame& frame, std::size_t worker) {
  worker_ = worker;
  if (run_) return add_to_run(frame);
  if (!cutter_.wants(frame.number)) return {};
  if (perturbation_ == nullptr) return cutter_.cut(frame.number, frame.picture, frame.picture, rule_, worker, made_);
  const Result<Picture> perturbed = perturb_before_codec(frame.picture.view(), *perturbation_, stream_, frame.number);
  if (!perturbed) return cutter_.refuse(frame.number, perturbed.error(), made_);
  return cutter_.cut(frame.number, frame.picture, *perturbed, rule_, worker, made_);
}

Status RecutCell::finish(std::size_t worker) {
  worker_ = worker;
  if (!run_) return {};
  if (!broken_) note(run_->finish());
  run_.reset();
  return refuse_waiting();
}

Status RecutCell::add_to_run(const ItemFrame& frame) {
  in_codec_.push_back({frame.number, frame.picture.width, frame.picture.height});
  if (!broken_) note(run_->add(frame.picture.view()));
  return broken_ ? refuse_waiting() : Status();
}

// Frames come out in the order in which they went in.
Status RecutCell::came_out(const Picture& picture) {
  const InCodec frame = in_codec_.front();
  in_codec_.pop_front();
  if (!cutter_.wants(frame.number)) return {};
  const Picture clean_size{frame.width, frame.height, {}};
  return cutter_.cut(frame.number, clean_size, picture, rule_, worker_, made_);
}

// After a codec has refused a frame nothing comes out of it any more.
Status RecutCell::refuse_waiting() {
  if (broken_ && concerns_recut_job(broken_->code)) return tl::unexpected(*broken_);
  while (!in_codec_.empty()) {
    const std::int64_t number = in_codec_.front().number;
    in_codec_.pop_front();
    if (cutter_.wants(number)) DFA_TRY(cutter_.refuse(number, *broken_, made_));
  }
  return {};
}

}  // namespace dfa
