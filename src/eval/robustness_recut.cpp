#include "eval/robustness_recut.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/parallel_for.hpp"
#include "eval/robustness_cell.hpp"
#include "perturb/perturb.hpp"
#include "prepare/item_frames.hpp"

namespace dfa {
namespace {

using Cells = std::vector<std::unique_ptr<RecutCell>>;
using CellGroup = std::vector<RecutCell*>;

// What x264 at preset medium looks ahead, and its decoder: 377 MB at 1920 x 1080.
constexpr std::int64_t kCodecBytesPerPixel = 190;

Result<Cells> make_cells(std::string_view name, FrameRate rate, const RecutOptions& options, const CropCutter& cutter) {
  Cells cells;
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<RecutCell> clean, RecutCell::create(nullptr, name, rate, options, cutter));
  cells.push_back(std::move(clean));
  for (const Perturbation& perturbation : options.perturbations) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<RecutCell> cell,
                         RecutCell::create(&perturbation, name, rate, options, cutter));
    cells.push_back(std::move(cell));
  }
  return cells;
}

// The same step in every cell, some at once. The first cell's error counts, whoever was quicker.
template <class Step>
Status in_every_cell(const CellGroup& cells, int threads, const CancelFlag& cancel, Step step) {
  std::vector<Status> results(cells.size());
  parallel_for(cells.size(), threads, cancel,
               [&](std::size_t worker, std::size_t i) { results[i] = step(*cells[i], worker); });
  if (cancel.requested()) return fail(ErrorCode::cancelled, "stopped");
  for (const Status& result : results) DFA_TRY(result);
  return {};
}

// The cells of each pass over the video: all at once, unless their codecs would hold more than they may.
std::vector<CellGroup> passes_of(const Cells& cells, std::int64_t frame_pixels, std::int64_t codec_bytes) {
  const std::int64_t one = std::max<std::int64_t>(frame_pixels * kCodecBytesPerPixel, 1);
  const auto at_once = static_cast<std::size_t>(std::max<std::int64_t>(codec_bytes / one, 1));
  std::vector<CellGroup> passes(1);
  std::size_t codecs = 0;  // of the last pass
  for (const auto& cell : cells) {
    if (!cell->is_codec()) {
      passes.front().push_back(cell.get());
      continue;
    }
    if (codecs == at_once) passes.emplace_back(), codecs = 0;
    passes.back().push_back(cell.get());
    ++codecs;
  }
  return passes;
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
    Status read = read_frames();
    if (!read && concerns_recut_job(read.error().code)) return read;
    return refuse_rest(read ? "the frame could not be decoded" : read.error().message);
  }

 private:
  // Errors: of the job, and of a source that cannot be read (any more).
  Status read_frames() {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<ItemFrames> frames, open());
    DFA_ASSIGN_OR_RETURN(cells_, make_cells(video_.name, frames->rate(), options_, cutter_));
    const std::vector<CellGroup> passes = passes_of(cells_, frames->frame_pixels(), options_.codec_bytes);
    Status read;
    for (std::size_t pass = 0; pass < passes.size(); ++pass) {
      if (pass > 0) {
        DFA_ASSIGN_OR_RETURN(frames, open());
      }
      read = feed(*frames, passes[pass], static_cast<double>(pass), static_cast<double>(passes.size()));
      if (!read && concerns_recut_job(read.error().code)) return read;
      // What codecs hold is good, whatever came after it.
      DFA_TRY(in_every_cell(passes[pass], options_.threads, cancel_,
                            [](RecutCell& cell, std::size_t worker) { return cell.finish(worker); }));
      DFA_TRY(deliver());
    }
    return read;
  }

  Result<std::unique_ptr<ItemFrames>> open() const {
    FrameWish wish;
    wish.numbers = cutter_.frames();
    if (reads_between(options_)) wish.between = FrameWish::Between::read;
    return ItemFrames::open_again(video_.path, wish, options_.limits);
  }

  Status feed(ItemFrames& frames, const CellGroup& cells, double passes_done, double passes) {
    const double all = static_cast<double>(std::max<std::size_t>(frames.wanted().size(), 1));
    for (;;) {
      if (cancel_.requested()) return fail(ErrorCode::cancelled, "stopped");
      DFA_ASSIGN_OR_RETURN(const std::optional<ItemFrame> frame, frames.next());
      if (!frame) return {};
      DFA_TRY(in_every_cell(cells, options_.threads, cancel_,
                            [&](RecutCell& cell, std::size_t worker) { return cell.add(*frame, worker); }));
      DFA_TRY(deliver());
      const double share = static_cast<double>(frame->place + 1) / all;
      if (options_.progress) options_.progress((passes_done + share) / passes);
    }
  }

  Status deliver() {
    for (std::size_t i = 0; i < cells_.size(); ++i)
      for (MadeCrop& made : cells_[i]->take()) {
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
  CropCutter cutter_;
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
    if (!made[i] && concerns_recut_job(made[i].error().code)) return tl::unexpected(made[i].error());
    DFA_TRY(sink(i + 1, entry,
                 made[i] ? Recut{Outcome::scored, "", std::move(*made[i])}
                         : without_crop(Outcome::abstained, made[i].error().message)));
  }
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::out_of_memory, "{}: no memory left", name);
}

}  // namespace dfa
