// Puts together what the stages tell, and gives finished items out in input order.
#include <algorithm>
#include <map>
#include <utility>

#include "pipeline/flow.hpp"

namespace dfa::flow {
namespace {

// What stays of the messages until their item is complete: a long video has many.
struct KeptFrame {
  std::size_t place = 0;
  SampledFrame frame;
};
struct KeptScore {
  std::size_t place = 0;
  std::size_t face = 0;
  std::optional<double> p_fake;
};

// An item of which something is still to come.
struct Pending {
  std::int64_t frames_expected = 0;
  std::vector<KeptFrame> frames;
  std::vector<KeptScore> scores;
  std::size_t crops_expected = 0;
  std::int64_t over_limit = 0;
  StageSeconds seconds;
  std::optional<Error> error;  // the first that a stage met
  std::optional<ItemRead> read;

  bool complete() const {
    if (!read || frames.size() != read->frames) return false;
    return scores.size() == crops_expected;
  }
  double share() const {
    if (frames_expected <= 0) return 0;
    return std::min(1.0, static_cast<double>(frames.size()) / static_cast<double>(frames_expected));
  }
};

class Collector {
 public:
  Collector(Flow& flow, const DetectCallbacks& callbacks) : flow_(flow), callbacks_(callbacks) {}

  Result<SummaryRecord> run() {
    while (std::optional<Message> message = flow_.messages.pop()) {
      const std::size_t item = std::visit([this](auto& told) { return take(std::move(told)); }, *message);
      if (pending_[item].complete()) finish(item);
      tell_progress();
    }
    // After a stop an input that was never begun may stand before finished ones.
    while (!finished_.empty()) give_out_first();
    if (output_error_) return tl::unexpected(*output_error_);
    summary_.inputs = static_cast<std::int64_t>(flow_.inputs.inputs.size());
    summary_.not_analysed = summary_.inputs - summary_.analysed();
    summary_.skipped = flow_.inputs.skipped;
    summary_.seconds = watch_.seconds();
    return summary_;
  }

 private:
  std::size_t take(ItemBegun begun) {
    pending_[begun.item].frames_expected = begun.frames_expected;
    return begun.item;
  }
  std::size_t take(FrameFound found) {
    const std::size_t item = found.item;
    Pending& pending = pending_[item];
    pending.crops_expected += found.crops;
    pending.over_limit += found.over_limit;
    pending.seconds.detect += found.seconds;
    if (found.error && !pending.error) pending.error = found.error;
    pending.frames.push_back({found.place, std::move(found.frame)});
    return item;
  }
  std::size_t take(const CropScored& scored) {
    const std::size_t item = scored.item;
    Pending& pending = pending_[item];
    pending.seconds.score += scored.seconds;
    if (scored.error && !pending.error) pending.error = scored.error;
    pending.scores.push_back({scored.place, scored.face, scored.p_fake});
    return item;
  }
  std::size_t take(ItemRead read) {
    const std::size_t item = read.item;
    pending_[item].read = std::move(read);
    return item;
  }

  void finish(std::size_t item) {
    const auto node = pending_.extract(item);
    finished_.emplace(
        item, node.mapped().read->ending == Ending::abandoned ? std::nullopt : std::optional(conclude(node.mapped())));
    while (!finished_.empty() && finished_.begin()->first == next_out_) give_out_first();
  }

  void give_out_first() {
    const auto node = finished_.extract(finished_.begin());
    next_out_ = node.key() + 1;
    give_out(node.mapped());
    flow_.window.finish_one();
  }

  ItemRecord conclude(Pending& pending) {
    ItemRead& read = *pending.read;
    ItemRecord item = std::move(read.record);
    item.work.seconds.detect = pending.seconds.detect;
    item.work.seconds.score = pending.seconds.score;
    item.work.frames_searched = static_cast<std::int64_t>(read.frames);
    item.work.faces_over_limit = pending.over_limit;
    if (read.ending == Ending::unreadable) {
      conclude_unread(item, *read.error);
    } else if (pending.error) {
      conclude_abstained(item, *pending.error);
    } else {
      if (pending.over_limit > 0) read.notes.push_back(over_limit_words(pending.over_limit));
      conclude_item(item, sampled_frames(pending), read.notes, flow_.options.faces, flow_.parts.operating_point,
                    flow_.parts.item_rule);
    }
    return item;
  }

  std::string over_limit_words(std::int64_t count) const {
    const std::string_view faces = count == 1 ? "face" : "faces";
    if (flow_.parts.item_rule == ItemRule::largest_face)
      return fmt::format("{} further {} left out: the model reads the largest of each frame", count, faces);
    return fmt::format("{} {} beyond the limit of {} a frame left out", count, faces, flow_.options.max_faces);
  }

  static std::vector<SampledFrame> sampled_frames(Pending& pending) {
    std::sort(pending.frames.begin(), pending.frames.end(),
              [](const KeptFrame& a, const KeptFrame& b) { return a.place < b.place; });
    for (const KeptScore& scored : pending.scores) {
      FaceRecord& face = pending.frames[scored.place].frame.faces[scored.face];
      face.p_fake = scored.p_fake;
      if (!scored.p_fake) face.quality.fate = FaceFate::not_scored;
    }
    std::vector<SampledFrame> frames;
    frames.reserve(pending.frames.size());
    for (KeptFrame& kept : pending.frames) frames.push_back(std::move(kept.frame));
    return frames;
  }

  void give_out(const std::optional<ItemRecord>& item) {
    if (!item || output_error_) return;
    summary_.count(*item);
    if (Status written = callbacks_.on_item(*item); !written) {
      output_error_ = std::move(written).error();
      flow_.output_failed = true;
      flow_.window.open_for_all();
    }
  }

  void tell_progress() {
    if (!callbacks_.on_progress) return;
    Progress progress;
    progress.items_all = flow_.inputs.inputs.size();
    progress.items_done = next_out_ + finished_.size();
    double done = static_cast<double>(progress.items_done);
    for (const auto& [item, pending] : pending_) done += pending.share();
    progress.share = progress.items_all == 0 ? 1.0 : done / static_cast<double>(progress.items_all);
    progress.seconds = watch_.seconds();
    if (progress.share > 0) progress.seconds_left = progress.seconds * (1 - progress.share) / progress.share;
    callbacks_.on_progress(progress);
  }

  Flow& flow_;
  const DetectCallbacks& callbacks_;
  const Stopwatch watch_;
  std::map<std::size_t, Pending> pending_;
  std::map<std::size_t, std::optional<ItemRecord>> finished_;  // waiting for their turn; empty: abandoned
  std::size_t next_out_ = 0;
  SummaryRecord summary_;
  std::optional<Error> output_error_;
};

}  // namespace

Result<SummaryRecord> collect(Flow& flow, const DetectCallbacks& callbacks) {
  return Collector(flow, callbacks).run();
}

}  // namespace dfa::flow
