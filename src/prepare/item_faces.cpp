#include "prepare/item_faces.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "dataset/landmark_file.hpp"
#include "media/write_picture.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

// A total order that does not depend on the order of detection: larger first, then by place.
bool before(const Face& a, const Face& b) {
  return std::make_tuple(-a.box_px.area(), a.box_px.x1, a.box_px.y1, -a.probability) <
         std::make_tuple(-b.box_px.area(), b.box_px.x1, b.box_px.y1, -b.probability);
}

}  // namespace

Status ItemFaces::add(const ItemFrame& frame, const FrameMask* mask) {
  DFA_ASSIGN_OR_RETURN(std::vector<Face> faces, detector_->detect(frame.picture.view()));
  std::sort(faces.begin(), faces.end(), before);
  if (const auto most = static_cast<std::size_t>(options_->max_faces); faces.size() > most) faces.resize(most);
  mask_seen_ = mask_seen_ || (mask != nullptr && has_masked_pixels(*mask));
  std::vector<Box> boxes;
  for (const Face& face : faces) boxes.push_back(face.box_px);
  const std::vector<std::size_t> tracks = tracker_.add_frame(boxes);
  FrameFaces found{frame.number, frame.pts_seconds, {}};
  for (std::size_t i = 0; i < faces.size(); ++i) {
    DFA_ASSIGN_OR_RETURN(FaceFound face, look_at(faces[i], frame, mask));
    face.tracked.frame = frames_.size();
    face.tracked.track = tracks[i];
    found.faces.push_back(std::move(face));
  }
  frames_.push_back(std::move(found));
  return {};
}

Result<FaceFound> ItemFaces::look_at(const Face& face, const ItemFrame& frame, const FrameMask* mask) {
  FaceFound found;
  found.face = face;
  found.use = judge_face(face, options_->faces);
  found.tracked.area = face.box_px.area();
  found.tracked.masked_px = mask == nullptr ? 0 : masked_pixels(*mask, face.box_px);
  found.tracked.is_usable = found.use == FaceUse::usable;
  if (found.use != FaceUse::usable) return found;
  const Result<Picture> crop = make_crop(frame.picture.view(), face, options_->recipe);
  if (!crop) {
    if (crop.error().code == ErrorCode::landmarks_degenerate) return found;
    return tl::unexpected(crop.error());
  }
  if (options_->recipe.kind == CropKind::aligned_refound) {
    DFA_ASSIGN_OR_RETURN(const bool again, is_found_again(crop->view()));
    if (!again) return found;
  }
  DFA_ASSIGN_OR_RETURN(found.crop, encode_png(crop->view(), PngColour::rgb, PngEffort::fast));
  if (points_ != nullptr) {
    DFA_ASSIGN_OR_RETURN(const std::optional<Landmarks68> landmarks, points_->find(crop->view()));
    if (landmarks) found.landmarks = landmark_file_bytes(*landmarks);
  }
  if (mask == nullptr) return found;
  DFA_ASSIGN_OR_RETURN(const Picture masked, mask_crop(*mask, face, options_->recipe));
  DFA_ASSIGN_OR_RETURN(found.mask, encode_png(masked.view(), PngColour::grey, PngEffort::fast));
  return found;
}

Result<bool> ItemFaces::is_found_again(const PictureView& crop) {
  DFA_ASSIGN_OR_RETURN(const std::vector<Face> faces, detector_->detect(crop));
  return !faces.empty();
}

TrackChoice ItemFaces::choose() const {
  std::vector<TrackedFace> faces;
  for (const FrameFaces& frame : frames_)
    for (const FaceFound& face : frame.faces) faces.push_back(face.tracked);
  return choose_track(faces, mask_seen_ ? TrackRule::mask : TrackRule::largest);
}

}  // namespace dfa
