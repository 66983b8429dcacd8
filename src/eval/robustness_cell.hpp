// One perturbation over the frames of one video, and the crops that are cut out of what comes of them. Internal to
// robustness_recut.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "eval/robustness_recut.hpp"
#include "perturb/perturb.hpp"
#include "prepare/item_frames.hpp"

namespace dfa {

// Trouble that the next video would meet as well.
bool concerns_recut_job(ErrorCode code);
Recut without_crop(Outcome outcome, std::string problem);

struct MadeCrop {
  std::size_t entry = 0;
  Recut recut;
};

// Cuts crops out of perturbed frames; knows what the video is. Thread-safe with a detector a worker.
class CropCutter {
 public:
  CropCutter(const SourceVideo& video, const SourceVideos& all, const RecutOptions& options);

  bool wants(std::int64_t frame) const { return crops_.contains(frame); }
  std::vector<std::int64_t> frames() const;  // rising

  // Errors: of the job. `clean` gives the size that the geometry is of; `worker` chooses the detector.
  Status cut(std::int64_t frame, const Picture& clean, const Picture& perturbed, RecutFace rule, std::size_t worker,
             std::vector<MadeCrop>& made) const;
  // The frame did not come so far: all its crops share the reason.
  Status refuse(std::int64_t frame, const Error& error, std::vector<MadeCrop>& made) const;

 private:
  Result<Recut> cut_one(const Face& place, const Picture& frame, RecutFace rule, std::size_t worker) const;
  Result<std::optional<Recut>> find_again(const Picture& frame, std::size_t worker, Face& face) const;

  const SourceVideos& all_;
  const RecutOptions& options_;
  std::map<std::int64_t, std::vector<const SourceCrop*>> crops_;
};

// One thread at a time.
class RecutCell {
 public:
  // `perturbation` is null for the clean frame.
  static Result<std::unique_ptr<RecutCell>> create(const Perturbation* perturbation, std::string_view name,
                                                   FrameRate rate, const RecutOptions& options,
                                                   const CropCutter& cutter);
  RecutCell(const Perturbation* perturbation, std::string_view name, const RecutOptions& options,
            const CropCutter& cutter);

  bool is_codec() const { return run_.has_value(); }  // until finish()
  // Errors: of the job.
  Status add(const ItemFrame& frame, std::size_t worker);
  // What waits in a codec comes out, and its memory is given back.
  Status finish(std::size_t worker);
  // What has been made since the last call.
  std::vector<MadeCrop> take() { return std::exchange(made_, {}); }

 private:
  struct InCodec {
    std::int64_t number = 0;
    int width = 0, height = 0;
  };
  Status add_to_run(const ItemFrame& frame);
  Status came_out(const Picture& picture);
  Status refuse_waiting();
  void note(const Status& status) {
    if (!status) broken_ = status.error();
  }

  const Perturbation* perturbation_;
  RngStream stream_;
  RecutFace rule_;
  const CropCutter& cutter_;
  std::optional<FramePerturber> run_;  // where the perturbation is a video codec
  std::deque<InCodec> in_codec_;
  std::optional<Error> broken_;
  std::size_t worker_ = 0;
  std::vector<MadeCrop> made_;
};

}  // namespace dfa
