// Note [Rows on demand]
// The convolutional part of a network is a chain of stages, each of which makes one row of its map at a time from the
// few rows below that it needs. Asking the last stage for its rows in order pulls just the rows of the picture that
// they rest on through the chain: a stage keeps as many rows as the next one's kernel is high, a few kB, so everything
// between the picture and the heads stays in the first-level cache, and a strip of a map can be made without the rest
// of it.
#pragma once

#include <memory>
#include <vector>

#include "nn/mtcnn/nets.hpp"
#include "nn/mtcnn/picture_source.hpp"

namespace dfa::mtcnn {

// One stage of the chain.
class RowStage {
 public:
  // kept: rows that stay valid behind the newest one, itself included.
  explicit RowStage(int kept) : kept_(kept) {}
  virtual ~RowStage() = default;
  // Takes its size from the stage below and forgets all rows.
  virtual void restart() = 0;
  int width() const { return width_; }
  int height() const { return height_; }
  int channels() const { return channels_; }  // floats from pixel to pixel

  // Row y, valid until `kept` newer ones were made. After restart() the first row may be any; from there on they come
  // in order.
  const float* row(int y);

 protected:
  // Buffers grow to the largest map seen and stay.
  void reset(int width, int height, int channels);

 private:
  virtual void make_row(int y, float* out) = 0;
  float* slot(int y);

  const int kept_;
  int width_ = 0, height_ = 0, channels_ = 0;
  int first_ = 0, next_ = 0;  // rows first_ .. next_ - 1 were made
  std::size_t slot_size_ = 0;
  std::vector<float> slots_;
};

// The trunk of one network, for one thread. Keeps a reference to `net`.
class Trunk {
 public:
  explicit Trunk(const Net& net);
  ~Trunk();
  Trunk(const Trunk&) = delete;
  Trunk& operator=(const Trunk&) = delete;

  // From here on rows are those of `region`, resized to input_width x input_height by area averages.
  void start(const PictureSource& picture, Region region, int input_width, int input_height);
  // The same, of the resized picture only these columns: a map's values are those of the whole one.
  void start(const PictureSource& picture, Region region, int input_width, int input_height, Range columns);
  int width() const { return stages_.back()->width(); }
  int height() const { return stages_.back()->height(); }
  const float* row(int y) { return stages_.back()->row(y); }

  // Size of the last map for an input of this size.
  static int map_size(const Net& net, int input);

 private:
  class InputStage;
  class ConvStage;
  class PoolStage;
  InputStage* input_ = nullptr;  // the first of stages_
  std::vector<std::unique_ptr<RowStage>> stages_;
};

}  // namespace dfa::mtcnn
