#include "train/data/batch_loader.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "preprocess/crop.hpp"

namespace dfa::train {

namespace {

class ThreadedLoader : public BatchLoader {
 public:
  ThreadedLoader(const CropSet& crops, std::vector<std::uint32_t> order, const LoaderOptions& options)
      : crops_(crops),
        order_(std::move(order)),
        options_(options),
        next_ticket_(options.first_batch),
        delivered_(options.first_batch) {
    const std::size_t size = static_cast<std::size_t>(options.batch);
    batches_ = order_.size() / size;
    if (options.last == LastBatch::keep_incomplete && order_.size() % size != 0) ++batches_;
    const std::size_t ranks = static_cast<std::size_t>(options.shard.ranks);
    batches_ = (batches_ + ranks - 1 - static_cast<std::size_t>(options.shard.rank)) / ranks;
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
    changed_.wait(lock, [&] { return ready_.contains(delivered_); });
    auto node = ready_.extract(delivered_);
    ++delivered_;
    Result<Batch> batch = std::move(node.mapped());
    if (!batch) {
      delivered_ = batches_;
      stopped_ = true;
      changed_.notify_all();
      return tl::unexpected<Error>(std::move(batch).error());
    }
    changed_.notify_all();
    return std::optional<Batch>(std::move(*batch));
  }

  std::size_t batches() const override { return batches_; }

 private:
  // Batches made ahead of the consumer: one a worker, and one so that a slow crop does not stop the training step.
  std::size_t window() const { return static_cast<std::size_t>(options_.workers) + 1; }

  void work() {
    for (;;) {
      std::size_t ticket = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock,
                      [&] { return stopped_ || next_ticket_ >= batches_ || next_ticket_ < delivered_ + window(); });
        if (stopped_ || next_ticket_ >= batches_) return;
        ticket = next_ticket_++;
      }
      Result<Batch> batch = make(ticket);
      const std::lock_guard lock(mutex_);
      ready_.emplace(ticket, std::move(batch));
      changed_.notify_all();
    }
  }

  Result<Batch> make(std::size_t ticket) const {
    const Shard& shard = options_.shard;
    const std::size_t number = ticket * static_cast<std::size_t>(shard.ranks) + static_cast<std::size_t>(shard.rank);
    const std::size_t begin = number * static_cast<std::size_t>(options_.batch);
    const std::size_t end = std::min(order_.size(), begin + static_cast<std::size_t>(options_.batch));
    const std::size_t values = 3 * static_cast<std::size_t>(options_.side) * static_cast<std::size_t>(options_.side);
    Batch batch;
    batch.images.resize((end - begin) * values);
    for (std::size_t place = begin; place < end; ++place) {
      const std::uint32_t index = order_[place];
      DFA_ASSIGN_OR_RETURN(const std::shared_ptr<const Picture> crop, crops_.crop(index));
      const std::span<float> out = std::span(batch.images).subspan((place - begin) * values, values);
      DFA_TRY(fill(*crop, place, out));
      batch.labels.push_back(crops_.samples()[index].label);
      batch.samples.push_back(index);
    }
    return batch;
  }

  // `place` in the epoch names the random stream: a crop that is shown twice in an epoch is changed differently.
  Status fill(const Picture& crop, std::size_t place, std::span<float> out) const {
    if (options_.augment == AugmentOptions{}) return crop_to_tensor(crop.view(), options_.recipe, options_.side, out);
    DFA_ASSIGN_OR_RETURN(const Picture changed,
                         augment(crop, options_.augment, augment_stream(options_.seed, options_.epoch, place)));
    return crop_to_tensor(changed.view(), options_.recipe, options_.side, out);
  }

  const CropSet& crops_;
  const std::vector<std::uint32_t> order_;
  const LoaderOptions options_;
  std::size_t batches_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ticket_;  // the batch the next free worker makes
  std::size_t delivered_;    // the batch next() waits for
  bool stopped_ = false;
  std::map<std::size_t, Result<Batch>> ready_;
  std::vector<std::thread> workers_;
};

}  // namespace

std::unique_ptr<BatchLoader> BatchLoader::start(const CropSet& crops, std::vector<std::uint32_t> order,
                                                const LoaderOptions& options) {
  return std::make_unique<ThreadedLoader>(crops, std::move(order), options);
}

}  // namespace dfa::train
