#include "train/data/batch_loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <new>
#include <thread>

namespace dfa::train {

namespace {

// What one worker makes at a time: a crop, or both sides of a pair.
struct Unit {
  std::size_t begin = 0;  // place
  std::size_t count = 1;
};

bool are_one_pair(const Slot& a, const Slot& b) {
  return a.kind == SlotKind::blended_real && b.kind == SlotKind::blended_fake && a.stream == b.stream &&
         a.sample == b.sample;
}

std::vector<Unit> units_of(const std::vector<Slot>& slots, std::size_t begin, std::size_t end, std::size_t batch) {
  std::vector<Unit> units;
  for (std::size_t place = begin; place < end;) {
    const bool pair = place + 1 < end && (place + 1) % batch != 0 && are_one_pair(slots[place], slots[place + 1]);
    units.push_back({place, pair ? std::size_t{2} : std::size_t{1}});
    place += units.back().count;
  }
  return units;
}

Batch empty_batch(std::pmr::memory_resource* memory) {
  if (memory == nullptr) memory = std::pmr::get_default_resource();
  Batch batch{.images = std::pmr::vector<float>(memory),
              .labels = {},
              .samples = {},
              .masks = {},
              .mask_known = {},
              .strong = std::pmr::vector<float>(memory)};
  return batch;
}

// A batch that units are written into, each into places of its own.
class OpenBatch {
 public:
  OpenBatch(std::size_t size, const LoaderOptions& options) : batch_(empty_batch(options.memory)), left_(size) {
    image_values_ = 3 * static_cast<std::size_t>(options.side) * static_cast<std::size_t>(options.side);
    mask_values_ = static_cast<std::size_t>(options.mask_side) * static_cast<std::size_t>(options.mask_side);
    batch_.images.resize(size * image_values_);
    batch_.labels.resize(size);
    batch_.samples.resize(size);
    batch_.masks.resize(size * mask_values_);
    if (mask_values_ > 0) batch_.mask_known.resize(size);
    if (options.strong) batch_.strong.resize(size * image_values_);
  }

  // Without a lock: no two units share a place.
  SamplePlace place(std::size_t i) {
    SamplePlace place;
    place.image = std::span(batch_.images).subspan(i * image_values_, image_values_);
    place.mask = std::span(batch_.masks).subspan(i * mask_values_, mask_values_);
    if (!batch_.strong.empty()) place.strong = std::span(batch_.strong).subspan(i * image_values_, image_values_);
    return place;
  }
  void put(std::size_t i, const SamplePlace& made) {
    batch_.labels[i] = made.label;
    batch_.samples[i] = made.sample;
    if (mask_values_ > 0) batch_.mask_known[i] = made.mask_known;
  }

  // Under the loader's lock.
  void close_unit(const Unit& unit, const Result<std::uint32_t>& made) {
    left_ -= unit.count;
    if (made)
      batch_.self_blend_misses += *made;
    else if (!error_ || unit.begin < error_place_) {
      error_ = made.error();
      error_place_ = unit.begin;
    }
  }
  bool is_complete() const { return left_ == 0; }
  Result<Batch> finish() {
    if (error_) return tl::unexpected<Error>(*error_);
    return std::move(batch_);
  }

 private:
  Batch batch_;
  std::size_t image_values_ = 0, mask_values_ = 0;
  std::size_t left_ = 0;  // places that are not made yet
  std::optional<Error> error_;
  std::size_t error_place_ = 0;
};

class ThreadedLoader : public BatchLoader {
 public:
  ThreadedLoader(const CropSet& crops, std::vector<Slot> slots, const LoaderOptions& options)
      : maker_(crops, options), slots_(std::move(slots)), options_(options), delivered_(options.first_batch) {
    batches_ = slots_.size() / size();
    if (options.last == LastBatch::keep_incomplete && slots_.size() % size() != 0) ++batches_;
    units_ = units_of(slots_, options.first_batch * size(), std::min(slots_.size(), batches_ * size()), size());
    for (int i = 0; i < options.workers; ++i) workers_.emplace_back([this] { work(); });
  }

  ~ThreadedLoader() override {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  Result<std::optional<Batch>> next() override {
    std::unique_lock lock(mutex_);
    if (delivered_ >= batches_) return std::optional<Batch>();
    changed_.wait(lock, [&] {
      const auto found = open_.find(delivered_);
      return found != open_.end() && found->second.is_complete();
    });
    auto node = open_.extract(delivered_);
    ++delivered_;
    Result<Batch> batch = node.mapped().finish();
    if (!batch) {
      delivered_ = batches_;
      stopped_ = true;
    }
    changed_.notify_all();
    if (!batch) return tl::unexpected<Error>(std::move(batch).error());
    return std::optional<Batch>(std::move(*batch));
  }

  std::size_t batches() const override { return batches_; }

 private:
  std::size_t size() const { return static_cast<std::size_t>(options_.batch); }
  std::size_t batch_of(const Unit& unit) const { return unit.begin / size(); }
  std::size_t places_of(std::size_t batch) const { return std::min(slots_.size() - batch * size(), size()); }
  bool may_begin(const Unit& unit) const {
    return batch_of(unit) < delivered_ + static_cast<std::size_t>(std::max(options_.prefetch, 1));
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopped_ || next_ == units_.size() || may_begin(units_[next_]); });
      if (stopped_ || next_ == units_.size()) return;
      const Unit unit = units_[next_++];
      OpenBatch& batch = open_.try_emplace(batch_of(unit), places_of(batch_of(unit)), options_).first->second;
      lock.unlock();
      const Result<std::uint32_t> made = make(unit, batch);
      lock.lock();
      batch.close_unit(unit, made);
      if (batch.is_complete()) changed_.notify_all();
    }
  }

  // Returns the misses of self-blending.
  Result<std::uint32_t> make(const Unit& unit, OpenBatch& batch) const {
    const Slot& slot = slots_[unit.begin];
    const std::size_t first = unit.begin % size();
    SamplePlace one = batch.place(first), two;
    Result<std::uint32_t> misses = 0U;
    try {
      if (slot.kind == SlotKind::crop) {
        DFA_TRY(maker_.make_crop(slot, one));
      } else if (unit.count == 1) {
        const bool is_real = slot.kind == SlotKind::blended_real;
        misses = maker_.make_pair(slot, is_real ? &one : nullptr, is_real ? nullptr : &one);
      } else {
        two = batch.place(first + 1);
        misses = maker_.make_pair(slot, &one, &two);
      }
    } catch (const std::bad_alloc&) {
      return fail(ErrorCode::out_of_memory, "no memory for a training crop\n  next step: lower data.workers");
    }
    if (!misses) return misses;
    batch.put(first, one);
    if (unit.count == 2) batch.put(first + 1, two);
    return misses;
  }

  const SampleMaker maker_;
  const std::vector<Slot> slots_;
  const LoaderOptions options_;
  std::size_t batches_ = 0;
  std::vector<Unit> units_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;   // the unit the next free worker makes
  std::size_t delivered_;  // the batch next() waits for
  bool stopped_ = false;
  std::map<std::size_t, OpenBatch> open_;  // by batch; at most `prefetch` of them
  std::vector<std::thread> workers_;
};

}  // namespace

std::unique_ptr<BatchLoader> BatchLoader::start(const CropSet& crops, std::vector<Slot> slots,
                                                const LoaderOptions& options) {
  return std::make_unique<ThreadedLoader>(crops, std::move(slots), options);
}

std::unique_ptr<BatchLoader> BatchLoader::start(const CropSet& crops, const std::vector<std::uint32_t>& order,
                                                const LoaderOptions& options) {
  return start(crops, crop_slots(order), options);
}

}  // namespace dfa::train
