// The faces of an item's frames with the crops they would give, before it is known whose are wanted. Internal to this
// room.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "dataset/source_list.hpp"
#include "face/crop_points.hpp"
#include "face/tracker.hpp"
#include "prepare/item_frames.hpp"
#include "prepare/mask.hpp"
#include "prepare/prepare_options.hpp"

namespace dfa {

struct FaceFound {
  TrackedFace tracked;
  Face face;
  FaceUse use = FaceUse::usable;
  // Files; crop is empty where the face is not usable or gave no crop, mask where the frame has none. Kept as files
  // because one frame's worth of pixels a face would be too much for a long video of a crowd.
  std::vector<std::byte> crop;
  std::vector<std::byte> mask;
  std::vector<std::byte> landmarks;  // landmark_file_bytes(); empty where no 68 points were looked for or found
};

struct FrameFaces {
  std::int64_t number = 0;
  std::optional<double> pts_seconds;
  std::vector<FaceFound> faces;
};

// Collects frame by frame.
class ItemFaces {
 public:
  // `points` may be null: no 68 points are looked for then.
  ItemFaces(const PrepareOptions& options, Detector& detector, CropPointFinder* points)
      : options_(&options), detector_(&detector), points_(points) {}

  // Errors: those of the detector, out_of_memory, internal.
  Status add(const ItemFrame& frame, const FrameMask* mask);

  const std::vector<FrameFaces>& frames() const { return frames_; }
  bool mask_seen() const { return mask_seen_; }  // a frame's mask had a forged pixel
  // By the mask where one was seen.
  TrackChoice choose() const;

 private:
  Result<FaceFound> look_at(const Face& face, const ItemFrame& frame, const FrameMask* mask);
  Result<bool> is_found_again(const PictureView& crop);

  const PrepareOptions* options_;
  Detector* detector_;
  CropPointFinder* points_;
  Tracker tracker_;
  std::vector<FrameFaces> frames_;
  bool mask_seen_ = false;
};

}  // namespace dfa
