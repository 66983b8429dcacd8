#include "nn/mtcnn/trunk.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

namespace dfa::mtcnn {
namespace {

constexpr int kColours = 3;
constexpr int kLargestKernel = 3;

int convolved(int size, int kernel) {
  return size - kernel + 1;
}

// Ceil mode: a last window that begins inside the map counts.
int pooled(int size, PoolShape pool) {
  if (size <= pool.kernel) return 1;
  return (size - pool.kernel + pool.stride - 1) / pool.stride + 1;
}

}  // namespace

void RowStage::reset(int width, int height, int channels) {
  width_ = width, height_ = height, channels_ = channels;
  slot_size_ = static_cast<std::size_t>(width) * static_cast<std::size_t>(channels) + kRowSlack;
  const std::size_t size = slot_size_ * static_cast<std::size_t>(kept_);
  if (slots_.size() < size) slots_.resize(size);
  first_ = next_ = 0;
}

float* RowStage::slot(int y) {
  return slots_.data() + static_cast<std::size_t>(y % kept_) * slot_size_;
}

const float* RowStage::row(int y) {
  assert(y >= 0 && y < height_);
  if (first_ == next_) first_ = next_ = y;
  for (; next_ <= y; ++next_) make_row(next_, slot(next_));
  assert(y >= first_ && y >= next_ - kept_);
  return slot(y);
}

// Area averages of the picture, normalised.
class Trunk::InputStage final : public RowStage {
 public:
  using RowStage::RowStage;
  void start(const PictureSource& picture, Region region, int width, int height, Range wanted) {
    picture_ = picture;
    reset(wanted.end - wanted.begin, height, kColours);
    columns_.clear();
    for (int x = wanted.begin; x < wanted.end; ++x) columns_.push_back(averaged_range(x, region.width, width));
    // Of the region only what these columns average.
    const int first = columns_.front().begin;
    for (Range& column : columns_) column = {column.begin - first, column.end - first};
    region.x += first;
    region.width = columns_.back().end;
    region_ = region;
    const std::size_t needed = kColours * static_cast<std::size_t>(region.width) + kRowSlack;
    if (sums_.size() < needed) sums_.resize(needed);
    // Columns inside the picture; to both sides of them the sums stay zero.
    left_ = std::clamp(picture.border - region.x, 0, region.width);
    right_ = std::clamp(picture.border + picture.picture_width - region.x, left_, region.width);
    std::fill(sums_.begin(), sums_.begin() + kColours * left_, 0u);
    std::fill(sums_.begin() + kColours * right_, sums_.begin() + kColours * region.width, 0u);
  }
  void restart() override {}

 private:
  void make_row(int y, float* out) override {
    const auto [begin, end] = averaged_range(y, region_.height, height());
    // In rows of the stored picture.
    const int offset = region_.y - picture_.border;
    const int first = std::max(begin + offset, 0), last = std::min(end + offset, picture_.picture_height);
    const std::ptrdiff_t bytes = std::ptrdiff_t{kColours} * (right_ - left_);
    std::uint32_t* const inside = sums_.data() + kColours * left_;
    if (first < last && bytes > 0) {
      const std::ptrdiff_t column = std::ptrdiff_t{kColours} * (region_.x + left_ - picture_.border);
      sum_rows(picture_.rgb + first * picture_.stride + column, picture_.stride, last - first, bytes, inside);
    } else {
      std::fill(inside, inside + bytes, 0u);
    }
    average_row(sums_.data(), end - begin, columns_, out);
  }

  PictureSource picture_;
  Region region_;
  int left_ = 0, right_ = 0;
  std::vector<Range> columns_;       // that each output column averages
  std::vector<std::uint32_t> sums_;  // of the rows of one output row
};

class Trunk::ConvStage final : public RowStage {
 public:
  ConvStage(const ConvLayer& layer, RowStage& below, int kept) : RowStage(kept), layer_(layer), below_(below) {}
  void restart() override {
    reset(convolved(below_.width(), layer_.kernel), convolved(below_.height(), layer_.kernel), layer_.out_stride());
  }

 private:
  void make_row(int y, float* out) override {
    std::array<const float*, kLargestKernel> rows{};
    for (int k = 0; k < layer_.kernel; ++k) rows[static_cast<std::size_t>(k)] = below_.row(y + k);
    conv_row(layer_, rows.data(), width(), out);
  }

  const ConvLayer& layer_;
  RowStage& below_;
};

class Trunk::PoolStage final : public RowStage {
 public:
  PoolStage(PoolShape pool, RowStage& below, int kept) : RowStage(kept), pool_(pool), below_(below) {}
  void restart() override { reset(pooled(below_.width(), pool_), pooled(below_.height(), pool_), below_.channels()); }

 private:
  void make_row(int y, float* out) override {
    std::array<const float*, kLargestKernel> rows{};
    const int first = y * pool_.stride;
    const int count = std::min(pool_.kernel, below_.height() - first);
    for (int k = 0; k < count; ++k) rows[static_cast<std::size_t>(k)] = below_.row(first + k);
    max_pool_row(pool_, std::span(rows).first(static_cast<std::size_t>(count)), below_.width(), channels(), width(),
                 out);
  }

  PoolShape pool_;
  RowStage& below_;
};

Trunk::Trunk(const Net& net) {
  auto input = std::make_unique<InputStage>(net.trunk.front().conv.kernel);
  input_ = input.get();
  stages_.push_back(std::move(input));
  for (std::size_t i = 0; i < net.trunk.size(); ++i) {
    const TrunkLayer& layer = net.trunk[i];
    const int next_kernel = i + 1 < net.trunk.size() ? net.trunk[i + 1].conv.kernel : 1;
    const bool pools = layer.pool.kernel > 0;
    stages_.push_back(
        std::make_unique<ConvStage>(layer.conv, *stages_.back(), pools ? layer.pool.kernel : next_kernel));
    if (pools) stages_.push_back(std::make_unique<PoolStage>(layer.pool, *stages_.back(), next_kernel));
  }
}

Trunk::~Trunk() = default;

void Trunk::start(const PictureSource& picture, Region region, int input_width, int input_height) {
  start(picture, region, input_width, input_height, {0, input_width});
}

void Trunk::start(const PictureSource& picture, Region region, int input_width, int input_height, Range columns) {
  input_->start(picture, region, input_width, input_height, columns);
  for (const auto& stage : stages_) stage->restart();
}

int Trunk::map_size(const Net& net, int input) {
  for (const TrunkLayer& layer : net.trunk) {
    input = convolved(input, layer.conv.kernel);
    if (layer.pool.kernel > 0) input = pooled(input, layer.pool);
  }
  return input;
}

}  // namespace dfa::mtcnn
