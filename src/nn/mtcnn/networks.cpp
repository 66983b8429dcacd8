#include "nn/mtcnn/networks.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>

#include "nn/mtcnn/crop_net.hpp"
#include "nn/mtcnn/nets.hpp"
#include "nn/mtcnn/trunk.hpp"
#include "nn/mtcnn/worker_pool.hpp"

namespace dfa::mtcnn {
namespace {

// Strips a thread should get of all sizes together, so that the last ones end at about the same time.
constexpr int kStripsPerThread = 6;
// A strip of fewer rows spends much of its time on the rows around it: four more of conv2, eight more of the picture.
constexpr int kFewestRows = 8;

struct Strip {
  MapPart part;
  std::vector<Proposal> found;
};

MapPart whole_map(std::size_t index, ScaledSize size) {
  return {index, 0, 0, proposal_map_size(size.width), proposal_map_size(size.height)};
}

// Columns of the resized picture that these cells rest on: each sees 12, two apart.
Range columns_below(const MapPart& part, int width) {
  constexpr int kStride = 2, kSeen = 12;
  return {kStride * part.x_begin, std::min(kStride * (part.x_end - 1) + kSeen, width)};
}

struct Worker {
  explicit Worker(const Nets& nets) : p(nets.p), r(nets.r), o(nets.o) {}
  Trunk p;
  CropNet r, o;
};

class EmbeddedNetworks final : public Networks {
 public:
  EmbeddedNetworks(std::shared_ptr<const Nets> nets, int threads) : nets_(std::move(nets)), pool_(threads) {
    for (int i = 0; i < threads; ++i) workers_.push_back(std::make_unique<Worker>(*nets_));
  }

  void propose(const PictureSource& picture, std::span<const ScaledSize> sizes, float threshold,
               std::vector<std::vector<Proposal>>& found) override {
    whole_maps_.clear();
    for (std::size_t i = 0; i < sizes.size(); ++i) whole_maps_.push_back(whole_map(i, sizes[i]));
    propose_in(picture, sizes, whole_maps_, threshold, found);
  }

  void propose_in(const PictureSource& picture, std::span<const ScaledSize> sizes, std::span<const MapPart> parts,
                  float threshold, std::vector<std::vector<Proposal>>& found) override {
    plan_strips(parts);
    pool_.run(strip_count_, [&](int i, int worker) {
      Strip& strip = strips_[static_cast<std::size_t>(i)];
      run_strip(picture, sizes[strip.part.size], threshold, workers_[static_cast<std::size_t>(worker)]->p, strip);
    });
    if (found.size() < sizes.size()) found.resize(sizes.size());
    for (auto& list : found) list.clear();
    for (int i = 0; i < strip_count_; ++i) {
      const Strip& strip = strips_[static_cast<std::size_t>(i)];
      auto& list = found[strip.part.size];
      list.insert(list.end(), strip.found.begin(), strip.found.end());
    }
  }

  void refine(const PictureSource& picture, std::span<const Region> windows, std::span<WindowScore> out) override {
    run_windows(picture, windows, out, &Worker::r);
  }
  void locate(const PictureSource& picture, std::span<const Region> windows, std::span<WindowScore> out) override {
    run_windows(picture, windows, out, &Worker::o);
  }

 private:
  // Strips of about equal work, in the order of the parts and of their rows.
  void plan_strips(std::span<const MapPart> parts) {
    std::int64_t cells = 0;
    for (const MapPart& part : parts) cells += std::int64_t{part.x_end - part.x_begin} * (part.y_end - part.y_begin);
    const std::int64_t share = std::max<std::int64_t>(1, cells / (kStripsPerThread * pool_.threads()));
    strip_count_ = 0;
    for (const MapPart& part : parts) {
      const int width = part.x_end - part.x_begin, height = part.y_end - part.y_begin;
      const int rows = std::max(kFewestRows, static_cast<int>(std::min<std::int64_t>(height, share / width + 1)));
      const int strips = std::max(1, height / rows);
      for (int i = 0; i < strips; ++i) {
        if (strips_.size() == static_cast<std::size_t>(strip_count_)) strips_.emplace_back();
        Strip& strip = strips_[static_cast<std::size_t>(strip_count_++)];
        strip.part = part;
        strip.part.y_begin = part.y_begin + static_cast<int>(std::int64_t{height} * i / strips);
        strip.part.y_end = part.y_begin + static_cast<int>(std::int64_t{height} * (i + 1) / strips);
      }
    }
  }

  static void run_strip(const PictureSource& picture, ScaledSize size, float threshold, Trunk& trunk, Strip& strip) {
    strip.found.clear();
    // Most places are far from the threshold: the exponentials are taken where the difference of the logits comes near
    // its logit.
    constexpr float kSpare = 1e-3f;
    const float least = threshold > 0 ? std::log(threshold / (1 - threshold)) - kSpare : -HUGE_VALF;
    const MapPart& part = strip.part;
    trunk.start(picture, {0, 0, picture.width(), picture.height()}, size.width, size.height,
                columns_below(part, size.width));
    assert(trunk.width() == part.x_end - part.x_begin);
    for (int y = part.y_begin; y < part.y_end; ++y) {
      const float* heads = trunk.row(y);
      for (int x = part.x_begin; x < part.x_end; ++x, heads += kPanel) {
        if (heads[1] - heads[0] < least) continue;
        const float score = face_probability(heads);
        if (!(score >= threshold)) continue;
        strip.found.push_back({x, y, score, {heads[2], heads[3], heads[4], heads[5]}});
      }
    }
  }

  void run_windows(const PictureSource& picture, std::span<const Region> windows, std::span<WindowScore> out,
                   CropNet Worker::*net) {
    assert(windows.size() == out.size());
    // Twice as many pieces as threads, so that none waits long for the last.
    const std::size_t pieces = 2 * static_cast<std::size_t>(pool_.threads());
    const std::size_t piece = std::clamp<std::size_t>((windows.size() + pieces - 1) / pieces, 1, kMostWindows);
    const int count = static_cast<int>((windows.size() + piece - 1) / piece);
    pool_.run(count, [&](int i, int worker) {
      const std::size_t begin = static_cast<std::size_t>(i) * piece;
      const std::size_t size = std::min(piece, windows.size() - begin);
      (workers_[static_cast<std::size_t>(worker)].get()->*net)
          .run(picture, windows.subspan(begin, size), out.subspan(begin, size));
    });
  }

  std::shared_ptr<const Nets> nets_;
  WorkerPool pool_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<MapPart> whole_maps_;
  std::vector<Strip> strips_;  // the first strip_count_ are in use
  int strip_count_ = 0;
};

}  // namespace

int proposal_map_size(int input) {
  // conv 3, pool 2/2 in ceil mode, conv 3, conv 3.
  return (input - 2 + 1) / 2 - 4;
}

Result<std::unique_ptr<Networks>> Networks::create(int threads) {
  DFA_ASSIGN_OR_RETURN(std::shared_ptr<const Nets> nets, embedded_nets());
  return std::make_unique<EmbeddedNetworks>(std::move(nets), threads);
}

}  // namespace dfa::mtcnn
