#include "pipeline/crop_line.hpp"

#include <algorithm>
#include <utility>

namespace dfa::flow {
namespace {

// Crops of finished tasks that wait for one before them, some ten MB: a worker that brings more waits with them.
constexpr std::size_t kCropsAhead = 16;

}  // namespace

void CropLine::add(std::size_t task, CropGroup group) {
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return task == head_; });
  append(std::move(group));
}

// The worker of the head never waits here, so that the head always moves on.
void CropLine::finish(std::size_t task, std::size_t frames, CropGroup rest) {
  std::unique_lock lock(mutex_);
  moved_.wait(lock, [&] { return task == head_ || crops_waiting_ + rest.size() <= kCropsAhead; });
  if (task != head_) {
    crops_waiting_ += rest.size();
    waiting_.emplace(task, Waiting{frames, std::move(rest)});
    return;
  }
  finish_head(frames, std::move(rest));
  for (auto next = waiting_.find(head_); next != waiting_.end(); next = waiting_.find(head_)) {
    Waiting waiting = std::move(next->second);
    waiting_.erase(next);
    crops_waiting_ -= waiting.group.size();
    finish_head(waiting.frames, std::move(waiting.group));
  }
  send_rest_at_end();
  moved_.notify_all();
}

void CropLine::end(std::size_t tasks) {
  std::lock_guard lock(mutex_);
  tasks_ = tasks;
  send_rest_at_end();
}

void CropLine::append(CropGroup group) {
  for (CropTensor& crop : group) {
    batch_.push_back(std::move(crop));
    if (batch_.size() >= shape_.max_batch) send();
  }
}

void CropLine::finish_head(std::size_t frames, CropGroup rest) {
  append(std::move(rest));
  if (due(frames)) send();
  ++head_;
}

bool CropLine::due(std::size_t frames) const {
  if (shape_.frames_expected <= 0) return false;
  const auto expected = static_cast<std::size_t>(shape_.frames_expected);
  // One face a frame, for want of better knowledge.
  const std::size_t left = batch_.size() + (expected > frames ? expected - frames : 0);
  return batch_.size() * shape_.networks >= left;
}

void CropLine::send() {
  if (!batch_.empty()) send_(std::exchange(batch_, {}));
}

void CropLine::send_rest_at_end() {
  if (tasks_ == head_) send();
}

}  // namespace dfa::flow
