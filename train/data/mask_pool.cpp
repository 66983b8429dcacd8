#include "train/data/mask_pool.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace dfa::train {

namespace {

constexpr std::ptrdiff_t kChannels = 3;

// The pixels of one cell along one axis, and how much of each belongs to it; the weights sum to 1.
struct Reach {
  int first = 0;
  std::vector<double> weights;
};

std::vector<Reach> reaches(int pixels, int cells) {
  std::vector<Reach> all;
  const double length = static_cast<double>(pixels) / cells;
  for (int cell = 0; cell < cells; ++cell) {
    const double begin = cell * length, end = std::min((cell + 1) * length, static_cast<double>(pixels));
    Reach reach{static_cast<int>(begin), {}};
    for (int pixel = reach.first; pixel < pixels && pixel < end; ++pixel)
      reach.weights.push_back((std::min(end, pixel + 1.0) - std::max(begin, static_cast<double>(pixel))) / length);
    all.push_back(std::move(reach));
  }
  return all;
}

}  // namespace

void pool_mask(const PictureView& mask, int side, std::span<float> out) {
  constexpr double kWhite = 255;
  const std::vector<Reach> columns = reaches(mask.width, side), rows = reaches(mask.height, side);
  const std::size_t cells = static_cast<std::size_t>(side);
  std::vector<double> sums(cells * cells);
  for (std::size_t v = 0; v < cells; ++v)
    for (std::size_t j = 0; j < rows[v].weights.size(); ++j) {
      const std::uint8_t* line = mask.row(rows[v].first + static_cast<int>(j));
      for (std::size_t u = 0; u < cells; ++u) {
        double sum = 0;
        const std::uint8_t* pixel = line + kChannels * columns[u].first;
        for (const double weight : columns[u].weights) {
          sum += weight * *pixel;
          pixel += kChannels;
        }
        sums[v * cells + u] += rows[v].weights[j] * sum;
      }
    }
  std::transform(sums.begin(), sums.end(), out.begin(),
                 [](double sum) { return static_cast<float>(std::clamp(sum / kWhite, 0.0, 1.0)); });
}

}  // namespace dfa::train
