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

FaceRecord record_of(const Face& face, const Frame& frame, FaceFate fate) {
  FaceRecord record;
  record.frame = frame.index;
  record.pts_seconds = frame.pts_seconds;
  record.box_px = face.box_px;
  record.landmarks_px = face.landmarks_px;
  record.detector_score = face.probability;
  record.quality = {face.box_px.shorter_side(), fate};
  return record;
}

// Collects the crops of a task for the item's line; a crowd never waits in memory.
class CropFiller {
 public:
  CropFiller(Flow& flow, const FrameTask& task) : flow_(flow), task_(task) {}

  // Errors: landmarks_degenerate.
  Status add(const Frame& frame, const Face& face, CropTensor crop) {
    const TraceSpan span(flow_.parts.trace, "crop", trace_item(flow_, *task_.item, crop.place));
    const int side = flow_.parts.networks.front()->config().image;
    DFA_ASSIGN_OR_RETURN(const Picture picture, make_crop(frame.picture.view(), face, flow_.parts.recipe));
    crop.image.resize(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
    DFA_TRY(crop_to_tensor(picture.view(), flow_.parts.recipe, side, crop.image));
    crops_.push_back(std::move(crop));
    if (crops_.size() == static_cast<std::size_t>(flow_.options.max_batch)) {
      const Stopwatch watch;
      task_.item->line->add(task_.number, std::exchange(crops_, {}));
      waited_ += watch.seconds();
    }
    return {};
  }

  // After the last frame.
  void finish() {
    task_.item->line->finish(task_.number, task_.place + task_.frames.size(), std::exchange(crops_, {}));
  }

  // Seconds spent waiting for the score stage, since the last call.
  double take_waited() { return std::exchange(waited_, 0); }

 private:
  Flow& flow_;
  const FrameTask& task_;
  CropGroup crops_;
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

// One detector on its way through the frames of a task.
class TaskSearch {
 public:
  TaskSearch(Flow& flow, Detector& detector, const FrameTask& task)
      : flow_(flow), detector_(detector), task_(task), filler_(flow, task) {}

  FrameFound handle(std::size_t index) {
    const Frame& frame = task_.frames[index];
    FrameFound found;
    found.item = task_.item->item;
    found.place = task_.place + index;
    found.frame.index = frame.index;
    found.frame.pts_seconds = frame.pts_seconds;
    if (task_.item->abandoned) return found;
    if (Status searched = guarded([&] { return search(frame, found); }); !searched) {
      task_.item->abandoned = true;
      found.error = std::move(searched).error();
    }
    return found;
  }

  // After the last frame.
  void finish() { filler_.finish(); }

 private:
  Status search(const Frame& frame, FrameFound& found) {
    const bool first = found.place == task_.place;
    const TraceSpan span(flow_.parts.trace, first ? "detect" : "follow", trace_item(flow_, *task_.item, found.place));
    const Stopwatch watch;
    const PictureView view = frame.picture.view();
    DFA_ASSIGN_OR_RETURN(faces_, first ? detector_.detect(view) : detector_.follow(view, faces_));
    std::vector<Face> faces = faces_;
    const auto limit = static_cast<std::size_t>(flow_.options.max_faces);
    if (limit != 0 && faces.size() > limit) {
      found.over_limit = static_cast<std::int64_t>(faces.size() - limit);
      faces.resize(limit);
    }
    if (flow_.parts.item_rule == ItemRule::largest_face) found.over_limit += drop_smaller(faces, flow_.options.faces);
    for (const Face& face : faces) keep(frame, face, found);
    found.seconds = watch.seconds() - filler_.take_waited();
    return {};
  }

  void keep(const Frame& frame, const Face& face, FrameFound& found) {
    FaceRecord record = record_of(face, frame, fate_of(judge_face(face, flow_.options.faces)));
    if (record.quality.fate == FaceFate::scored) {
      if (filler_.add(frame, face, {found.place, found.frame.faces.size(), {}}))
        ++found.crops;
      else
        record.quality.fate = FaceFate::not_scored;
    }
    found.frame.faces.push_back(std::move(record));
  }

  Flow& flow_;
  Detector& detector_;
  const FrameTask& task_;
  CropFiller filler_;
  std::vector<Face> faces_;  // of the last frame, all of them
};

}  // namespace

void run_detect_worker(Flow& flow, Detector& detector) {
  while (std::optional<FrameTask> task = flow.frames.pop()) {
    std::vector<FrameFound> found;
    TaskSearch search(flow, detector, *task);
    for (std::size_t i = 0; i < task->frames.size(); ++i) {
      found.push_back(search.handle(i));
      task->frames[i].picture = {};
    }
    search.finish();
    task->lease = {};  // the frames' bytes go back before we wait for the collector
    for (FrameFound& each : found) flow.tell(std::move(each));
  }
}

}  // namespace dfa::flow
