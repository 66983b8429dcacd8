#include "prepare/prepare_item.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/hash.hpp"
#include "prepare/item_faces.hpp"
#include "prepare/item_files.hpp"
#include "prepare/item_frames.hpp"
#include "prepare/output_names.hpp"

namespace dfa {
namespace {

// Trouble that the next item would meet as well.
bool concerns_job(ErrorCode code) {
  return code == ErrorCode::out_of_memory || code == ErrorCode::cancelled || code == ErrorCode::file_unwritable;
}

std::string reason_of(const Error& error) {
  return fmt::format("{}: {}", error_code_name(error.code), error.message);
}

class MaskSource {
 public:
  MaskSource(const SourceItem& item, const ItemContext& context, const std::vector<std::int64_t>& wanted,
             ItemResult& result)
      : result_(result) {
    if (item.mask.empty() || context.options.masks == MaskUse::ignore) return;
    Result<std::unique_ptr<MaskFrames>> opened =
        MaskFrames::open(context.root / item.mask, wanted, context.options.limits);
    if (opened)
      frames_ = std::move(*opened);
    else
      note(opened.error());
  }

  // Nothing where the frame has no mask. A mask that cannot be read is absent, never black.
  Result<std::optional<FrameMask>> at(const ItemFrame& frame) {
    if (!frames_) return std::optional<FrameMask>();
    Result<std::optional<Picture>> mask = frames_->at(frame.number);
    if (!mask && concerns_job(mask.error().code)) return tl::unexpected(mask.error());
    if (!mask) {
      note(mask.error());
      return std::optional<FrameMask>();
    }
    if (!*mask) return std::optional<FrameMask>();
    DFA_ASSIGN_OR_RETURN(FrameMask fitted, frame_mask(std::move(**mask), frame.picture.width, frame.picture.height));
    return std::optional(std::move(fitted));
  }

 private:
  // Once: a broken mask folder must not fill the journal.
  void note(const Error& error) {
    if (!noted_) result_.notes.push_back("mask: " + reason_of(error));
    noted_ = true;
  }

  ItemResult& result_;
  std::unique_ptr<MaskFrames> frames_;
  bool noted_ = false;
};

// Reads all frames. Errors: of the job, and of a source of which nothing can be used.
Status collect_faces(const SourceItem& item, const ItemContext& context, ItemFaces& faces, ItemResult& result) {
  DFA_ASSIGN_OR_RETURN(const std::unique_ptr<ItemFrames> frames,
                       ItemFrames::open(item, context.root, context.options.frames, context.options.limits));
  result.frames.wanted = static_cast<std::int64_t>(frames->wanted().size());
  MaskSource masks(item, context, frames->wanted(), result);
  std::optional<Error> broken;
  for (;;) {
    if (context.stopping()) return fail(ErrorCode::cancelled, "stopped");
    Result<std::optional<ItemFrame>> frame = frames->next();
    if (!frame) {
      broken = std::move(frame).error();
      break;
    }
    if (!*frame) break;
    DFA_ASSIGN_OR_RETURN(const std::optional<FrameMask> mask, masks.at(**frame));
    DFA_TRY(faces.add(**frame, mask ? &*mask : nullptr));
    context.on_progress(static_cast<double>((*frame)->place + 1) / static_cast<double>(result.frames.wanted));
  }
  for (std::string& note : frames->notes()) result.notes.push_back(std::move(note));
  result.frames.failed = result.frames.wanted - static_cast<std::int64_t>(faces.frames().size());
  if (broken && (faces.frames().empty() || concerns_job(broken->code))) return tl::unexpected(*broken);
  if (broken) result.notes.push_back(reason_of(*broken));
  if (faces.frames().empty()) return fail(ErrorCode::media_corrupt, "no frame could be decoded");
  return {};
}

// The chosen person's face in a frame, or null.
const FaceFound* chosen_face(const FrameFaces& frame, const TrackChoice& choice) {
  for (const FaceFound& face : frame.faces)
    if (std::find(choice.tracks.begin(), choice.tracks.end(), face.tracked.track) != choice.tracks.end()) return &face;
  return nullptr;
}

// Why a frame without a chosen face gave nothing, when no face of the item qualified.
std::int64_t FrameCounts::*reason_without_choice(const FrameFaces& frame) {
  const auto has = [&](FaceUse use) {
    return std::any_of(frame.faces.begin(), frame.faces.end(), [&](const FaceFound& face) { return face.use == use; });
  };
  if (has(FaceUse::usable)) return &FrameCounts::other_face;
  return has(FaceUse::too_small) ? &FrameCounts::too_small : &FrameCounts::low_probability;
}

std::int64_t FrameCounts::*fate_of(const FrameFaces& frame, const FaceFound* face, const TrackChoice& choice) {
  if (frame.faces.empty()) return &FrameCounts::no_face;
  if (choice.tracks.empty()) return reason_without_choice(frame);
  if (face == nullptr) return &FrameCounts::other_face;
  if (face->use == FaceUse::too_small) return &FrameCounts::too_small;
  if (face->use == FaceUse::low_probability) return &FrameCounts::low_probability;
  return face->crop.empty() ? &FrameCounts::not_cropped : &FrameCounts::used;
}

void settle_outcome(ItemResult& result) {
  const FrameCounts& counts = result.frames;
  if (counts.used > 0) {
    result.outcome = ItemOutcome::used;
  } else if (counts.too_small > 0) {
    result.outcome = ItemOutcome::too_small;
    result.reason = "the face is smaller than may be used";
  } else if (counts.low_probability > 0) {
    result.outcome = ItemOutcome::low_probability;
    result.reason = "the detector is not sure enough of any face";
  } else {
    result.outcome = ItemOutcome::no_face;
    result.reason = counts.not_cropped > 0  ? "no face gave a crop"
                    : counts.other_face > 0 ? "no face lies under the mask"
                                            : "no face was found";
  }
}

Status write_crops(const ItemFaces& faces, const TrackChoice& choice, const ItemContext& context, ItemResult& result) {
  ItemFiles files(context.out);
  DFA_TRY(files.clear(crop_folder(result.path)));
  DFA_TRY(files.clear(mask_folder(result.path)));
  DFA_TRY(files.clear(landmark_folder(result.path)));
  for (const FrameFaces& frame : faces.frames()) {
    const FaceFound* face = chosen_face(frame, choice);
    const auto fate = fate_of(frame, face, choice);
    ++(result.frames.*fate);
    if (fate != &FrameCounts::used) continue;
    CropResult crop{frame.number,           frame.pts_seconds,
                    face->face.box_px,      face->face.landmarks_px,
                    face->face.probability, sha256_hex(std::span(face->crop)),
                    face->crop.size(),      face->mask.size(),
                    face->landmarks.size()};
    DFA_TRY(files.put(crop_file(result.path, frame.number), face->crop));
    // Without a forged pixel anywhere in the item its masks say nothing; they are not kept.
    if (choice.rule != TrackRule::mask) crop.mask_bytes = 0;
    if (crop.mask_bytes > 0) DFA_TRY(files.put(mask_file(result.path, frame.number), face->mask));
    if (crop.landmark_bytes > 0) DFA_TRY(files.put(landmark_file(result.path, frame.number), face->landmarks));
    result.crops.push_back(std::move(crop));
  }
  return files.sync();
}

Status fill(const SourceItem& item, const ItemContext& context, const ItemTools& tools, ItemResult& result) {
  ItemFaces faces(context.options, *tools.detector, tools.points.get());
  DFA_TRY(collect_faces(item, context, faces, result));
  const TrackChoice choice = faces.choose();
  result.rule = choice.rule;
  result.tracks = static_cast<std::int64_t>(choice.tracks.size());
  DFA_TRY(write_crops(faces, choice, context, result));
  settle_outcome(result);
  return {};
}

}  // namespace

Result<ItemResult> prepare_item(const SourceItem& item, const ItemContext& context, const ItemTools& tools) {
  ItemResult result;
  result.path = item.path;
  result.mask = item.mask;
  result.source_bytes = source_bytes(item, context.root);
  Status filled;
  try {
    filled = is_utf8(item.path) && is_utf8(item.mask)
                 ? fill(item, context, tools, result)
                 : fail(ErrorCode::file_unreadable, "the name is not UTF-8, which a manifest cannot hold");
  } catch (const std::bad_alloc&) {
    filled = fail(ErrorCode::out_of_memory, "no memory left");
  } catch (const std::exception& error) {
    filled = fail(ErrorCode::internal, "{}", error.what());
  }
  if (filled) return result;
  if (concerns_job(filled.error().code)) return fail_within(item.path, std::move(filled).error());
  result.outcome = ItemOutcome::unreadable;
  result.reason = reason_of(filled.error());
  result.frames = {.wanted = result.frames.wanted, .failed = result.frames.wanted};
  result.crops.clear();
  return result;
}

}  // namespace dfa
