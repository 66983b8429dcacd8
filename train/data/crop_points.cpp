#include "train/data/crop_points.hpp"

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "face/crop_points.hpp"

namespace dfa::train {

namespace {

// Finders serve one thread at a time: as many are made as threads ask at once.
class FinderPool {
 public:
  Status add() {
    DFA_ASSIGN_OR_RETURN(auto finder, make_crop_point_finder());
    give_back(std::move(finder));
    return {};
  }
  Result<std::optional<Landmarks68>> find(const Picture& crop) {
    DFA_ASSIGN_OR_RETURN(std::unique_ptr<CropPointFinder> finder, take());
    auto found = finder->find(crop.view());
    give_back(std::move(finder));
    return found;
  }

 private:
  Result<std::unique_ptr<CropPointFinder>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<CropPointFinder> finder = std::move(idle_.back());
        idle_.pop_back();
        return finder;
      }
    }
    return make_crop_point_finder();
  }
  void give_back(std::unique_ptr<CropPointFinder> finder) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(finder));
  }
  std::mutex mutex_;
  std::vector<std::unique_ptr<CropPointFinder>> idle_;
};

class StoredOrFound final : public CropPoints {
 public:
  StoredOrFound(const CropSet& crops, std::unique_ptr<FinderPool> finders)
      : crops_(crops), finders_(std::move(finders)) {
    const std::vector<Sample>& samples = crops.samples();
    for (std::uint32_t i = 0; i < samples.size(); ++i)
      if (samples[i].label == 0 && (finders_ || !samples[i].landmarks68.empty())) candidates_.push_back(i);
  }

  const std::vector<std::uint32_t>& candidates() const override { return candidates_; }

  Result<std::optional<Landmarks68>> find(std::uint32_t sample, const Picture& crop) const override {
    if (!finders_ || !crops_.samples()[sample].landmarks68.empty()) return crops_.landmarks68(sample);
    {
      const std::lock_guard lock(mutex_);
      if (const auto known = found_.find(sample); known != found_.end()) return known->second;
    }
    DFA_ASSIGN_OR_RETURN(const std::optional<Landmarks68> points, finders_->find(crop));
    const std::lock_guard lock(mutex_);
    found_.emplace(sample, points);
    return points;
  }

 private:
  const CropSet& crops_;
  std::unique_ptr<FinderPool> finders_;  // null in a build without dlib
  std::vector<std::uint32_t> candidates_;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::uint32_t, std::optional<Landmarks68>> found_;
};

}  // namespace

Result<std::unique_ptr<CropPoints>> CropPoints::create(const CropSet& crops) {
  const std::vector<Sample>& samples = crops.samples();
  const bool some_without = std::any_of(samples.begin(), samples.end(), [](const Sample& sample) {
    return sample.label == 0 && sample.landmarks68.empty();
  });
  // dlib's model takes a second to load and 100 MB: only where a crop needs it.
  auto finders = std::make_unique<FinderPool>();
  const Status dlib = some_without ? finders->add() : Status{};
  auto points = std::make_unique<StoredOrFound>(crops, some_without && dlib ? std::move(finders) : nullptr);
  if (!points->candidates().empty()) return points;
  if (dlib) return fail(ErrorCode::usage, "data.self_blend makes forgeries of real crops, but role train has none");
  return fail(
      ErrorCode::usage,
      "data.self_blend needs the 68 points of real crops: no real crop of role train has \"landmarks68\" in the "
      "manifest, and they cannot be found here ({})\n  next step: dfa prepare --landmarks dlib, in a build with "
      "dlib, writes them",
      dlib.error().message);
}

}  // namespace dfa::train
