// Takes inputs in order, reads them and sends their frames off.
#include <utility>

#include "pipeline/flow.hpp"

namespace dfa::flow {
namespace {

// What became of one input while it was read.
struct Reading {
  ItemRead read;
  double seconds = 0;
};

// Gathers the frames that are searched together and sends them off.
class FrameSender {
 public:
  FrameSender(Flow& flow, const ItemHandle& item, Reading& reading) : flow_(flow), item_(item), reading_(reading) {}

  void add(Frame frame) {
    if (!belongs(frame)) send();
    bytes_ += frame.picture.rgb.size();
    frames_.push_back(std::move(frame));
    if (frames_.size() >= static_cast<std::size_t>(flow_.options.search_every)) send();
  }

  void send() {
    if (frames_.empty()) return;
    const std::size_t place = reading_.read.frames;
    reading_.read.frames += frames_.size();
    ByteBudget::Lease lease = flow_.budget.take(std::exchange(bytes_, 0));
    (void)flow_.frames.push({item_, tasks_++, place, std::exchange(frames_, {}), std::move(lease)});
  }

  std::size_t next_place() const { return reading_.read.frames + frames_.size(); }
  std::size_t tasks() const { return tasks_; }

 private:
  bool belongs(const Frame& frame) const {
    if (frames_.empty()) return true;
    return frame.pts_seconds - frames_.back().pts_seconds <= kFollowSeconds &&
           bytes_ + frame.picture.rgb.size() <= kFollowedBytes;
  }

  Flow& flow_;
  const ItemHandle& item_;
  Reading& reading_;
  std::vector<Frame> frames_;
  std::size_t bytes_ = 0;
  std::size_t tasks_ = 0;  // sent off
};

// Sends frames until the source ends, fails, or the job stops.
void send_frames(Flow& flow, const ItemHandle& item, MediaSource& source, Reading& reading, FrameSender& sender) {
  for (;;) {
    if (flow.stopping()) {
      item->abandoned = true;
      reading.read.ending = Ending::abandoned;
      return;
    }
    if (item->abandoned) return;  // a later stage gave the item up; it has told the collector why
    const Stopwatch watch;
    Result<std::optional<Frame>> frame = [&] {
      const TraceSpan span(flow.parts.trace, "decode", trace_item(flow, *item, sender.next_place()));
      return guarded([&] { return source.next(); });
    }();
    reading.seconds += watch.seconds();
    if (!frame) {
      reading.read.error = std::move(frame).error();
      break;
    }
    if (!*frame) break;
    sender.add(std::move(**frame));
  }
  sender.send();
}

void send_item(Flow& flow, const ItemHandle& item, MediaSource& source, Reading& reading) {
  const CropLine::Shape shape{source.frames_expected(), flow.parts.networks.size(),
                              static_cast<std::size_t>(flow.options.max_batch)};
  // The line lives in the item: were its handle kept here, neither would ever end.
  item->line.emplace(shape, [&flow, weak = std::weak_ptr(item)](CropGroup crops) {
    (void)flow.crops.push({weak.lock(), std::move(crops)});
  });
  FrameSender sender(flow, item, reading);
  send_frames(flow, item, source, reading, sender);
  item->line->end(sender.tasks());
}

// A stream that broke after some frames counts like a cut one; one that gave no frame was not readable.
void settle_error(ItemRead& read) {
  if (!read.error || read.ending == Ending::abandoned) return;
  if (read.frames == 0) {
    read.ending = Ending::unreadable;
    return;
  }
  read.notes.push_back(fmt::format("reading ended after {} frames: {}", read.frames, read.error->message));
  read.error.reset();
}

ItemRead read_input(Flow& flow, const ItemHandle& item) {
  const Input& input = flow.inputs.inputs[item->item];
  Reading reading;
  reading.read.item = item->item;
  reading.read.record.input = input.path;
  if (input.problem) {
    reading.read.ending = Ending::unreadable;
    reading.read.error = input.problem;
    flow.tell(ItemBegun{item->item, 0});
    return std::move(reading.read);
  }
  const Stopwatch opening;
  Intake intake = [&] {
    const TraceSpan span(flow.parts.trace, "open", trace_item(flow, *item, 0));
    return flow.parts.open_media(input.path, flow.options.intake);
  }();
  reading.seconds = opening.seconds();
  reading.read.record.kind = intake.kind;
  reading.read.record.sha256 = std::move(intake.sha256);
  flow.tell(ItemBegun{item->item, intake.source ? (*intake.source)->frames_expected() : 0});
  if (!intake.source) {
    reading.read.error = std::move(intake.source).error();
  } else {
    send_item(flow, item, **intake.source, reading);
    (*intake.source)->count(reading.read.record.work);
    reading.read.notes = (*intake.source)->notes();
  }
  reading.read.record.work.seconds.decode = reading.seconds;
  settle_error(reading.read);
  return std::move(reading.read);
}

}  // namespace

void run_decode_worker(Flow& flow) {
  for (;;) {
    const std::size_t index = flow.next_input.fetch_add(1);
    if (index >= flow.inputs.inputs.size()) return;
    flow.window.wait_for_turn(index);
    if (flow.stopping()) return;
    auto item = std::make_shared<ItemToken>();
    item->item = index;
    item->path = flow.inputs.inputs[index].path;
    flow.tell(read_input(flow, item));
  }
}

}  // namespace dfa::flow
