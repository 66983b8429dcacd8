#include "face/mtcnn_windows.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dfa {
namespace {

constexpr double kCell = 12;  // P-Net's input for one output
constexpr double kPyramidFactor = 0.709;
constexpr float kMapStride = 2;

// Around a face that is followed: how far the middle of a window may be from that of the face, in sides of the face,
// and how much larger or smaller than it a window may be. Windows that become the face lie within half a side of it;
// the rest is room for its motion.
constexpr double kFollowReach = 0.75;
constexpr double kFollowRatio = 3;

struct Shared {
  float width, height;
  float area() const { return width * height; }
};

Shared shared_by(const FloatWindow& a, const FloatWindow& b, float plus) {
  return {std::max(0.0f, std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + plus),
          std::max(0.0f, std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + plus)};
}

float area(const FloatWindow& w, float plus) {
  return (w.x2 - w.x1 + plus) * (w.y2 - w.y1 + plus);
}

// The ratio itself is rounded to f32, the limit is not.
bool overlaps(const FloatWindow& kept, const FloatWindow& other, Overlap overlap, double limit) {
  const float plus = overlap == Overlap::of_union ? 0.0f : 1.0f;
  const float both = shared_by(kept, other, plus).area();
  if (!(both > 0)) return false;
  const float kept_area = area(kept, plus), other_area = area(other, plus);
  const float whole = overlap == Overlap::of_union ? kept_area + other_area - both : std::min(kept_area, other_area);
  return static_cast<double>(both / whole) > limit;
}

// Window coordinates come from floats without bound; those that matter lie near the picture.
int whole(float v) {
  constexpr float kFar = 1e9f;
  return static_cast<int>(std::clamp(v, -kFar, kFar));
}

}  // namespace

void plan_pyramid(int width, int height, int min_face_px, std::vector<PyramidLevel>& levels) {
  levels.clear();
  const double largest = kCell / min_face_px;
  double scale = largest, shorter = std::min(width, height) * largest;
  while (shorter >= kCell) {
    levels.push_back({scale, {static_cast<int>(width * scale + 1), static_cast<int>(height * scale + 1)}});
    scale *= kPyramidFactor;
    shorter *= kPyramidFactor;
  }
}

void add_map_parts(const FloatWindow& face, std::span<const PyramidLevel> levels, std::vector<mtcnn::MapPart>& parts) {
  const double side = std::max(face.x2 - face.x1, face.y2 - face.y1);
  const double middle_x = (face.x1 + face.x2) / 2.0, middle_y = (face.y1 + face.y2) / 2.0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const PyramidLevel& level = levels[i];
    const double window = kCell / level.scale;
    if (window > kFollowRatio * side || kFollowRatio * window < side) continue;
    // Cells whose middle lies within the reach, as far as the map has them.
    const auto cell = [&](double at, int cells) {
      return static_cast<int>(std::clamp((at * level.scale - kCell / 2) / kMapStride, 0.0, static_cast<double>(cells)));
    };
    const double reach = kFollowReach * side;
    const int columns = mtcnn::proposal_map_size(level.size.width), rows = mtcnn::proposal_map_size(level.size.height);
    const mtcnn::MapPart part{i, cell(middle_x - reach, columns), cell(middle_y - reach, rows),
                              std::min(cell(middle_x + reach, columns) + 1, columns),
                              std::min(cell(middle_y + reach, rows) + 1, rows)};
    if (part.x_begin < part.x_end && part.y_begin < part.y_end) parts.push_back(part);
  }
}

FloatWindow window_of(const mtcnn::Proposal& proposal, double scale) {
  const float divisor = static_cast<float>(scale);
  const auto corner = [&](int cell, float offset) {
    return std::floor((kMapStride * static_cast<float>(cell) + offset) / divisor);
  };
  constexpr float kFirst = 1, kLast = 12;
  FloatWindow window{corner(proposal.x, kFirst),
                     corner(proposal.y, kFirst),
                     corner(proposal.x, kLast),
                     corner(proposal.y, kLast),
                     proposal.score,
                     {},
                     {}};
  std::copy(std::begin(proposal.correction), std::end(proposal.correction), window.correction);
  return window;
}

void suppress(std::vector<FloatWindow>& windows, Overlap overlap, double limit, SuppressScratch& scratch) {
  std::vector<int>& order = scratch.order;
  order.resize(windows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](int i) -> FloatWindow& { return windows[static_cast<std::size_t>(i)]; };
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    if (at(a).score != at(b).score) return at(a).score > at(b).score;
    return overlap == Overlap::of_union ? a < b : a > b;
  });
  // The kept ones move to the front of `order`.
  std::size_t kept = 0;
  for (const int candidate : order) {
    const auto kept_end = order.begin() + static_cast<std::ptrdiff_t>(kept);
    const bool dropped =
        std::any_of(order.begin(), kept_end, [&](int k) { return overlaps(at(k), at(candidate), overlap, limit); });
    if (!dropped) order[kept++] = candidate;
  }
  order.resize(kept);
  scratch.windows.clear();
  for (const int k : order) scratch.windows.push_back(at(k));
  windows.swap(scratch.windows);
}

void apply_correction(FloatWindow& w, Extent extent) {
  const float plus = extent == Extent::plain ? 0.0f : 1.0f;
  const float width = w.x2 - w.x1 + plus, height = w.y2 - w.y1 + plus;
  w.x1 = w.x1 + w.correction[0] * width;
  w.y1 = w.y1 + w.correction[1] * height;
  w.x2 = w.x2 + w.correction[2] * width;
  w.y2 = w.y2 + w.correction[3] * height;
}

void make_square(FloatWindow& w) {
  const float height = w.y2 - w.y1, width = w.x2 - w.x1;
  const float side = std::max(width, height);
  w.x1 = w.x1 + width * 0.5f - side * 0.5f;
  w.y1 = w.y1 + height * 0.5f - side * 0.5f;
  w.x2 = w.x1 + side;
  w.y2 = w.y1 + side;
}

mtcnn::Region pixels_of(const FloatWindow& window, int width, int height) {
  // The package counts pixels from 1.
  const int first_x = std::max(whole(window.x1), 1) - 1, first_y = std::max(whole(window.y1), 1) - 1;
  const int end_x = std::min(whole(window.x2), width), end_y = std::min(whole(window.y2), height);
  return {first_x, first_y, std::max(end_x - first_x, 0), std::max(end_y - first_y, 0)};
}

}  // namespace dfa
