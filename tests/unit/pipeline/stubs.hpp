// Stages without media files, networks or faces: what a picture "contains" is written into its pixels.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/detect_job.hpp"

namespace dfa::test {

inline constexpr int kStubSide = 64;   // of frames
inline constexpr int kStubInput = 16;  // of the network

// A frame of one grey level. The stub detector sees `faces` faces on it, the stub network scores level / 255.
inline Picture stub_picture(int faces, int level) {
  Picture picture{kStubSide, kStubSide,
                  std::vector<std::uint8_t>(3 * kStubSide * kStubSide, static_cast<std::uint8_t>(level))};
  picture.rgb[0] = static_cast<std::uint8_t>(faces);
  return picture;
}

// One scripted input.
struct StubFile {
  MediaKind kind = MediaKind::picture;
  int frames = 1;
  int faces = 1;
  int level = 51;                                    // p_fake 0.2
  std::optional<Error> open_error = std::nullopt;    // the file cannot be opened
  std::optional<Error> error_at_end = std::nullopt;  // the stream breaks after its frames
  std::vector<std::string> notes = {};
  std::chrono::milliseconds per_frame{0};
  double frame_seconds = 0.5;  // from one frame to the next
};

// How many frames have left a source and not been searched yet.
struct FramesAlive {
  std::atomic<long> now{0};
  std::atomic<long> most{0};
  void born() {
    const long alive = ++now;
    long seen = most;
    while (alive > seen && !most.compare_exchange_weak(seen, alive)) {
    }
  }
};

class StubSource final : public MediaSource {
 public:
  StubSource(StubFile file, FramesAlive* alive) : file_(std::move(file)), alive_(alive) {}
  Result<std::optional<Frame>> next() override {
    std::this_thread::sleep_for(file_.per_frame);
    if (given_ == file_.frames) {
      if (file_.error_at_end) return tl::unexpected(*file_.error_at_end);
      return std::optional<Frame>();
    }
    Frame frame;
    frame.picture = stub_picture(file_.faces, file_.level);
    frame.index = 10 * given_;
    frame.pts_seconds = file_.frame_seconds * given_;
    ++given_;
    if (alive_ != nullptr) alive_->born();
    return frame;
  }
  std::int64_t frames_expected() const override { return file_.frames; }
  void count(WorkRecord& work) const override { work.frames_decoded = work.frames_counted = given_; }
  std::vector<std::string> notes() const override { return file_.notes; }

 private:
  StubFile file_;
  FramesAlive* alive_;
  int given_ = 0;
};

class StubDetector final : public Detector {
 public:
  StubDetector(std::function<Status(const PictureView&)> before, FramesAlive* alive, std::atomic<int>* followed)
      : before_(std::move(before)), alive_(alive), followed_(followed) {}
  std::string_view name() const override { return "stub"; }
  std::string_view weights_sha256() const override { return ""; }
  Result<std::vector<Face>> detect(const PictureView& picture) override {
    if (alive_ != nullptr) --alive_->now;
    if (before_) DFA_TRY(before_(picture));
    std::vector<Face> faces;
    for (int i = 0; i < picture.rgb[0]; ++i) {
      Face face;
      face.box_px = {2.0 * i, 0, 2.0 * i + 50 - i, 50};
      face.probability = 0.99;
      const double x = face.box_px.x1;
      face.landmarks_px = {Point{x + 15, 18}, Point{x + 35, 18}, Point{x + 25, 28}, Point{x + 17, 38},
                           Point{x + 33, 38}};
      faces.push_back(face);
    }
    return faces;
  }
  Result<std::vector<Face>> follow(const PictureView& picture, std::span<const Face> before) override {
    if (before.size() != static_cast<std::size_t>(picture.rgb[0]))
      return fail(ErrorCode::internal, "follows {} faces, the frame before had {}", before.size(), picture.rgb[0]);
    ++*followed_;
    return detect(picture);
  }
  const DetectorWork& work() const override { return work_; }

 private:
  std::function<Status(const PictureView&)> before_;
  FramesAlive* alive_;
  std::atomic<int>* followed_;
  DetectorWork work_;
};

// Whether a score shows the size of its batch and its place there, as in engines whose last bits do.
enum class BatchSense { no, yes };

// p_fake = mean of the crop's levels / 255, through logits {0, log(p / (1 - p))}.
class StubNetwork final : public Network {
 public:
  explicit StubNetwork(std::function<Status(int)> before = {}, BatchSense batch_sense = BatchSense::no)
      : before_(std::move(before)), batch_sense_(batch_sense) {
    config_.image = kStubInput;
    config_.patch = 4;
  }
  const NetworkConfig& config() const override { return config_; }
  Result<std::unique_ptr<Network>> make_instance() const override {
    return std::make_unique<StubNetwork>(before_, batch_sense_);
  }
  Status forward(std::span<const float> images, int n, ForwardOutput output) override {
    ++calls;
    largest_batch = std::max(largest_batch, n);
    if (before_) DFA_TRY(before_(n));
    const std::size_t size = 3 * kStubInput * kStubInput;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      double level = (static_cast<double>(images[i * size + size / 2]) + 1) / 2;  // undoes mean 0.5, std 0.5
      if (batch_sense_ == BatchSense::yes) level *= 1 - 0.001 * (10 * n + static_cast<double>(i));
      output.logits[2 * i] = 0;
      output.logits[2 * i + 1] = static_cast<float>(std::log(level / (1 - level)));
    }
    return {};
  }
  int calls = 0;
  int largest_batch = 0;

 private:
  NetworkConfig config_;
  std::function<Status(int)> before_;
  BatchSense batch_sense_;
};

// How many spans of the profile class each stage wrote.
class SpanTrace final : public TraceSink {
 public:
  bool wants(TraceClass trace_class) const override { return trace_class == TraceClass::profile; }
  void write(TraceClass, std::string_view line) override {
    std::lock_guard lock(mutex_);
    ++spans[std::string(line.substr(0, line.find(',')))];
  }
  std::map<std::string, int> spans;

 private:
  std::mutex mutex_;
};

// A job over scripted files, with everything a test may want to turn.
struct StubJob {
  std::vector<std::pair<std::string, StubFile>> files;
  DetectOptions options;
  std::function<Status(const PictureView&)> before_detect;
  std::function<Status(int)> before_forward;
  std::function<Status(const ItemRecord&)> on_item;
  std::function<void(const Progress&)> on_progress;
  SpanTrace trace;
  FramesAlive alive;
  CancelFlag cancel;
  int score_workers = 1;
  BatchSense batch_sense = BatchSense::no;
  ItemRule item_rule = ItemRule::persons;
  OperatingPoint point = {"custom", 0.5, std::nullopt, std::nullopt, std::nullopt};
  std::vector<ItemRecord> items;  // as given out
  std::atomic<int> given_out{0};
  std::atomic<int> opened{0};
  std::atomic<int> followed{0};
  int forward_calls = 0;
  int largest_batch = 0;

  StubJob() { options.detect_workers = 2; }

  Result<SummaryRecord> run() {
    InputList inputs;
    std::map<std::string, StubFile> by_name;
    for (const auto& [name, file] : files) {
      inputs.inputs.push_back({name, std::nullopt});
      by_name[name] = file;
    }
    std::vector<StubNetwork> networks(static_cast<std::size_t>(score_workers),
                                      StubNetwork(before_forward, batch_sense));
    DetectParts parts;
    parts.open_media = [&](const std::string& path, const IntakeOptions&) -> Intake {
      ++opened;
      const StubFile& file = by_name.at(path);
      if (file.open_error) return {file.kind, std::nullopt, tl::unexpected(*file.open_error)};
      return {file.kind, std::string(64, 'a'), std::make_unique<StubSource>(file, &alive)};
    };
    parts.make_detector = [&]() -> Result<std::unique_ptr<Detector>> {
      return std::make_unique<StubDetector>(before_detect, &alive, &followed);
    };
    for (StubNetwork& network : networks) parts.networks.push_back(&network);
    parts.recipe = *crop_recipe_by_name("square1.3-inside");
    parts.item_rule = item_rule;
    parts.operating_point = point;
    parts.trace = &trace;
    Result<SummaryRecord> summary = run_detect(inputs, options, parts,
                                               {[&](const ItemRecord& item) -> Status {
                                                  items.push_back(item);
                                                  ++given_out;
                                                  return on_item ? on_item(item) : Status();
                                                },
                                                on_progress},
                                               cancel);
    for (const StubNetwork& network : networks) {
      forward_calls += network.calls;
      largest_batch = std::max(largest_batch, network.largest_batch);
    }
    return summary;
  }
};

}  // namespace dfa::test
