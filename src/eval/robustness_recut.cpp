#include "eval/robustness_recut.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <new>
#include <utility>

#include "base/parallel_for.hpp"
#include "face/tracker.hpp"
#include "perturb/perturb.hpp"
#include "prepare/item_frames.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

bool concerns_job(ErrorCode code) {
  return code == ErrorCode::out_of_memory || code == ErrorCode::cancelled || code == ErrorCode::internal;
}

Recut without_crop(Outcome outcome, std::string problem) {
  return {outcome, std::move(problem), {}};
}

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

struct Made {
  std::size_t entry = 0;
  Recut recut;
};

// Cuts crops out of perturbed frames; knows what the video is.
class Cutter {
 public:
  Cutter(const SourceVideo& video, const SourceVideos& all, const RecutOptions& options)
      : all_(all), options_(options) {
    for (const SourceCrop& crop : video.crops) crops_[crop.frame].push_back(&crop);
  }

  bool wants(std::int64_t frame) const { return crops_.contains(frame); }
  std::vector<std::int64_t> frames() const {
    std::vector<std::int64_t> numbers;
    for (const auto& [number, crops] : crops_) numbers.push_back(number);
    return numbers;
  }

  // Errors: of the job. `clean` gives the size that the geometry is of; `worker` chooses the detector.
  Status cut(std::int64_t frame, const Picture& clean, const Picture& perturbed, RecutFace rule, std::size_t worker,
             std::vector<Made>& made) const {
    for (const SourceCrop* crop : crops_.at(frame)) {
      DFA_ASSIGN_OR_RETURN(Recut recut, cut_one(moved_to(crop->face, clean, perturbed), perturbed, rule, worker));
      made.push_back({crop->entry, std::move(recut)});
    }
    return {};
  }
  // The frame did not come so far: all its crops share the reason.
  Status refuse(std::int64_t frame, const Error& error, std::vector<Made>& made) const {
    if (concerns_job(error.code)) return tl::unexpected(error);
    for (const SourceCrop* crop : crops_.at(frame))
      made.push_back({crop->entry, without_crop(Outcome::abstained, error.message)});
    return {};
  }

 private:
  Result<Recut> cut_one(const Face& place, const Picture& frame, RecutFace rule, std::size_t worker) const {
    Face face = place;
    if (rule == RecutFace::found) {
      DFA_ASSIGN_OR_RETURN(std::optional<Recut> lost, find_again(frame, worker, face));
      if (lost) return std::move(*lost);
    }
    Result<Picture> crop = make_crop(frame.view(), face, all_.recipe);
    if (crop) return Recut{Outcome::scored, "", std::move(*crop)};
    if (concerns_job(crop.error().code)) return tl::unexpected(crop.error());
    return without_crop(Outcome::abstained, crop.error().message);
  }

  // Puts the face found nearest to `face` in its place; why not, where there is none.
  Result<std::optional<Recut>> find_again(const Picture& frame, std::size_t worker, Face& face) const {
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

  const SourceVideos& all_;
  const RecutOptions& options_;
  std::map<std::int64_t, std::vector<const SourceCrop*>> crops_;
};

// One perturbation over one video.
class Cell {
 public:
  // `perturbation` is null for the clean frame.
  static Result<std::unique_ptr<Cell>> create(const Perturbation* perturbation, std::string_view name, FrameRate rate,
                                              const RecutOptions& options, const Cutter& cutter) {
    auto cell = std::make_unique<Cell>(perturbation, name, options, cutter);
    if (perturbation == nullptr) return cell;
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(perturbation->kind, perturbation->code));
    if (info->reach == Reach::picture) return cell;
    Cell* const self = cell.get();
    DFA_ASSIGN_OR_RETURN(FramePerturber perturber,
                         FramePerturber::create(*perturbation, cell->stream_, rate, [self](Picture picture) {
                           return self->came_out(std::move(picture));
                         }));
    cell->run_.emplace(std::move(perturber));
    return cell;
  }
  Cell(const Perturbation* perturbation, std::string_view name, const RecutOptions& options, const Cutter& cutter)
      : perturbation_(perturbation),
        stream_(perturb_stream(options.seed, perturbation == nullptr ? Perturbation() : *perturbation, name)),
        rule_(perturbation == nullptr ? RecutFace::clean : options.face),
        cutter_(cutter) {}

  // Thread-safe between cells. Errors: of the job.
  Status add(const ItemFrame& frame, std::size_t worker) {
    worker_ = worker;
    if (run_) return add_to_run(frame);
    if (!cutter_.wants(frame.number)) return {};
    if (perturbation_ == nullptr) return cutter_.cut(frame.number, frame.picture, frame.picture, rule_, worker, made_);
    const Result<Picture> perturbed = perturb_before_codec(frame.picture.view(), *perturbation_, stream_, frame.number);
    if (!perturbed) return cutter_.refuse(frame.number, perturbed.error(), made_);
    return cutter_.cut(frame.number, frame.picture, *perturbed, rule_, worker, made_);
  }

  Status finish(std::size_t worker) {
    worker_ = worker;
    if (!run_) return {};
    if (!broken_) note(run_->finish());
    return refuse_waiting();
  }

  // What has been made since the last call.
  std::vector<Made> take() { return std::exchange(made_, {}); }

 private:
  struct InCodec {
    std::int64_t number = 0;
    int width = 0, height = 0;
  };

  Status add_to_run(const ItemFrame& frame) {
    in_codec_.push_back({frame.number, frame.picture.width, frame.picture.height});
    if (!broken_) note(run_->add(frame.picture.view()));
    return broken_ ? refuse_waiting() : Status();
  }

  // Frames come out in the order in which they went in.
  Status came_out(Picture picture) {
    const InCodec frame = in_codec_.front();
    in_codec_.pop_front();
    if (!cutter_.wants(frame.number)) return {};
    const Picture clean_size{frame.width, frame.height, {}};
    return cutter_.cut(frame.number, clean_size, picture, rule_, worker_, made_);
  }

  void note(const Status& status) {
    if (!status) broken_ = status.error();
  }

  // After a codec has refused a frame nothing comes out of it any more.
  Status refuse_waiting() {
    if (broken_ && concerns_job(broken_->code)) return tl::unexpected(*broken_);
    while (!in_codec_.empty()) {
      const std::int64_t number = in_codec_.front().number;
      in_codec_.pop_front();
      if (cutter_.wants(number)) DFA_TRY(cutter_.refuse(number, *broken_, made_));
    }
    return {};
  }

  const Perturbation* perturbation_;
  RngStream stream_;
  RecutFace rule_;
  const Cutter& cutter_;
  std::optional<FramePerturber> run_;  // where the perturbation is a video codec
  std::deque<InCodec> in_codec_;
  std::optional<Error> broken_;
  std::size_t worker_ = 0;
  std::vector<Made> made_;
};

using Cells = std::vector<std::unique_ptr<Cell>>;

Result<Cells> make_cells(std::string_view name, FrameRate rate, const RecutOptions& options, const Cutter& cutter) {
  Cells cells;
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<Cell> clean, Cell::create(nullptr, name, rate, options, cutter));
  cells.push_back(std::move(clean));
  for (const Perturbation& perturbation : options.perturbations) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<Cell> cell, Cell::create(&perturbation, name, rate, options, cutter));
    cells.push_back(std::move(cell));
  }
  return cells;
}

// The same step in every cell, some at once. The first cell's error counts, whoever was quicker.
template <class Step>
Status in_every_cell(Cells& cells, int threads, const CancelFlag& cancel, Step step) {
  std::vector<Status> results(cells.size());
  parallel_for(cells.size(), threads, cancel,
               [&](std::size_t worker, std::size_t i) { results[i] = step(*cells[i], worker); });
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  for (const Status& result : results) DFA_TRY(result);
  return {};
}

bool reads_between(const RecutOptions& options) {
  return std::any_of(options.perturbations.begin(), options.perturbations.end(), [](const Perturbation& perturbation) {
    const Result<const CodeInfo*> info = find_code(perturbation.kind, perturbation.code);
    return info && (*info)->reach == Reach::run;
  });
}

// The work on one video.
class VideoRecut {
 public:
  VideoRecut(const SourceVideo& video, const SourceVideos& all, const RecutOptions& options, const CancelFlag& cancel,
             const RecutSink& sink)
      : video_(video), options_(options), cancel_(cancel), sink_(sink), cutter_(video, all, options) {}

  Status run() {
    const std::size_t cells = options_.perturbations.size() + 1;
    done_.assign(cells, {});
    const Status read = read_frames();
    if (!read && concerns_job(read.error().code)) return read;
    return refuse_rest(read ? "the frame could not be decoded" : read.error().message);
  }

 private:
  // Errors: of the job, and of a source that cannot be read (any more).
  Status read_frames() {
    FrameWish wish;
    wish.numbers = cutter_.frames();
    if (reads_between(options_)) wish.between = FrameWish::Between::read;
    DFA_ASSIGN_OR_RETURN(const std::unique_ptr<ItemFrames> frames,
                         ItemFrames::open_again(video_.path, wish, options_.limits));
    DFA_ASSIGN_OR_RETURN(cells_, make_cells(video_.name, frames->rate(), options_, cutter_));
    const Status read = feed(*frames);
    if (!read && concerns_job(read.error().code)) return read;
    // What codecs hold is good, whatever came after it.
    DFA_TRY(in_every_cell(cells_, options_.threads, cancel_,
                          [](Cell& cell, std::size_t worker) { return cell.finish(worker); }));
    DFA_TRY(deliver());
    return read;
  }

  Status feed(ItemFrames& frames) {
    const double all = static_cast<double>(std::max<std::size_t>(frames.wanted().size(), 1));
    for (;;) {
      if (cancel_.requested()) return fail(ErrorCode::cancelled, "stopped");
      DFA_ASSIGN_OR_RETURN(const std::optional<ItemFrame> frame, frames.next());
      if (!frame) return {};
      DFA_TRY(in_every_cell(cells_, options_.threads, cancel_,
                            [&](Cell& cell, std::size_t worker) { return cell.add(*frame, worker); }));
      DFA_TRY(deliver());
      if (options_.progress) options_.progress(static_cast<double>(frame->place + 1) / all);
    }
  }

  Status deliver() {
    for (std::size_t i = 0; i < cells_.size(); ++i)
      for (Made& made : cells_[i]->take()) {
        done_[i].push_back(made.entry);
        DFA_TRY(sink_(i, made.entry, std::move(made.recut)));
      }
    return {};
  }

  Status refuse_rest(const std::string& problem) {
    for (std::size_t i = 0; i < done_.size(); ++i) {
      std::sort(done_[i].begin(), done_[i].end());
      for (const SourceCrop& crop : video_.crops)
        if (!std::binary_search(done_[i].begin(), done_[i].end(), crop.entry))
          DFA_TRY(sink_(i, crop.entry, without_crop(Outcome::decode_error, problem)));
    }
    return {};
  }

  const SourceVideo& video_;
  const RecutOptions& options_;
  const CancelFlag& cancel_;
  const RecutSink& sink_;
  Cutter cutter_;
  Cells cells_;
  std::vector<std::vector<std::size_t>> done_;  // entries of each cell
};

}  // namespace

Status recut_video(const SourceVideo& video, const SourceVideos& all, const RecutOptions& options,
                   const CancelFlag& cancel, const RecutSink& sink) try {
  return VideoRecut(video, all, options, cancel, sink).run();
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "{}: no memory left", video.name);
}

Status perturb_stored_crop(const PictureView& crop, std::string_view name, std::size_t entry,
                           const RecutOptions& options, const CancelFlag& cancel, const RecutSink& sink) try {
  std::vector<Result<Picture>> made(options.perturbations.size(), Picture());
  parallel_for(made.size(), options.threads, cancel, [&](std::size_t, std::size_t i) {
    const Perturbation& perturbation = options.perturbations[i];
    made[i] = perturb(crop, perturbation, perturb_stream(options.seed, perturbation, name));
  });
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (!made[i] && concerns_job(made[i].error().code)) return tl::unexpected(made[i].error());
    DFA_TRY(sink(i + 1, entry,
                 made[i] ? Recut{Outcome::scored, "", std::move(*made[i])}
                         : without_crop(Outcome::abstained, made[i].error().message)));
  }
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "{}: no memory left", name);
}

}  // namespace dfa
