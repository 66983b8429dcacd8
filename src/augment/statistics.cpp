// What steps measure on a picture.
#include <algorithm>
#include <array>
#include <cmath>

#include "augment/augment_steps.hpp"

namespace dfa {
namespace {

constexpr std::size_t kChannels = 3;
using Matrix = std::array<std::array<double, kChannels>, kChannels>;

// Of the colours on a scale of 0 to 1.
Matrix covariance(const Picture& picture) {
  constexpr double kWhite = 255;
  const ColourVector mean = mean_colour(picture);
  Matrix sum{};
  for (std::size_t i = 0; i < picture.rgb.size(); i += kChannels)
    for (std::size_t a = 0; a < kChannels; ++a)
      for (std::size_t b = a; b < kChannels; ++b)
        sum[a][b] += (picture.rgb[i + a] - mean[a]) * (picture.rgb[i + b] - mean[b]);
  const double count = static_cast<double>(picture.rgb.size() / kChannels) * kWhite * kWhite;
  for (std::size_t a = 0; a < kChannels; ++a)
    for (std::size_t b = a; b < kChannels; ++b) sum[a][b] = sum[b][a] = sum[a][b] / count;
  return sum;
}

struct Eigen {
  ColourVector values;
  Matrix vectors;  // columns
};

// Jacobi's rotations: for three by three a few sweeps reach the last digit, and the order of operations is fixed.
Eigen eigen_of(Matrix m) {
  constexpr int kSweeps = 12;
  Matrix v{};
  for (std::size_t i = 0; i < kChannels; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (std::size_t p = 0; p < kChannels; ++p)
      for (std::size_t q = p + 1; q < kChannels; ++q) {
        if (m[p][q] == 0) continue;
        const double angle = std::atan2(2 * m[p][q], m[q][q] - m[p][p]) / 2;
        const double c = std::cos(angle), s = std::sin(angle);
        for (std::size_t k = 0; k < kChannels; ++k) {
          const double kp = m[k][p], kq = m[k][q];
          m[k][p] = c * kp - s * kq, m[k][q] = s * kp + c * kq;
        }
        for (std::size_t k = 0; k < kChannels; ++k) {
          const double pk = m[p][k], qk = m[q][k];
          m[p][k] = c * pk - s * qk, m[q][k] = s * pk + c * qk;
          const double vp = v[k][p], vq = v[k][q];
          v[k][p] = c * vp - s * vq, v[k][q] = s * vp + c * vq;
        }
      }
  return {{m[0][0], m[1][1], m[2][2]}, v};
}

}  // namespace

ColourVector mean_colour(const Picture& picture) {
  ColourVector sums{};
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) sums[i % kChannels] += picture.rgb[i];
  for (double& sum : sums) sum /= static_cast<double>(picture.rgb.size() / kChannels);
  return sums;
}

double mean_level(const Picture& picture) {
  const ColourVector colour = mean_colour(picture);
  return (colour[0] + colour[1] + colour[2]) / static_cast<double>(kChannels);
}

ColourVector principal_shift(const Picture& picture, const std::array<double, 3>& factors) {
  constexpr double kWhite = 255;
  const Eigen eigen = eigen_of(covariance(picture));
  std::array<std::size_t, kChannels> order = {0, 1, 2};
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return eigen.values[a] > eigen.values[b]; });
  ColourVector shift{};
  for (std::size_t k = 0; k < kChannels; ++k)
    for (std::size_t c = 0; c < kChannels; ++c)
      shift[c] += kWhite * factors[k] * eigen.values[order[k]] * eigen.vectors[c][order[k]];
  return shift;
}

}  // namespace dfa
