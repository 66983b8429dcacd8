// Finds the faces of a frame, says which may be scored, and sends their crops off as tensors.
#include <algorithm>
#include <utility>

#include "pipeline/flow.hpp"
#include "preprocess/crop.hpp"

namespace dfa::flow {
namespace {

FaceFate fate_of(FaceUse use) {
  switch (use) {
    case FaceUse::usable:
      return FaceFate::scored;
    case FaceUse::low_probability:
      return FaceFate::low_probability;
    case FaceUse::too_small:
      return FaceFate::too_small;
  }
  return FaceFate::not_scored;
}

FaceRecord record_of(const Face& face, const FrameTask& task, FaceFate fate) {
  FaceRecord record;
  record.frame = task.frame.index;
  record.pts_seconds = task.frame.pts_seconds;
  record.box_px = face.box_px;
  record.landmarks_px = face.landmarks_px;
  record.detector_score = face.probability;
  record.quality = {face.box_px.shorter_side(), fate};
  return record;
}

// Collects the crops of a frame and sends them off in batches, so that a crowd never waits in memory.
class BatchFiller {
 public:
  BatchFiller(Flow& flow, const FrameTask& task) : flow_(flow), task_(task) {}

  // Errors: landmarks_degenerate.
  Status add(const Face& face, std::size_t place_in_frame) {
    const TraceSpan span(flow_.parts.trace, "crop", trace_item(flow_, *task_.item, task_.place));
    const int side = flow_.parts.networks.front()->config().image;
    DFA_ASSIGN_OR_RETURN(const Picture crop, make_crop(task_.frame.picture.view(), face, flow_.parts.recipe));
    const std::size_t size = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    batch_.images.resize(batch_.images.size() + size);
    const std::span<float> tensor = std::span(batch_.images).last(size);
    if (Status filled = crop_to_tensor(crop.view(), flow_.parts.recipe, side, tensor); !filled) {
      batch_.images.resize(batch_.images.size() - size);
      return filled;
    }
    batch_.faces.push_back(place_in_frame);
    if (batch_.faces.size() == static_cast<std::size_t>(flow_.options.max_batch)) send();
    return {};
  }

  void send() {
    if (batch_.faces.empty()) return;
    const Stopwatch watch;
    batch_.item = task_.item;
    batch_.place = task_.place;
    (void)flow_.crops.push(std::exchange(batch_, {}));
    waited_ += watch.seconds();
  }

  // Seconds spent waiting for the score stage.
  double waited() const { return waited_; }

 private:
  Flow& flow_;
  const FrameTask& task_;
  CropBatch batch_;
  double waited_ = 0;
};

// Of the usable faces keeps the first, the largest; those that may not be scored stay, for the record. Gives the number
// of what was dropped.
std::int64_t drop_smaller(std::vector<Face>& faces, const FaceRules& rules) {
  bool seen = false;
  return static_cast<std::int64_t>(std::erase_if(faces, [&](const Face& face) {
    if (judge_face(face, rules) != FaceUse::usable) return false;
    return std::exchange(seen, true);
  }));
}

Status search(Flow& flow, Detector& detector, const FrameTask& task, FrameFound& found) {
  const TraceSpan span(flow.parts.trace, "detect", trace_item(flow, *task.item, task.place));
  const Stopwatch watch;
  DFA_ASSIGN_OR_RETURN(std::vector<Face> faces, detector.detect(task.frame.picture.view()));
  const auto limit = static_cast<std::size_t>(flow.options.max_faces);
  if (limit != 0 && faces.size() > limit) {
    found.over_limit = static_cast<std::int64_t>(faces.size() - limit);
    faces.resize(limit);
  }
  if (flow.parts.item_rule == ItemRule::largest_face) found.over_limit += drop_smaller(faces, flow.options.faces);
  BatchFiller filler(flow, task);
  for (const Face& face : faces) {
    FaceRecord record = record_of(face, task, fate_of(judge_face(face, flow.options.faces)));
    if (record.quality.fate == FaceFate::scored) {
      if (filler.add(face, found.frame.faces.size()))
        ++found.crops;
      else
        record.quality.fate = FaceFate::not_scored;
    }
    found.frame.faces.push_back(std::move(record));
  }
  filler.send();
  found.seconds = watch.seconds() - filler.waited();
  return {};
}

FrameFound handle(Flow& flow, Detector& detector, const FrameTask& task) {
  FrameFound found;
  found.item = task.item->item;
  found.place = task.place;
  found.frame.index = task.frame.index;
  found.frame.pts_seconds = task.frame.pts_seconds;
  if (task.item->abandoned) return found;
  if (Status searched = guarded([&] { return search(flow, detector, task, found); }); !searched) {
    task.item->abandoned = true;
    found.error = std::move(searched).error();
  }
  return found;
}

}  // namespace

void run_detect_worker(Flow& flow, Detector& detector) {
  while (std::optional<FrameTask> task = flow.frames.pop()) {
    FrameFound found = handle(flow, detector, *task);
    task.reset();  // the frame's bytes go back before we wait for the collector
    flow.tell(std::move(found));
  }
}

}  // namespace dfa::flow
