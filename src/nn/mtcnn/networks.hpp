// The three networks of MTCNN as the cascade uses them: P-Net over whole pictures at many sizes, R-Net and O-Net over
// windows. What the scores mean and which windows follow from them is the business of src/face.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "nn/mtcnn/picture_source.hpp"

namespace dfa::mtcnn {

struct ScaledSize {
  int width = 0, height = 0;  // at least 12
};

// One place of P-Net's map, column x and row y, that may show a face.
struct Proposal {
  int x = 0, y = 0;
  float score = 0;        // softmax of the two logits, class face
  float correction[4]{};  // of x1 y1 x2 y2, in window sizes
};

// Cells [x_begin, x_end) x [y_begin, y_end) of P-Net's map for sizes[size].
struct MapPart {
  std::size_t size = 0;
  int x_begin = 0, y_begin = 0, x_end = 0, y_end = 0;
};

// What R-Net and O-Net say about one window.
struct WindowScore {
  float score = 0;
  float correction[4]{};
  float points[10]{};  // O-Net: five x, then five y, in window sizes; R-Net: zeros
};

// Side of P-Net's map for an input side.
int proposal_map_size(int input);

// Not thread-safe: one call at a time. Buffers grow to what the largest call needed and stay.
class Networks {
 public:
  // threads >= 1. Errors: model_tensors (the embedded weights are not what the build put there).
  static Result<std::unique_ptr<Networks>> create(int threads);
  virtual ~Networks() = default;

  // For each size the picture resized to it by area averages; places with score >= threshold, row by row. `found` gets
  // one list a size; its lists are reused.
  virtual void propose(const PictureSource& picture, std::span<const ScaledSize> sizes, float threshold,
                       std::vector<std::vector<Proposal>>& found) = 0;
  // The same for parts of the maps, none empty: what propose() would find there, to the bit. Where parts overlap a
  // place comes several times.
  virtual void propose_in(const PictureSource& picture, std::span<const ScaledSize> sizes,
                          std::span<const MapPart> parts, float threshold,
                          std::vector<std::vector<Proposal>>& found) = 0;

  // out.size() == windows.size(); windows are resized by area averages to the network's input.
  virtual void refine(const PictureSource& picture, std::span<const Region> windows,
                      std::span<WindowScore> out) = 0;  // R-Net
  virtual void locate(const PictureSource& picture, std::span<const Region> windows,
                      std::span<WindowScore> out) = 0;  // O-Net
};

}  // namespace dfa::mtcnn
