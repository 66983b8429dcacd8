// Note [Float windows]
// MTCNN's rules about windows, in f32 throughout: cells fall on whole numbers and overlaps on exactly one half, so that
// doubles or a multiplication by the reciprocal move 4 % to 42 % of the windows (measured) and other faces follow. Each
// expression here has the operands and the order of facenet-pytorch 2.6.0, and the build never contracts them.
#pragma once

#include <span>
#include <vector>

#include "nn/mtcnn/networks.hpp"

namespace dfa {

struct FloatWindow {
  float x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  float score = 0;
  float correction[4]{};  // of x1 y1 x2 y2, in window sizes
  float points[10]{};     // five x, five y, in window sizes; after O-Net only
};

// Sizes of the picture that P-Net looks at: 12 / min_face, then each time 0.709 of it, while the shorter side keeps 12
// pixels.
struct PyramidLevel {
  double scale = 1;
  mtcnn::ScaledSize size;
};
void plan_pyramid(int width, int height, int min_face_px, std::vector<PyramidLevel>& levels);

// Adds the parts of P-Net's maps whose cells are windows of about the size of `face` around its place. Sizes without
// one get none.
void add_map_parts(const FloatWindow& face, std::span<const PyramidLevel> levels, std::vector<mtcnn::MapPart>& parts);

// The 12 x 12 cell of the scaled picture as a window of the picture.
FloatWindow window_of(const mtcnn::Proposal& proposal, double scale);

// What two windows share, in relation to what.
enum class Overlap {
  of_union,         // areas without + 1
  of_smaller_plus1  // intersection over the smaller area, every side + 1
};

// Buffers of suppress(), kept between calls.
struct SuppressScratch {
  std::vector<int> order;
  std::vector<FloatWindow> windows;
};

// Keeps each window unless it overlaps a kept one of higher score by more than `limit`; kept ones come by falling
// score. Among equal scores of_union takes the earlier first (a stable sort), of_smaller_plus1 the later (an ascending
// one, read from its end).
void suppress(std::vector<FloatWindow>& windows, Overlap overlap, double limit, SuppressScratch& scratch);

// Which width the corrections are multiplied with: P-Net's is x2 - x1, the others' one more.
enum class Extent { plain, plus1 };
void apply_correction(FloatWindow& window, Extent extent);
// Side = the longer one, same centre.
void make_square(FloatWindow& window);

// The pixels of a window: corners cut to whole numbers and to the picture, whose border no window leaves (nothing is
// padded: what is left is stretched). An empty region when nothing is left.
mtcnn::Region pixels_of(const FloatWindow& window, int width, int height);

}  // namespace dfa
